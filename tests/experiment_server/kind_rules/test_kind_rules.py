"""An environment's own kind rules: listed, put, deleted, audited; statements follow them."""

import pytest

from experiment_server.kind_rules.table import BUILT_IN, slug
from tests.experiment_server.buffered import buffered_rows
from tests.experiment_server.xapi.conftest import basic
from tests.experiment_server.xapi.examples import plain
from tests.factories import make_keys

URL = "/api/v1/environments/production/kind-rules"
VERB = "https://example.org/verbs/danced"
RULE = {"standard": "xapi", "action": VERB, "kind": "custom:danced"}
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def keys(database):
    return make_keys(database)


@pytest.fixture
def admin(keys):
    return keys.manage("admin")


def post_statement(client, keys, verb=VERB):
    headers = {**basic(keys.secret()), "X-Experience-API-Version": "1.0.3"}
    return client.post("/xapi/statements", json=plain(verb={"id": verb}), headers=headers)


def test_list__fresh__is_the_built_in_table(client, admin):
    items = client.get(URL, headers=admin).json["items"]

    assert len(items) == len(BUILT_IN)
    assert all(item["id"] is None for item in items)


def test_put__twice__changes_the_kind_and_audits_both(client, admin):
    first = client.put(URL, json=RULE, headers=admin)
    second = client.put(URL, json={**RULE, "kind": "content_viewed"}, headers=admin)

    own = [item for item in client.get(URL, headers=admin).json["items"] if item["id"]]
    assert (first.status_code, second.status_code) == (200, 200)
    assert [(item["action"], item["kind"]) for item in own] == [(VERB, "content_viewed")]
    entries = client.get("/api/v1/audit", headers=admin).json["items"]
    actions = [entry["action"] for entry in entries]
    assert actions.count("kind_rule.put") == 2


def test_statement__after_a_rule_and_a_replay__is_an_event_and_before_it_is_held(
    client, admin, keys, database
):
    post_statement(client, keys)
    place = "/api/v1/environments/production"
    waiting = client.get(f"{place}/quarantine", headers=admin).json["items"]

    client.put(URL, json=RULE, headers=admin)
    post_statement(client, keys)
    client.post(f"{place}/quarantine/replay", json={"standard": "xapi"}, headers=admin)

    rows = buffered_rows(database, keys.environment.id, "events")
    assert len(waiting) == 1
    assert [row["kind"] for row in rows] == ["custom:danced"] * 2


def test_delete__an_own_rule__lets_the_built_in_one_hold_again(client, admin, keys, database):
    passed = "http://adlnet.gov/expapi/verbs/passed"
    made = client.put(URL, json={**RULE, "action": passed, "kind": None}, headers=admin).json
    post_statement(client, keys, passed)

    deleted = client.delete(f"{URL}/{made['id']}", headers=admin)
    post_statement(client, keys, passed)

    assert deleted.status_code == 204
    rows = buffered_rows(database, keys.environment.id, "events")
    assert [row["kind"] for row in rows] == ["challenge_completed"]
    assert client.delete(f"{URL}/{made['id']}", headers=admin).status_code == 404


@ON_SQLITE
@pytest.mark.parametrize(
    "change",
    [
        {"standard": "scorm"},
        {"kind": "dancing"},
        {"kind": "custom:"},
        {"action": ""},
        {"action": "a\0b"},
        {"action": "x" * 501},
        {"about": "a\nb"},
        {"extra": 1},
    ],
    ids=str,
)
def test_put__what_cannot_be__is_422(client, admin, change):
    answer = client.put(URL, json={**RULE, **change}, headers=admin)

    assert 400 <= answer.status_code < 500
    assert answer.json["errors"]


@ON_SQLITE
def test_put__by_an_editor__is_403(client, keys):
    assert client.put(URL, json=RULE, headers=keys.manage("editor")).status_code == 403


@pytest.mark.parametrize(
    ("action", "name"),
    [
        ("https://example.org/verbs/Danced-with", "danced-with"),
        ("http://example.org/verb#sang/", "sang"),
        ("ThreadEvent/MarkedAsRead", "markedasread"),
        ("urn:x:" + "y" * 100, None),
        ("://", None),
    ],
)
def test_slug__of_an_action__is_its_last_word_or_a_digest(action, name):
    found = slug(action)

    assert found == name if name else found.startswith("action-")
