"""What a fact, a repeat and a correction change, in any order."""

import random

import pytest

from experiment_server.ingest.items import Refusal, Rules, to_micros
from experiment_server.ingest.outcomes import Fact, decide, parse_outcome
from experiment_server.ingest.pseudonyms import Pseudonyms
from tests.factories import NOW

RULES = Rules(received_at=NOW, pseudonyms=Pseudonyms("5a" * 32), experiments={})
GOOD = {"learner": "ada", "name": "sales", "day": "2026-03-01", "value": 1250.0}
AT = to_micros(NOW)


def fact(value, fact_id=None, day=20_000):
    return Fact(fact_id, "aa" * 16, "sales", day, value)


def run(*batches):
    """Batches one second apart; the rows in the order they were written, and what counts."""
    current, ids, rows = {}, set(), []
    for second, batch in enumerate(batches):
        decided = decide(batch, current, ids, AT + second * 1_000_000)
        current |= decided.current
        ids |= {row.event_id for row in decided.rows}
        rows += decided.rows
    return rows, current


def shown_by_the_lake(rows):
    """The rule of the lake: the row received latest, of several the larger id."""
    return max(rows, key=lambda item: (item.row["received_at"], item.event_id)).row["value"]


def test_parse__good_fact__has_pseudonym_day_and_value():
    parsed = parse_outcome({**GOOD, "id": "crm-1"}, 0, RULES)

    assert parsed[0] == "crm-1"
    assert len(parsed.learner) == 32
    assert parsed[2:] == ("sales", 20_513, 1250.0)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"learner": None}, "learner"),
        ({"learner": "a\x00"}, "learner"),
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "outcome:sales"}, "name"),
        ({"day": None}, "day"),
        ({"day": 20260301}, "day"),
        ({"day": "2026-02-30"}, "day"),
        ({"day": "20260301"}, "day"),
        ({"day": "2026-03-01T00:00:00Z"}, "day"),
        ({"day": "1999-12-31"}, "day"),
        ({"day": "2026-03-04"}, "day"),
        ({"value": None}, "value"),
        ({"value": "12"}, "value"),
        ({"value": True}, "value"),
        ({"value": 1e16}, "value"),
        ({"value": float("nan")}, "value"),
        ({"id": 7}, "id"),
        ({"id": "i" * 129}, "id"),
        ({"currency": "EUR"}, "item"),
    ],
)
def test_parse__field_that_does_not_fit__is_named_with_a_remedy(change, field):
    refused = parse_outcome({**GOOD, **change}, 3, RULES)

    assert isinstance(refused, Refusal)
    assert (refused.index, refused.field) == (3, field)
    assert refused.reason
    assert refused.remedy


@pytest.mark.parametrize("item", [None, 5, "x", [], {}])
def test_parse__no_fact_at_all__is_refused(item):
    assert isinstance(parse_outcome(item, 0, RULES), Refusal)


def test_parse__tomorrow_somewhere_on_earth__is_taken():
    assert isinstance(parse_outcome({**GOOD, "day": "2026-03-03"}, 0, RULES), Fact)


def test_decide__same_value_without_id__changes_nothing():
    rows, current = run([fact(5)], [fact(5), fact(5)])

    assert len(rows) == 1
    assert [found.value for found in current.values()] == [5]


@pytest.mark.parametrize(
    "batches", [[[5], [7], [5]], [[5, 7, 5]], [[5, 7], [5]], [[5], [7, 7, 5, 5]]]
)
def test_decide__corrected_and_back_without_ids__ends_at_the_first_value(batches):
    rows, current = run(*[[fact(value) for value in batch] for batch in batches])

    assert [item.row["value"] for item in rows] == [5, 7, 5]
    assert shown_by_the_lake(rows) == 5
    assert [found.value for found in current.values()] == [5]


def test_decide__old_id_again_after_a_correction__changes_nothing():
    rows, current = run([fact(5, "a")], [fact(7, "b")], [fact(5, "a")], [fact(9, "b")])

    assert [item.event_id for item in rows] == ["outcome:a", "outcome:b"]
    assert [found.value for found in current.values()] == [7]
    assert shown_by_the_lake(rows) == 7


def test_decide__late_fact__never_supersedes_what_came_since():
    _rows, current = run([fact(5)], [fact(7)])

    late = decide([fact(3)], current, set(), AT + 500_000, is_late=True)
    later = decide([fact(3)], current, set(), AT + 2_000_000, is_late=True)

    assert (late.rows, late.n_duplicates) == ([], 1)
    assert [item.row["value"] for item in later.rows] == [3]


def test_decide__clock_that_went_back__still_lets_the_last_one_count():
    first = decide([fact(5)], {}, set(), AT)
    second = decide([fact(7)], first.current, set(), AT - 60_000_000)

    assert shown_by_the_lake(first.rows + second.rows) == 7


def test_decide__any_sequence__lake_and_current_agree():
    dice = random.Random(5)
    for _ in range(200):
        batches = [
            [
                fact(dice.randrange(3), dice.choice([None, None, "a", "b"]), dice.randrange(2))
                for _ in range(dice.randrange(1, 5))
            ]
            for _ in range(dice.randrange(1, 5))
        ]
        rows, current = run(*batches)
        for day in (0, 1):
            of_day = [item for item in rows if item.row["day"] == day]
            if of_day:
                found = current[fact(0, day=day).key].value
                assert shown_by_the_lake(of_day) == found
