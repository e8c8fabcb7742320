"""What the native standard takes and refuses."""

from datetime import UTC, datetime, timedelta

import pytest

from experiment_server.ingest.items import KnownExperiment, ParsedItem, Refusal, Rules, to_micros
from experiment_server.ingest.pseudonyms import Pseudonyms
from experiment_server.ingest.standards.native import parse_item

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
KEY = "5a" * 32
RULES = Rules(
    received_at=NOW,
    pseudonyms=Pseudonyms(KEY),
    experiments={
        "badge": KnownExperiment("learner", ("plain", "badge"), started=True),
        "league": KnownExperiment("team", ("solo", "league"), started=True),
        "draft": KnownExperiment("learner", ("a", "b"), started=False),
    },
)


def event(**changes):
    item = {"type": "event", "id": "e-1", "kind": "sale", "learner": "ann", "at": NOW.isoformat()}
    return {name: value for name, value in {**item, **changes}.items() if value is not ...}


def exposure(**changes):
    item = {
        "type": "exposure",
        "id": "x-1",
        "experiment": "badge",
        "variant": "plain",
        "learner": "ann",
        "at": NOW.isoformat(),
    }
    return {name: value for name, value in {**item, **changes}.items() if value is not ...}


def described(**attributes):
    return {
        "type": "learner",
        "id": "l-1",
        "learner": "ann",
        "at": NOW.isoformat(),
        "attributes": attributes,
    }


def parsed(item):
    result = parse_item(item, 0, RULES)
    assert isinstance(result, ParsedItem), result
    return result


def refused(item, rules=RULES):
    result = parse_item(item, 7, rules)
    assert isinstance(result, Refusal), result
    return result


def test_event__complete__becomes_a_lake_row():
    item = event(value=12, properties={"activity": "quiz-1", "step": 3, "score": 0.5})

    result = parsed(item)

    assert result.lake_table == "events"
    assert result.event_id == "e-1"
    assert result.row == {
        "event_id": "e-1",
        "learner": Pseudonyms(KEY).learner("ann"),
        "received_at": to_micros(NOW),
        "kind": "sale",
        "occurred_at": to_micros(NOW),
        "value": 12.0,
        "properties": '{"activity":"quiz-1","score":0.5,"step":3}',
        "activity": "quiz-1",
        "topic": None,
        "course": None,
        "step": 3,
    }


def test_learner__in_the_row__is_a_pseudonym_only():
    result = parsed(event(learner="ann@example.org"))

    assert "ann" not in str(result.row)


@pytest.mark.parametrize(
    "at",
    ["2026-03-02T12:00:00Z", "2026-03-02T14:00:00+02:00", 1772452800000],
)
def test_time__in_any_zone_or_as_milliseconds__is_the_same_instant(at):
    assert parsed(event(at=at)).row["occurred_at"] == to_micros(NOW)


