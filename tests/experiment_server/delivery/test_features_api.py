"""GrowthBook's endpoints: who gets in, what they get, and that it decides as our own payload."""

import gzip
import hashlib

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from assignment import evaluate, parse_payload
from tests.experiment_server.delivery.definitions import (
    FOR_CLIENTS,
    KEYS,
    URL,
    learners,
    make_flag,
    run_experiment,
)

SITE = {"Origin": "https://lms.example.org", "Sec-Fetch-Site": "cross-site"}


@pytest.fixture
def features_url(client_key):
    return f"/api/features/{client_key}"


def hash_emails(attributes, salt):
    """What a host does before it hands secret attributes to a client."""
    if "email" not in attributes:
        return attributes
    digest = hashlib.sha256((salt + attributes["email"]).encode()).hexdigest()
    return {**attributes, "email": digest}


@pytest.mark.usefixtures("defined")
def test_features__for_a_client__decide_as_the_servers_payload(
    client, editor, server_key, features_url
):
    salt = client.get(URL, headers=editor).json["secret_salt"]
    whole = parse_payload(client.get("/api/v1/payload", headers=server_key).json)
    body = client.get(features_url).json
    shown = parse_payload(body)

    assert sorted(whole.flags) == KEYS
    assert sorted(shown.flags) == FOR_CLIENTS
    assert set(body) == {"status", "features", "savedGroups", "dateUpdated"}
    for attributes in learners(400):
        hashed = hash_emails(attributes, salt)
        for key in FOR_CLIENTS:
            theirs, ours = evaluate(shown, key, hashed), evaluate(whole, key, attributes)
            assert (theirs.value, theirs.in_experiment) == (ours.value, ours.in_experiment)


@pytest.mark.usefixtures("defined")
def test_payload__for_a_client_key__decides_with_the_same_variants_and_reasons(
    client, editor, server_key, client_key
):
    salt = client.get(URL, headers=editor).json["secret_salt"]
    header = {"Authorization": f"Bearer {client_key}"}
    whole = parse_payload(client.get("/api/v1/payload", headers=server_key).json)
    shown = parse_payload(client.get("/api/v1/payload", headers=header).json)

    for attributes in learners(200):
        for key in ("ladder", "ring", "quest"):
            theirs = evaluate(shown, key, hash_emails(attributes, salt))
            ours = evaluate(whole, key, attributes)
            assert (theirs.variant, theirs.reason) == (ours.variant, ours.reason)


def test_features__unchanged__are_304_until_a_change(client, editor, features_url):
    etag = client.get(features_url).headers["ETag"]
    before = client.get(features_url, headers={"If-None-Match": etag})
    make_flag(client, editor, "home", rules=[])
    after = client.get(features_url, headers={"If-None-Match": etag})

    assert (before.status_code, before.data, after.status_code) == (304, b"", 200)
    assert before.headers["ETag"] == etag
    assert "max-age=0" in after.headers["Cache-Control"]


@pytest.mark.usefixtures("defined")
def test_features__asked_for_packed__are_packed_and_304_by_either_etag(client, features_url):
    plain = client.get(features_url)
    packed = client.get(features_url, headers={"Accept-Encoding": "gzip, deflate"})
    again = [
        client.get(features_url, headers={"If-None-Match": each.headers["ETag"], **encoding})
        for each in (plain, packed)
        for encoding in ({}, {"Accept-Encoding": "gzip"})
    ]

    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert len(packed.data) < len(plain.data) / 2
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert {answer.status_code for answer in again} == {304}


def test_features__asked_by_another_sites_script__may_be_read(client, features_url):
    answer = client.get(features_url, headers=SITE)
    preflight = client.options(features_url, headers=SITE)

    for each in (answer, preflight):
        assert each.headers["Access-Control-Allow-Origin"] == "*"
        assert "X-SSE-Support" in each.headers["Access-Control-Expose-Headers"]
    assert answer.headers["X-SSE-Support"] == "enabled"
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_events__from_another_sites_script__are_taken_with_a_client_key(client, client_key):
    preflight = client.options("/api/v1/events", headers=SITE)
    item = {"type": "event", "id": "1", "kind": "session_started", "learner": "ada"}
    answer = client.post(
        "/api/v1/events",
        json={"items": [{**item, "at": "2026-03-02T09:00:00Z"}]},
        headers={**SITE, "Authorization": f"Bearer {client_key}"},
    )

    assert "Authorization" in preflight.headers["Access-Control-Allow-Headers"]
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (202, "*")


