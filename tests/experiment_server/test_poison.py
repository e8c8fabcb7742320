"""Whatever a body holds, the answer is a 4xx problem that says so, never a 5xx."""

import orjson
import pytest

from experiment_server.metrics.service import ensure_built_in
from experiment_server.strict_json import MAX_DEPTH
from tests.experiment_server.experiments.test_experiments_api import EXPERIMENT
from tests.factories import NOW, make_keys

TARGETS = {
    "/api/v1/flags": {"key": "home", "title": "Home", "value_type": "json", "default_value": None},
    "/api/v1/metrics": {
        "key": "posts",
        "title": "Posts",
        "kind": "count",
        "event_kinds": ["peer_post"],
        "cap": 10,
    },
    "/api/v1/environments/production/experiments": EXPERIMENT,
    "/api/v1/environments/production/keys": {"kind": "server", "title": "LMS"},
}
VALUES = [
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"1e400",
    b"1e300",
    b"-1e300",
    b"9223372036854775808",
    b"18446744073709551616",
    b"9" * 5000,
    b'"\\ud800"',
    b'"\\u0000"',
    b'"' + b"x" * 200_000 + b'"',
    b'["a", "list"]',
    b'{"an": "object"}',
    b"[" * 5000 + b"]" * 5000,
    b'{"a":' * 5000 + b"1" + b"}" * 5000,
    b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
    b"true",
    b"null",
    b"-1",
    b'""',
    b'"\xff\xfe"',
    b"'single'",
    b"0x10",
]
BODIES = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"text"',
    b"42",
    b"\xff\xfe{\x00}\x00",
    b"\xef\xbb\xbf{}",
    b"[" * 100_000,
    b"{}" * 3,
    b"\x00",
]


@pytest.fixture
def admin(database):
    with database.write() as session:
        ensure_built_in(session, NOW)
    return make_keys(database).manage("admin")


def post(client, url, raw, admin):
    return client.post(url, data=raw, headers=admin, content_type="application/json")


def with_value(body, field, raw):
    """The body as JSON text, one field's value replaced by raw bytes that may be no JSON."""
    return orjson.dumps({**body, field: "@@"}).replace(b'"@@"', raw)


def assert_refused(answer):
    assert 400 <= answer.status_code < 500, answer.data[:500]
    assert answer.content_type == "application/problem+json"
    assert answer.json["status"] == answer.status_code
    assert answer.json["detail"]
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]
    assert b"Traceback" not in answer.data
    assert len(answer.data) < 20_000


@pytest.mark.parametrize("url", TARGETS)
def test_poison__in_any_field__is_never_a_5xx(client, admin, url):
    for field in TARGETS[url]:
        for raw in VALUES:
            answer = post(client, url, with_value(TARGETS[url], field, raw), admin)

            if answer.status_code >= 400:
                assert_refused(answer)
            else:
                assert answer.status_code == 201
                assert orjson.loads(answer.data)
            listed = client.get(url, headers=admin)
            assert listed.status_code == 200, (field, raw[:50])


@pytest.mark.parametrize("raw", BODIES, ids=range(len(BODIES)))
@pytest.mark.parametrize("url", TARGETS)
def test_poison__instead_of_a_body__is_a_problem(client, admin, url, raw):
    assert_refused(post(client, url, raw, admin))


@pytest.mark.parametrize("url", TARGETS)
def test_poison__ten_megabytes__is_413(client, admin, url):
    answer = post(client, url, b'{"key":"' + b"x" * 10_000_000 + b'"}', admin)

    assert_refused(answer)
    assert answer.status_code == 413


@pytest.mark.parametrize("url", TARGETS)
def test_poison__json_sent_as_plain_text__is_415(client, admin, url):
    answer = client.post(url, data=b"{}", headers=admin, content_type="text/plain")

    assert_refused(answer)
    assert answer.status_code == 415


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/flags/%00",
        "/api/v1/flags/a%0d%0ab",
        "/api/v1/flags/" + "x" * 3000,
        "/api/v1/flags/%ed%a0%80",
        "/api/v1/flags/..%2f..%2fetc",
        "/api/v1/flags/<script>",
        "/api/v1/environments/production/keys/99999999999999999999",
        "/api/v1/audit?after=99999999999",
        "/api/v1/audit?limit=abc",
        "/api/v1/audit?limit=0",
        "/api/v1/audit?limit=%D9%A3",
        "/api/v1/audit?resource=%00",
    ],
)
def test_poison__in_the_address__is_a_problem(client, admin, path):
    method = "DELETE" if "/keys/" in path else "GET"

    assert_refused(client.open(path, method=method, headers=admin))


@pytest.mark.parametrize(
    "value", ["", "abc", '"', "-1", "1e3", "9" * 50, "*", '"1", "2"', "\u0663"]
)
def test_poison__if_match__is_400_or_412(client, admin, value):
    client.post("/api/v1/flags", json=TARGETS["/api/v1/flags"], headers=admin)
    headers = {**admin, "If-Match": value.encode("utf-8").decode("latin-1")}

    answer = client.patch("/api/v1/flags/home", json={"title": "x"}, headers=headers)

    assert_refused(answer)
    assert answer.status_code in (400, 412)


@pytest.mark.parametrize(
    "value", ["Bearer " + "x" * 5000, "Bearer mo_server_\xff", "bearer", "Bearer \t", "\xff"]
)
def test_poison__authorization__is_401(client, value):
    answer = client.get("/api/v1/flags", headers={"Authorization": value})

    assert_refused(answer)
    assert answer.status_code == 401


def test_last_resort__any_exception__tells_only_a_request_id(app, client, admin, monkeypatch):
    def broken():
        raise RuntimeError("SELECT secret FROM /etc/passwd")

    monkeypatch.setitem(app.view_functions, "flags.list_flags", allow(broken))

    answer = client.get("/api/v1/flags", headers=admin)

    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.json["request_id"] in answer.headers["X-Request-Id"]


def allow(view):
    from experiment_server import web

    return web.authorize("definitions.read")(view)
