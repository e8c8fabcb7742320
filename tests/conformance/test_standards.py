"""Every event standard: poison gives a refusal with field and remedy, good items are kept."""

import json
import math
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from experiment_server.experiments.models import Experiment
from experiment_server.ingest.buffer import read_buffered
from experiment_server.ingest.items import KnownExperiment, ParsedItem, Refusal, Rules
from experiment_server.ingest.pseudonyms import Pseudonyms
from experiment_server.ingest.service import parse_batch
from tests.factories import make_keys

NOW = datetime.now(UTC)
AT = NOW.isoformat()
EVENT = {"type": "event", "id": "good", "kind": "challenge_completed", "learner": "ann", "at": AT}
EXPOSURE = {
    "type": "exposure",
    "id": "good-x",
    "experiment": "badge",
    "variant": "plain",
    "learner": "ann",
    "at": AT,
}
LEARNER = {"type": "learner", "id": "good-l", "learner": "ann", "at": AT, "attributes": {}}


def nested(depth):
    value = 1
    for _ in range(depth):
        value = {"a": value}
    return value


# What poison looks like over the wire: each alone in an item that is otherwise good.
POISON = {
    "value is 1e308": {**EVENT, "value": 1e308},
    "value is -1e308": {**EVENT, "value": -1e308},
    "value is text": {**EVENT, "value": "NaN"},
    "value is a list": {**EVENT, "value": [1]},
    "value is true": {**EVENT, "value": True},
    "value is 2^63": {**EVENT, "value": 2**63},
    "value is 2^64": {**EVENT, "value": 2**64 - 1},
    "time is 1e18": {**EVENT, "at": 10**18},
    "time is a fraction": {**EVENT, "at": 1.5},
    "time is text": {**EVENT, "at": "NaN"},
    "time is missing": {key: value for key, value in EVENT.items() if key != "at"},
    "time is in year 9999": {**EVENT, "at": "9999-12-31T00:00:00Z"},
    "time is in year 10000": {**EVENT, "at": "10000-01-01T00:00:00Z"},
    "time is in year 1": {**EVENT, "at": "0001-01-01T00:00:00Z"},
    "time is two days ahead": {**EVENT, "at": (NOW + timedelta(days=2)).isoformat()},
    "time has no zone": {**EVENT, "at": "2026-01-01T00:00:00"},
    "time is an object": {**EVENT, "at": {"$date": 1}},
    "time is long": {**EVENT, "at": "2026-01-01T00:00:00Z" + "0" * 100_000},
    "properties are 30 levels too deep": {**EVENT, "properties": nested(62)},
    "properties are deep": {**EVENT, "properties": nested(900)},
    "properties are large": {**EVENT, "properties": {"text": "x" * 40_000}},
    "properties have many keys": {**EVENT, "properties": {f"k{n}": n for n in range(10_000)}},
    "properties have a long key": {**EVENT, "properties": {"k" * 20_000: 1}},
    "properties have NUL": {**EVENT, "properties": {"a": "x\x00y"}},
    "properties have a NUL key": {**EVENT, "properties": {"\x00": "x"}},
    "properties have 2^60": {**EVENT, "properties": {"a": [2**60]}},
    "properties are a list": {**EVENT, "properties": []},
    "properties are text": {**EVENT, "properties": "{}"},
    "learner has NUL": {**EVENT, "learner": "a\x00"},
    "learner has a line break": {**EVENT, "learner": "a\r\n[ERROR] forged"},
    "learner is turned around": {**EVENT, "learner": "a\u202eb"},
    "learner is a list": {**EVENT, "learner": ["a"]},
    "learner is an object": {**EVENT, "learner": {"$ne": None}},
    "learner is a number": {**EVENT, "learner": 7},
    "learner is empty": {**EVENT, "learner": ""},
    "learner is long": {**EVENT, "learner": "a" * 257},
    "id is missing": {key: value for key, value in EVENT.items() if key != "id"},
    "id is null": {**EVENT, "id": None},
    "id is an object": {**EVENT, "id": {}},
    "id is long": {**EVENT, "id": "i" * 1_000_000},
    "kind is unknown": {**EVENT, "kind": "challenge_complete"},
    "kind is a list": {**EVENT, "kind": []},
    "kind is __proto__": {**EVENT, "kind": "__proto__"},
    "type is unknown": {**EVENT, "type": "constructor"},
    "type is a list": {**EVENT, "type": [[]]},
    "step is a float": {**EVENT, "properties": {"step": 1.5}},
    "step is beyond 32 bits": {**EVENT, "properties": {"step": 2**31}},
    "activity is an object": {**EVENT, "properties": {"activity": {}}},
    "experiment is unknown": {**EXPOSURE, "experiment": "../../etc/passwd"},
    "experiment has NUL": {**EXPOSURE, "experiment": "badge\x00"},
    "experiment is a list": {**EXPOSURE, "experiment": ["badge"]},
    "experiment was never started": {**EXPOSURE, "experiment": "draft"},
    "variant is unknown": {**EXPOSURE, "variant": "<script>"},
    "variant is an object": {**EXPOSURE, "variant": {}},
    "attributes are a list": {**EXPOSURE, "attributes": ["role"]},
    "role is an object": {**EXPOSURE, "attributes": {"role": {}}},
    "learner attribute is not kept": {**LEARNER, "attributes": {"email": "a@example.org"}},
    "start day is in February 30": {**LEARNER, "attributes": {"started_on": "2026-02-30"}},
    "start day is a number": {**LEARNER, "attributes": {"started_on": 20260101}},
    "item is null": None,
    "item is text": "event",
    "item is a number": 1,
    "item is a list": [EVENT],
    "item is empty": {},
}