@pytest.mark.parametrize(
    ("item", "field", "says"),
    [
        (event(at="2026-03-02T12:00:00"), "at", "time zone"),
        (event(at="9999-12-31T23:59:59Z"), "at", "ahead"),
        (event(at="9999-12-31T23:59:59-23:59"), "at", "ahead"),
        (event(at="0001-01-01T00:00:00+23:59"), "at", "before the year 2000"),
        (event(at=1772452800), "at", "before the year 2000"),
        (event(at=10**18), "at", "not a time"),
        (event(at=True), "at", "not a time"),
        (event(at="yesterday"), "at", "not a time"),
        (event(at=...), "at", "missing"),
        (event(id=...), "id", "missing"),
        (event(id=7), "id", "not text with"),
        (event(id="x" * 129), "id", "129 characters"),
        (event(id="a\nb"), "id", "unprintable"),
        (event(learner=["ann"]), "learner", "list"),
        (event(learner=""), "learner", "''"),
        (event(learner="\ud800"), "learner", "unprintable"),
        (event(kind="dancing"), "kind", "unknown"),
        (event(kind="custom:"), "kind", "unknown"),
        (event(kind="outcome:revenue"), "kind", "unknown"),
        (event(value="12"), "value", "not a number"),
        (event(value=True), "value", "not a number"),
        (event(value=float("nan")), "value", "outside"),
        (event(value=1e300), "value", "outside"),
        (event(properties=[1]), "properties", "not an object"),
        (event(properties={"a": "x" * 33_000}), "properties", "bytes"),
        (event(properties={"a": "\x00"}), "properties", "NUL"),
        (event(properties={"\x00": 1}), "properties", "name"),
        (event(properties={"a": "\ud800"}), "properties", "Unicode"),
        (event(properties={"a": 2**60}), "properties", "number"),
        (event(properties={"a": [float("inf")]}), "properties", "beyond 1e308"),
        (event(properties={"step": 0}), "properties.step", "is 0"),
        (event(properties={"activity": 3}), "properties.activity", "is 3"),
        (event(type="click"), "type", "'click'"),
        (event(type=...), "type", "missing"),
        (event(type=["event"]), "type", "list"),
        (exposure(experiment="nope"), "experiment", "not an experiment"),
        (exposure(experiment="draft"), "experiment", "never started"),
        (exposure(variant="gold"), "variant", "not a variant"),
        (exposure(experiment="league", variant="solo"), "unit", "missing"),
        (exposure(attributes={"team": 4}), "attributes.team", "is 4"),
        (described(email="ann@example.org"), "attributes", "'email'"),
        (described(started_on="2026-02-30"), "attributes.started_on", "not a day"),
        (described(started_on=20260201), "attributes.started_on", "not a day"),
        (event(valu=3), "item", "'valu'"),
        (event(attributes={}), "item", "'attributes'"),
        (exposure(value=3), "item", "'value'"),
        ({**described(), "role": "rep"}, "item", "'role'"),
        ("text", "item", "not an object"),
        (None, "item", "not an object"),
    ],
)
def test_item__that_cannot_be_taken__is_refused_with_field_and_remedy(item, field, says):
    refusal = refused(item)

    assert refusal.field == field
    assert says in refusal.reason
    assert refusal.index == 7
    assert len(refusal.remedy) > 8


def test_item__with_a_misspelt_member__names_the_right_one():
    assert refused(event(valu=3)).remedy == "write 'value'"
    assert "properties" in refused(event(colour="red")).remedy


def test_properties__nested_deeper_than_32__are_refused():
    deep: dict = {}
    for _ in range(1_000):
        deep = {"a": deep}

    assert "nested" in refused(event(properties=deep)).reason


def test_exposure__of_a_learner_experiment__has_the_learner_as_its_unit():
    row = parsed(exposure(attributes={"role": "rep", "team": "t-1", "password": "x"})).row

    assert row["unit"] == row["learner"]
    assert row["unit_kind"] == "learner"
    assert row["role"] == "rep"
    assert "password" not in row


def test_exposure__of_a_team_experiment__has_the_same_pseudonym_for_unit_and_team():
    item = exposure(experiment="league", variant="solo", unit="t-1", attributes={"team": "t-1"})

    row = parsed(item).row

    assert row["unit"] == row["team"] == Pseudonyms(KEY).team("t-1")
    assert row["unit"] != Pseudonyms(KEY).learner("t-1")


def test_learner__manager__is_a_pseudonym_like_a_learner():
    row = parsed(described(manager="ben")).row

    assert row["manager"] == Pseudonyms(KEY).learner("ben")


def test_learner__described__keeps_the_allowed_attributes():
    row = parsed(described(role="rep", region="", started_on="1970-01-11")).row

    assert row["role"] == "rep"
    assert row["region"] is None
    assert row["started_on"] == 10


def test_learner__described_by_a_client_key__is_refused():
    rules = Rules(NOW, Pseudonyms(KEY), {}, may_describe=False)

    assert "server key" in refused(described(role="rep"), rules).remedy


def test_time__a_clock_slightly_ahead__is_taken():
    soon = NOW + timedelta(hours=23)

    assert parsed(event(at=soon.isoformat())).row["occurred_at"] == to_micros(soon)


def test_pseudonyms__under_another_key__differ():
    assert Pseudonyms("00" * 32).learner("ann") != Pseudonyms("01" * 32).learner("ann")
    assert len(Pseudonyms("00" * 32).learner("ann")) == 32
