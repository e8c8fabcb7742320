"""POST /caliper: the envelope, its good events kept, its bad ones refused by index."""

import json
import math

import orjson
import pytest
from sqlmodel import select

from experiment_server.quarantine.models import QuarantinedItem
from tests.conformance.emitters import CALIPER, CALIPER_KINDS
from tests.experiment_server.buffered import buffered_rows
from tests.factories import make_keys

ENVELOPE = {
    "sensor": "http://canvas.example.org/",
    "sendTime": "2026-03-02T16:34:00.000Z",
    "dataVersion": "http://purl.imsglobal.org/ctx/caliper/v1p2",
    "data": list(CALIPER.values()),
}
COURSE = {"id": "urn:instructure:canvas:course:1234", "type": "CourseOffering", "name": "Selling"}
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def keys(database):
    return make_keys(database)


@pytest.fixture
def send(client, keys):
    headers = keys.headers()
    return lambda envelope: client.post("/caliper", json=envelope, headers=headers)


def kinds(database, keys):
    return sorted(row["kind"] for row in buffered_rows(database, keys.environment.id, "events"))


def test_envelope__of_an_lms__becomes_events_once(send, database, keys):
    first, again = send(ENVELOPE), send(ENVELOPE)

    n_events = sum(expected is not None for expected in CALIPER_KINDS.values())
    assert first.status_code == 200
    assert first.json == {"accepted": n_events, "duplicates": 0, "described": 0, "refused": []}
    assert (again.json["accepted"], again.json["duplicates"]) == (0, n_events)
    assert kinds(database, keys) == sorted(found[0] for found in CALIPER_KINDS.values() if found)


def test_envelope__bad_events_between_good_ones__are_refused_by_index_and_held(
    send, database, keys
):
    good = CALIPER["page seen"]
    unknown = {**CALIPER["thread opened"], "action": "Danced"}

    answer = send({**ENVELOPE, "data": [COURSE, unknown, good, {**good, "actor": None}]})

    assert answer.status_code == 200
    assert (answer.json["accepted"], answer.json["described"]) == (1, 1)
    assert [one["index"] for one in answer.json["refused"]] == [1, 3]
    assert kinds(database, keys) == ["content_viewed"]
    with database.read() as session:
        held = session.exec(select(QuarantinedItem)).all()
    assert {(one.standard, one.field) for one in held} == {
        ("caliper", "action"),
        ("caliper", "actor"),
    }


def test_envelope__with_text_and_numbers_that_strict_json_lacks__refuses_their_events_alone(
    client, keys, database
):
    good = CALIPER["page seen"]
    graded = {"type": "Score", "scoreGiven": math.nan, "maxScore": 10**399}
    data = [
        {**good, "actor": "\ud800"},
        {**good, "id": "\ud800"},
        good,
        {**good, "generated": graded},
    ]

    answer = client.post(
        "/caliper",
        data=json.dumps({**ENVELOPE, "data": data}),
        content_type="application/json",
        headers=keys.headers(),
    )

    assert answer.status_code == 200
    fields = [(one["index"], one["field"]) for one in answer.json["refused"]]
    assert fields == [(0, "actor"), (1, "id"), (3, "scoreGiven")]
    assert kinds(database, keys) == ["content_viewed"]


def test_held_event__after_a_rule_for_it__is_taken_by_a_replay(client, send, database, keys):
    send({**ENVELOPE, "data": [{**CALIPER["thread opened"], "action": "Danced"}]})
    admin, place = keys.manage(), "/api/v1/environments/production"
    rule = {"standard": "caliper", "action": "ThreadEvent/Danced", "kind": "custom:danced"}
    client.put(f"{place}/kind-rules", json=rule, headers=admin)

    replayed = client.post(
        f"{place}/quarantine/replay", json={"standard": "caliper"}, headers=admin
    )

    assert replayed.status_code == 200, replayed.text
    assert kinds(database, keys) == ["custom:danced"]


@ON_SQLITE
def test_envelope__only_of_bad_events__is_422_and_says_why(send):
    answer = send({**ENVELOPE, "data": [{}, None, "event"]})

    assert answer.status_code == 422
    assert len(answer.json["refused"]) == 3


BAD_ENVELOPES = {
    "list": [],
    "text": "envelope",
    "no sensor": {**ENVELOPE, "sensor": None},
    "no time": {**ENVELOPE, "sendTime": None},
    "time without zone": {**ENVELOPE, "sendTime": "2026-03-02T16:34:00"},
    "time as number": {**ENVELOPE, "sendTime": 1},
    "another version": {**ENVELOPE, "dataVersion": "http://purl.imsglobal.org/ctx/caliper/v9"},
    "version as list": {**ENVELOPE, "dataVersion": []},
    "no data": {**ENVELOPE, "data": []},
    "data as object": {**ENVELOPE, "data": {}},
    "too much data": {**ENVELOPE, "data": [1] * 1_001},
    "more members": {**ENVELOPE, "extra": 1},
}


@ON_SQLITE
def test_envelope__that_is_none__is_422_and_names_the_member(send):
    answers = {name: send(envelope) for name, envelope in BAD_ENVELOPES.items()}

    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(
        BAD_ENVELOPES, 422
    )
    assert all(answer.json["errors"] for answer in answers.values())


@ON_SQLITE
def test_body__hostile__is_a_4xx_problem(client, keys):
    headers = keys.headers()
    deep = orjson.dumps({**ENVELOPE, "data": ["@"]}).replace(
        b'"@"', b'{"a":' * 900 + b"1" + b"}" * 900
    )
    bodies = [b"", b"{", b"NaN", b"\xff", b"[" * 100_000, b'{"data": "\\ud800"}', deep]

    answers = [
        client.post("/caliper", data=raw, headers=headers, content_type="application/json")
        for raw in bodies
    ]

    assert {answer.status_code for answer in answers} <= {400, 422}
    assert all(answer.content_type == "application/problem+json" for answer in answers)


@ON_SQLITE
def test_body__of_another_media_type__is_415(client, keys):
    raw = json.dumps(ENVELOPE)

    answer = client.post("/caliper", data=raw, headers=keys.headers(), content_type="text/plain")

    assert answer.status_code == 415


@ON_SQLITE
def test_key__of_a_member_or_none__may_not_send(client, keys):
    assert client.post("/caliper", json=ENVELOPE, headers=keys.manage()).status_code == 403
    assert client.post("/caliper", json=ENVELOPE).status_code == 401
