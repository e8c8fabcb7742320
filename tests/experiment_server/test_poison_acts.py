"""Poison in what changes, delivers and explains experiments: a 4xx problem, never a 5xx.

``test_poison.py`` does the same to the definitions themselves.
"""

import orjson
import pytest

from experiment_server.metrics.service import ensure_built_in
from tests.experiment_server.delivery.definitions import URL, VARIANTS
from tests.experiment_server.experiments.test_experiments_api import EXPERIMENT
from tests.experiment_server.test_poison import BODIES, VALUES
from tests.factories import NOW, make_keys

EXPERIMENTS = f"{URL}/experiments"
STRANGE = [
    *VALUES,
    b"0",
    b"0.5",
    b"false",
    b"[]",
    b"{}",
    b"[null]",
    b"[{}]",
    b'{"":""}',
    b'"9999-12-31T23:59:59-14:00"',
    b'"0001-01-01T00:00:00+14:00"',
    b'{"id":{"$regex":"(a+)+$"}}',
    b'{"$not":null}',
    b'[["a",{"b":[[[[[[[[[[1]]]]]]]]]]}]]',
    b'{"ladder":1e10}',
    b'{"learner-7":"ladder"}',
]
EXPOSURE = {
    "type": "exposure",
    "id": "e",
    "experiment": "live",
    "variant": "ladder",
    "learner": "l",
    "at": "2026-03-02T09:00:00Z",
    "attributes": {"role": "seller"},
}
# method, address and body; the address of a GET that tells the version for If-Match, if it asks
TARGETS = {
    "start a holdout": ("POST", f"{URL}/holdouts", {"key": "q4", "title": "t", "share": 0.05}, ""),
    "rename a holdout": ("PUT", f"{URL}/holdouts/held", {"title": "x"}, f"{URL}/holdouts/held"),
    "pause": ("POST", f"{EXPERIMENTS}/live/pause", {"reason": "x"}, ""),
    "start": ("POST", f"{EXPERIMENTS}/draft/start", {"started_at": "2026-03-01T00:00:00Z"}, ""),
    "stop": (
        "POST",
        f"{EXPERIMENTS}/live/stop",
        {"reason": "x", "after": {"rule": "ship", "variant": "ladder"}},
        "",
    ),
    "after": (
        "PUT",
        f"{EXPERIMENTS}/over/after",
        {"rule": "ship", "variant": "ladder"},
        f"{EXPERIMENTS}/over",
    ),
    "previews": (
        "PUT",
        f"{EXPERIMENTS}/live/previews",
        {"items": {"learner-7": "ladder"}},
        f"{EXPERIMENTS}/live",
    ),
    "allocation": (
        "PUT",
        f"{EXPERIMENTS}/draft/allocation",
        {"items": [{"unit": "a", "variant": "control", "stratum": "s"}]},
        f"{EXPERIMENTS}/draft",
    ),
    "explain": (
        "POST",
        f"{EXPERIMENTS}/live/explain",
        {"learner": "learner-7", "attributes": {"role": "seller"}},
        "",
    ),
    "remote evaluation": (
        "POST",
        "/api/eval/<client key>",
        {
            "attributes": {"id": "a"},
            "forcedVariations": {},
            "forcedFeatures": [],
            "url": "/?live=1",
        },
        "",
    ),
    "one by OFREP": (
        "POST",
        "/ofrep/v1/evaluate/flags/live",
        {"context": {"targetingKey": "a", "role": "seller"}},
        "",
    ),
    "all by OFREP": ("POST", "/ofrep/v1/evaluate/flags", {"context": {"targetingKey": "a"}}, ""),
    "events": ("POST", "/api/v1/events", {"items": [EXPOSURE]}, ""),
}


@pytest.fixture
def keys(database):
    with database.write() as session:
        ensure_built_in(session, NOW)
    return make_keys(database)


@pytest.fixture
def headers(client, keys):
    """Of an admin, for whom a draft, a running and a stopped experiment and a holdout exist."""
    admin = keys.manage("admin")
    for key, acts in (("draft", ()), ("live", ("start",)), ("over", ("start", "stop"))):
        body = {**EXPERIMENT, "key": key, "variants": VARIANTS}
        assert client.post(EXPERIMENTS, json=body, headers=admin).status_code == 201
        for act in acts:
            assert client.post(f"{EXPERIMENTS}/{key}/{act}", headers=admin).status_code == 200
    body = {"key": "held", "title": "Held", "share": 0.1}
    assert client.post(f"{URL}/holdouts", json=body, headers=admin).status_code == 201
    return admin


def places(body, path=()):
    """Where something else can stand in a body, itself included."""
    yield path
    if isinstance(body, dict | list):
        for name in body if isinstance(body, dict) else range(len(body)):
            yield from places(body[name], (*path, name))


def replaced(body, path, value):
    """The body with this value in that place."""
    if not path:
        return value
    copy = body.copy()
    copy[path[0]] = replaced(body[path[0]], path[1:], value)
    return copy


def poisoned(body):
    """Texts of bodies, each with one strange thing."""
    for path in places(body):
        text = orjson.dumps(replaced(body, path, "@@"))
        yield from (text.replace(b'"@@"', raw) for raw in STRANGE)
    yield from BODIES
    yield orjson.dumps(body)[:-1] + b"," + orjson.dumps(body)[1:]  # every member twice
    yield b'{"reason":"' + b"x" * 10_000_000 + b'"}'


@pytest.mark.parametrize("what", TARGETS)
def test_poison__in_any_place_of_an_act__is_never_a_5xx(client, keys, headers, what):
    method, address, body, versioned = TARGETS[what]
    address = address.replace("<client key>", keys.secret("client"))
    of_server = keys.headers("server")
    sent = of_server if address.startswith(("/ofrep", "/api/v1/events")) else headers
    n_refused = 0
    for raw in poisoned(body):
        version = client.get(versioned, headers=headers).headers["ETag"] if versioned else "1"
        answer = client.open(
            address,
            method=method,
            data=raw,
            headers={**sent, "If-Match": version},
            content_type="application/json",
        )
        assert answer.status_code < 500, (raw[:200], answer.data[:500])
        assert len(answer.data) < 20_000
        n_refused += answer.status_code >= 400

    assert n_refused > len(BODIES)
    for then in (EXPERIMENTS, f"{URL}/holdouts", f"{URL}/namespaces", "/api/v1/audit"):
        assert client.get(then, headers=headers).status_code == 200, then
    assert client.get("/api/v1/payload", headers=of_server).status_code == 200