# Poison that strict JSON readers refuse with the whole body; JSON text carries all of it.
STRANGE = {
    "value is NaN": {**EVENT, "value": math.nan},
    "value is infinite": {**EVENT, "value": -math.inf},
    "value has 400 digits": {**EVENT, "value": 10**399},
    "time has 400 digits": {**EVENT, "at": 10**399},
    "step has 400 digits": {**EVENT, "properties": {"step": 10**399}},
    "properties have NaN": {**EVENT, "properties": {"a": math.nan}},
    "properties have 400 digits": {**EVENT, "properties": {"a": [10**399]}},
    "properties have a lone surrogate": {**EVENT, "properties": {"a": "\ud800"}},
    "properties have a lone surrogate as a name": {**EVENT, "properties": {"\udfff": 1}},
    "activity has a lone surrogate": {**EVENT, "properties": {"activity": "\ud800"}},
    "id has a lone surrogate": {**EVENT, "id": "\ud800"},
    "type has a lone surrogate": {**EVENT, "type": "\ud800"},
    "kind has a lone surrogate": {**EVENT, "kind": "custom:\ud800"},
    "learner has a lone surrogate": {**EVENT, "learner": "\ud800"},
    "experiment has a lone surrogate": {**EXPOSURE, "experiment": "\ud800"},
    "variant has a lone surrogate": {**EXPOSURE, "variant": "\ud800"},
    "role has a lone surrogate": {**EXPOSURE, "attributes": {"role": "\ud800"}},
    "described role has a lone surrogate": {**LEARNER, "attributes": {"role": "\ud800"}},
    "described manager has a lone surrogate": {**LEARNER, "attributes": {"manager": "\ud800"}},
    "described attribute's name has a lone surrogate": {**LEARNER, "attributes": {"\ud800": 1}},
    "member has a lone surrogate": {**EVENT, "\ud800": 1},
}

# A number that Python itself does not write.
INSIDE_ONLY = {"value has 5,000 digits": {**EVENT, "value": 10**5_000}}

# Strange but harmless: stored as they are, shown escaped.
INERT = (
    "=cmd|'/c calc'!A0",
    "<script>alert(1)</script>",
    "../../x",
    "Zoë 学习 🎓",
    "'; DROP TABLE",
)


@pytest.mark.parametrize("standard", ["native"])  # the others have files of their own beside this
@pytest.mark.parametrize("poison", [*POISON, *STRANGE, *INSIDE_ONLY])
def test_standard__poison_between_good_items__refuses_it_alone(standard, poison):
    rules = Rules(
        received_at=NOW,
        pseudonyms=Pseudonyms("5a" * 32),
        experiments={
            "badge": KnownExperiment("learner", ("plain", "badge"), started=True),
            "draft": KnownExperiment("learner", ("plain", "badge"), started=False),
        },
    )
    bad = {**POISON, **STRANGE, **INSIDE_ONLY}[poison]

    parsed, refused = parse_batch([EVENT, bad, EXPOSURE, LEARNER], rules, standard)

    assert [item.event_id for item in parsed] == ["good", "good-x", "good-l"]
    assert all(isinstance(item, ParsedItem) for item in parsed)
    [refusal] = refused
    assert isinstance(refusal, Refusal)
    assert refusal.index == 1
    assert refusal.field
    assert refusal.reason
    assert len(refusal.reason) < 300
    assert refusal.remedy
    orjson.dumps(refusal.to_json())


def test_api__all_poison_in_one_batch__keeps_the_good_and_accounts_for_each(client, database):
    keys = make_keys(database)
    _add_experiment(database, keys.environment.id)
    good = [{**EVENT, "id": f"good-{n}", "learner": text} for n, text in enumerate(INERT)]
    bad = [*POISON.values(), *STRANGE.values()]
    small = [item for item in bad if len(json.dumps(item)) < 200_000]
    items = [EXPOSURE, *good, *small, LEARNER]

    body = json.dumps({"items": items})

    answer = client.post(
        "/api/v1/events", data=body, content_type="application/json", headers=keys.headers()
    )

    assert answer.status_code == 202
    assert answer.json["accepted"] == len(good) + 2
    first = 1 + len(good)
    assert [one["index"] for one in answer.json["refused"]] == [
        first + n for n in range(len(small))
    ]
    with database.read() as session:
        chunks = list(read_buffered(session, keys.environment.id))
    stored = {row["event_id"] for _chunk, rows in chunks for row in rows}
    assert stored == {"good-x", "good-l", *(item["id"] for item in good)}


def _add_experiment(database, environment_id):
    with database.write() as session:
        for key, phase in (("badge", 1), ("draft", 0)):
            session.add(
                Experiment(
                    environment_id=environment_id,
                    key=key,
                    title=key,
                    domain="incentive",
                    variants=[{"key": "plain", "weight": 0.5}, {"key": "badge", "weight": 0.5}],
                    metrics=[],
                    phase=phase,
                    created_at=NOW,
                    updated_at=NOW,
                )
            )