@pytest.mark.parametrize("path", ["/api/features/{}", "/sub/{}", "/ofrep/v1/streams/{}"])
def test_path_key__unknown_server_or_revoked__does_not_open(client, keys, path):
    admin = keys.manage("admin")
    listed = f"{URL}/keys"
    revoked = keys.secret("client")
    newest = client.get(listed, headers=admin).json["items"][-1]["id"]
    client.delete(f"{listed}/{newest}", headers=admin)
    attempts = {
        "1": 401,
        "mo_client_" + 49 * "0": 401,
        revoked: 401,
        keys.secret("server"): 403,
        keys.secret("management", "admin"): 403,
    }

    for key, status in attempts.items():
        answer = client.get(path.format(key), headers=keys.headers("client"))
        assert answer.status_code == status
        assert answer.content_type == "application/problem+json"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_features__database_down__come_from_memory_and_a_new_key_is_told_to_wait(
    client, keys, features_url, monkeypatch
):
    before = client.get(features_url)
    other = f"/api/features/{keys.secret('client')}"

    def broken(*_args, **_kwargs):
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    monkeypatch.setattr(sa.engine.Engine, "connect", broken)

    after = client.get(features_url)
    assert (after.status_code, after.data) == (200, before.data)
    assert client.get(other).status_code == 503


def test_date_updated__of_each_version__is_another(client, editor, features_url):
    """GrowthBook's JavaScript SDK drops a payload whose date is the one that it has."""
    dates = [client.get(features_url).json["dateUpdated"]]
    for change in ("start", "other", "stop"):
        if change == "start":
            run_experiment(client, editor, "badge")
        elif change == "other":
            make_flag(client, editor, "home", rules=[])
        else:
            client.post(f"{URL}/experiments/badge/stop", headers=editor)
        dates.append(client.get(features_url).json["dateUpdated"])

    assert len(set(dates)) == len(dates)


@pytest.mark.usefixtures("defined")
def test_remote_evaluation__of_a_learner__gives_the_servers_answers_and_no_rule(
    client, server_key, client_key
):
    whole = parse_payload(client.get("/api/v1/payload", headers=server_key).json)

    for attributes in learners(60):
        body = {"attributes": attributes, "forcedVariations": {}, "url": ""}
        answer = client.post(f"/api/eval/{client_key}", json=body, headers=SITE)
        features = answer.json["features"]
        assert sorted(features) == sorted(set(KEYS) - {"internal"})
        assert "condition" not in answer.text
        for key, feature in features.items():
            ours = evaluate(whole, key, attributes)
            assert feature["defaultValue"] == ours.value
            tracks = [track for rule in feature["rules"] for track in rule["tracks"]]
            assert [track["result"]["key"] for track in tracks] == [
                ours.variant for _ in range(ours.in_experiment)
            ]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'{"attributes": 1}',
        b'{"attributes": {"a": "%s"}}' % (b"x" * 64_000),
        b'{"url": 1}',
        b'{"url": "/?%s"}' % (b"x" * 2_000),
        b'{"forcedVariations": []}',
        b'{"forcedVariations": {"ladder": "badges"}}',
        b'{"forcedVariations": {"ladder": true}}',
        b'{"forcedVariations": {%s}}' % b",".join(b'"k%d": 1' % n for n in range(201)),
        b'{"forcedVariations": {"%s": 1}}' % (b"x" * 129),
        b'{"forcedFeatures": {}}',
        b'{"forcedFeatures": [["new-home"]]}',
        b'{"forcedFeatures": [[1, true]]}',
        b'{"forcedFeatures": [%s]}' % b",".join(b'["k%d", 1]' % n for n in range(201)),
        b'{"forcedFeatures": [["a", [[[[[[[[[1]]]]]]]]]]]}',
    ],
    ids=lambda body: body[:32].decode(),
)
def test_remote_evaluation__of_nonsense__is_400(client, client_key, body):
    answer = client.post(f"/api/eval/{client_key}", data=body)

    assert answer.status_code == 400
    assert answer.json["detail"]


@pytest.mark.usefixtures("defined")
def test_remote_evaluation__of_a_tester__gives_what_is_forced_and_no_exposure(client, client_key):
    learner = {"id": "learner-3", "role": "clerk"}  # whom no rule lets into the ladder

    def ask(**forced):
        body = {"attributes": learner, **forced}
        return client.post(f"/api/eval/{client_key}", json=body).json["features"]

    by_number = ask(forcedVariations={"ladder": 2, "nothing": 1})
    by_page = ask(forcedVariations={"ladder": 2}, url="https://lms.example.org/?ladder=1")
    by_value = ask(forcedFeatures=[["new-home", True], ["internal", 1], ["nothing", 1]])

    assert ask()["ladder"] == {"defaultValue": "plain", "rules": []}
    assert by_number["ladder"] == {"defaultValue": "badges", "rules": []}
    assert by_page["ladder"] == {"defaultValue": "ladder", "rules": []}
    assert by_value["new-home"] == {"defaultValue": True, "rules": []}
    assert set(by_value) == set(by_number) == set(KEYS) - {"internal"}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("url", ["http://[::1?ladder=1", "/?ladder=x", "?", "/#?ladder=1"])
@pytest.mark.usefixtures("defined")
def test_remote_evaluation__of_an_odd_page__forces_nothing_odd(client, client_key, url):
    body = {"attributes": {"id": "learner-3", "role": "clerk"}, "url": url}

    answer = client.post(f"/api/eval/{client_key}", json=body).json["features"]

    assert answer["ladder"]["defaultValue"] == ("ladder" if "::1" in url else "plain")
    assert answer["limit"]["defaultValue"] == 3
