from datetime import UTC, date, datetime

import pytest

from analysis.kinds import is_known, may_be_sent
from analysis.lake.reader import Lake
from tests.analysis.lakes import day, event, outcome, write_lake

MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)


def at(hour):
    return datetime(2026, 3, 5, hour, tzinfo=UTC)


def shown(lake, *between):
    """The outcomes that the events show: learner, kind, value."""
    events = lake.table("events", *between)
    found = events.filter(events.kind.startswith("outcome:")).order_by("learner", "occurred_at")
    return [(row["learner"], row["kind"], row["value"]) for row in found.to_pyarrow().to_pylist()]


def test_events__an_outcome__is_shown_as_an_event_at_noon_of_its_day(tmp_path):
    lake = write_lake(
        tmp_path,
        events=[event("ada", "session_started", day(0))],
        outcomes=[outcome("ada", "revenue", MONDAY, 12.5, event_id="o-1", received_at=at(9))],
    )

    events = lake.table("events")
    row = events.filter(events.kind == "outcome:revenue").to_pyarrow().to_pylist()[0]

    told = {name: value for name, value in row.items() if value is not None}
    assert told == {
        "event_id": "o-1",
        "learner": "ada",
        "kind": "outcome:revenue",
        "occurred_at": day(0.5),
        "received_at": at(9),
        "value": 12.5,
        "day": MONDAY,
    }
    assert events.count().to_pyarrow().as_py() == 2


def test_events__no_events_but_outcomes__shows_them(tmp_path):
    lake = write_lake(tmp_path, outcomes=[outcome("ada", "revenue", MONDAY, 1.0)])

    assert shown(lake) == [("ada", "outcome:revenue", 1.0)]


@pytest.mark.parametrize("turn", [1, -1])
def test_events__an_outcome_is_corrected__only_what_was_received_last_counts(tmp_path, turn):
    """Whatever the order in which the rows lie: a correction can overtake what it corrects."""
    said = [
        outcome("ada", "revenue", MONDAY, 10.0, received_at=at(9)),
        outcome("ada", "revenue", MONDAY, 30.0, received_at=at(11)),
        outcome("ada", "revenue", MONDAY, 20.0, received_at=at(10)),
        outcome("ada", "revenue", TUESDAY, 5.0, received_at=at(9)),
        outcome("ada", "calls", MONDAY, 4.0, received_at=at(9)),
        outcome("bo", "revenue", MONDAY, 7.0, received_at=at(9)),
    ]
    for one in said[::turn]:
        lake = write_lake(tmp_path, outcomes=[one])

    assert sorted(shown(lake)) == [
        ("ada", "outcome:calls", 4.0),
        ("ada", "outcome:revenue", 5.0),
        ("ada", "outcome:revenue", 30.0),
        ("bo", "outcome:revenue", 7.0),
    ]
    assert lake.table("outcomes").count().to_pyarrow().as_py() == 6


@pytest.mark.parametrize("turn", [1, -1])
def test_events__two_outcomes_received_at_once__the_larger_id_counts(tmp_path, turn):
    said = [
        outcome("ada", "revenue", MONDAY, 10.0, event_id="a", received_at=at(9)),
        outcome("ada", "revenue", MONDAY, 20.0, event_id="b", received_at=at(9)),
    ]

    assert shown(write_lake(tmp_path, outcomes=said[::turn])) == [("ada", "outcome:revenue", 20.0)]


def test_events__of_a_range__show_the_outcomes_whose_noon_lies_in_it(tmp_path):
    lake = write_lake(
        tmp_path, outcomes=[outcome("ada", "r", on, on.day) for on in (MONDAY, TUESDAY)]
    )

    assert shown(lake, day(0), day(1)) == [("ada", "outcome:r", 2.0)]
    assert shown(lake, day(0.6), day(2)) == [("ada", "outcome:r", 3.0)]
    assert shown(lake, day(0.5), day(1.5)) == [("ada", "outcome:r", 2.0)]


def test_events__at_a_version_before_a_correction__show_what_was_known_then(tmp_path):
    before = write_lake(tmp_path, outcomes=[outcome("ada", "revenue", MONDAY, 1.0)]).version
    correction = outcome("ada", "revenue", MONDAY, 2.0, received_at=at(9))
    after = write_lake(tmp_path, outcomes=[correction])

    assert shown(Lake.open(tmp_path, before)) == [("ada", "outcome:revenue", 1.0)]
    assert shown(after) == [("ada", "outcome:revenue", 2.0)]


def test_outcome_kind__in_a_metric_or_an_event__may_be_read_but_not_sent():
    assert is_known("outcome:revenue")
    assert not is_known("outcome:")
    assert not may_be_sent("outcome:revenue")
    assert may_be_sent("custom:quiz")
    assert may_be_sent("sale")
