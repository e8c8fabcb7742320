"""POST /api/v1/events."""

from datetime import UTC, datetime

import orjson
import pytest

from experiment_server.ingest.buffer import read_buffered
from tests.factories import make_keys

URL = "/api/v1/events"


@pytest.fixture
def keys(database):
    return make_keys(database)


def event(event_id, **changes):
    item = {
        "type": "event",
        "id": event_id,
        "kind": "sale",
        "learner": "ann",
        "at": datetime.now(UTC).isoformat(),
    }
    return {**item, **changes}


def stored_ids(database, keys):
    with database.read() as session:
        chunks = list(read_buffered(session, keys.environment.id))
    return sorted(row["event_id"] for _chunk, rows in chunks for row in rows)


def test_post__good_items__answers_202_when_they_are_stored(client, keys, database):
    answer = client.post(URL, json={"items": [event("a"), event("b")]}, headers=keys.headers())

    assert answer.status_code == 202
    assert answer.json == {"accepted": 2, "duplicates": 0, "refused": []}
    assert stored_ids(database, keys) == ["a", "b"]


def test_post__the_same_batch_again__is_a_success_that_stores_nothing(client, keys, database):
    client.post(URL, json={"items": [event("a")]}, headers=keys.headers())

    answer = client.post(URL, json={"items": [event("a")]}, headers=keys.headers())

    assert (answer.status_code, answer.json["duplicates"]) == (202, 1)
    assert stored_ids(database, keys) == ["a"]


def test_post__one_bad_item__keeps_the_good_ones_and_names_the_bad(client, keys, database):
    items = [event("a"), event("b", kind="dancing"), event("c")]

    answer = client.post(URL, json={"items": items}, headers=keys.headers())

    assert answer.status_code == 202
    assert answer.json["accepted"] == 2
    refusal = answer.json["refused"][0]
    assert (refusal["index"], refusal["id"], refusal["field"]) == (1, "b", "kind")
    assert "custom:" in refusal["remedy"]
    assert stored_ids(database, keys) == ["a", "c"]


def test_post__only_bad_items__is_a_problem_with_the_same_list(client, keys):
    answer = client.post(URL, json={"items": [event("a", at="soon")]}, headers=keys.headers())

    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    assert answer.json["refused"][0]["field"] == "at"
    assert answer.json["errors"][0]["field"] == "items[0].at"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"items": [', 400),
        (b'{"items": [{"value": NaN}]}', 422),
        (b'{"items": [{"value": 1e400}]}', 422),
        (b'\xff\xfe{"items": []}', 400),
        (b'{"items": "\\ud800"}', 422),
        (b'{"\\ud800": []}', 422),
        (b"[" * 100_000, 400),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, 400),
        (b"[]", 422),
        (b"null", 422),
        (b"{}", 422),
        (b'{"items": []}', 422),
        (b'{"items": {}}', 422),
        (b'{"items": [1], "more": 1}', 422),
        (orjson.dumps({"items": [1] * 1_001}), 422),
        (b'{"items": ["' + b"x" * 10_000_000 + b'"]}', 413),
    ],
)
def test_post__a_body_that_is_no_batch__is_a_clear_4xx(client, keys, body, status):
    answer = client.post(URL, data=body, content_type="application/json", headers=keys.headers())

    assert answer.status_code == status
    assert answer.json["detail"]


@pytest.mark.parametrize(
    "value",
    [b"NaN", b"-Infinity", b"1e999", b"9" * 400, b"9" * 5_000, b'"\\ud800"', b'"\xff"'],
    ids=lambda value: value[:9],
)
def test_post__a_value_that_strict_json_lacks__refuses_its_item_alone(
    client, keys, database, value
):
    bad = orjson.dumps(event("b", value="@")).replace(b'"@"', value)
    body = b'{"items": [%b, %b, %b]}' % (orjson.dumps(event("a")), bad, orjson.dumps(event("c")))

    answer = client.post(URL, data=body, content_type="application/json", headers=keys.headers())

    assert answer.status_code == 202
    assert answer.json["accepted"] == 2
    [refusal] = answer.json["refused"]
    assert (refusal["index"], refusal["id"], refusal["field"]) == (1, "b", "value")
    assert stored_ids(database, keys) == ["a", "c"]


def test_post__an_id_that_is_no_text__is_not_given_back(client, keys):
    answer = client.post(
        URL,
        data=orjson.dumps({"items": [event("@")]}).replace(b'"@"', b'"\\ud800"'),
        content_type="application/json",
        headers=keys.headers(),
    )

    assert answer.status_code == 422
    assert answer.json["refused"][0]["id"] is None


def test_post__nested_too_deeply__says_so(client, keys):
    body = b'{"items": [' + b"[" * 5_000 + b"]" * 5_000 + b"]}"

    answer = client.post(URL, data=body, content_type="application/json", headers=keys.headers())

    assert answer.status_code == 400
    assert "nested too deeply" in answer.json["detail"]
    assert "Flatten" in answer.json["errors"][0]["remedy"]


def test_post__a_learner_of_256_characters__is_stored_and_one_of_257_is_refused(
    client, keys, database
):
    items = [event("a", learner="l" * 256), event("b", learner="l" * 257)]

    answer = client.post(URL, json={"items": items}, headers=keys.headers())

    assert [one["field"] for one in answer.json["refused"]] == ["learner"]
    assert stored_ids(database, keys) == ["a"]


def test_post__without_a_key__is_401(client, keys):
    assert client.post(URL, json={"items": [event("a")]}).status_code == 401


def test_post__with_a_management_key__is_403(client, keys):
    answer = client.post(URL, json={"items": [event("a")]}, headers=keys.manage())

    assert answer.status_code == 403


def test_post__a_client_key__may_send_events_but_not_describe_learners(client, keys):
    described = {**event("l"), "type": "learner", "attributes": {"role": "rep"}}
    del described["kind"]

    answer = client.post(
        URL, json={"items": [event("a"), described]}, headers=keys.headers("client")
    )

    assert answer.json["accepted"] == 1
    assert "server key" in answer.json["refused"][0]["remedy"]
