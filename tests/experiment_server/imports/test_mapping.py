"""From columns to items: names, fixed values, types of every format."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from experiment_server.imports.mapping import EVENTS, LEARNERS, OUTCOMES, Wish, build_mapping
from experiment_server.problems import Problem

AT = "2026-03-01T09:30:00+00:00"
NOTHING = Wish({}, {})


def item_of(values, subject=EVENTS, columns=None, **wish):
    asked = Wish(wish.get("columns", {}), wish.get("fixed", {}), wish.get("timezone"))
    return build_mapping(subject, tuple(columns or values), asked, "f.csv").to_item(values)


def test_event__own_names_and_properties__become_an_item():
    item = item_of({"learner": " ada ", "kind": "sale", "at": AT, "value": "12.5", "quiz": "q-7"})

    wish = Wish(
        {"learner": "who", "properties.activity": "quiz", "properties.step": "step"},
        {"kind": "challenge_completed"},
    )
    mapped = build_mapping(EVENTS, ("who", "at", "quiz", "step", "salary"), wish, "f.csv")
    other = mapped.to_item({"who": "ada", "at": AT, "quiz": "q-7", "step": "2", "salary": "9"})

    assert {**item, "id": ""} == {
        "type": "event",
        "id": "",
        "learner": "ada",
        "kind": "sale",
        "at": AT,
        "value": 12.5,
    }
    assert other["properties"] == {"activity": "q-7", "step": 2}
    assert (other["learner"], other["kind"]) == ("ada", "challenge_completed")
    assert mapped.unused == ("salary",)


@pytest.mark.parametrize("number", ["1017", 1017, 1017.0, "1017.0", " 1017.0 "])
def test_learner_id__made_a_number_by_a_spreadsheet__is_its_text(number):
    assert item_of({"learner": number, "kind": "sale", "at": AT})["learner"] == "1017"


@pytest.mark.parametrize("text", ["1017.5", "007.0", "v1.0", "1.0.0", "9" * 16 + ".0"])
def test_learner_id__that_no_spreadsheet_made__stays_as_it_is(text):
    assert item_of({"learner": text, "kind": "sale", "at": AT})["learner"] == text


def test_value__with_underscores__is_left_for_the_parser_to_refuse():
    assert item_of({"learner": "ada", "kind": "sale", "at": AT, "value": "1_0"})["value"] == "1_0"


@pytest.mark.parametrize(
    ("sent", "zone", "read"),
    [
        (AT, None, AT),
        (datetime(2026, 3, 1, 9, 30, tzinfo=UTC), None, AT),
        ("2026-03-01T09:30:00", None, "2026-03-01T09:30:00"),
        ("2026-03-01 10:30", "Europe/Berlin", "2026-03-01T10:30:00+01:00"),
        (datetime(2026, 7, 1, 10), "Europe/Berlin", "2026-07-01T10:00:00+02:00"),  # noqa: DTZ001
        (date(2026, 3, 1), "UTC", "2026-03-01T00:00:00+00:00"),
        ("1772357400000", None, 1_772_357_400_000),
        ("yesterday", "UTC", "yesterday"),
        (1.5, "UTC", 1.5),
    ],
)
def test_time__of_each_format__gets_the_zone_that_was_said(sent, zone, read):
    timezone = ZoneInfo(zone) if zone else None

    assert item_of({"learner": "a", "kind": "sale", "at": sent}, timezone=timezone)["at"] == read


def test_fixed_value__of_a_number_and_a_time__is_read_like_a_column():
    fixed = {"value": "2.5", "at": "2026-03-01 10:30", "kind": " sale "}

    item = item_of({"learner": "ada"}, fixed=fixed, timezone=ZoneInfo("Europe/Berlin"))

    assert (item["value"], item["kind"]) == (2.5, "sale")
    assert item["at"] == "2026-03-01T10:30:00+01:00"


def test_outcome__without_id__gets_none_and_its_day_as_text():
    values = {"learner": "ada", "name": "sales", "day": date(2026, 3, 1), "value": "7"}

    assert item_of(values, OUTCOMES) == {
        "learner": "ada",
        "name": "sales",
        "day": "2026-03-01",
        "value": 7.0,
    }


def test_learner__attributes__are_gathered():
    item = item_of(
        {"learner": "ada", "at": AT, "role": "rep", "team": 4, "manager": 17, "region": ""},
        LEARNERS,
    )

    assert item["attributes"] == {"role": "rep", "team": "4", "manager": "17"}


def test_id__of_the_same_content__is_the_same_whatever_the_other_columns_say():
    one = item_of({"learner": "ada", "kind": "sale", "at": AT, "note": "x"})
    two = item_of({"note": "y", "at": AT, "kind": "sale", "learner": "ada"})
    other = item_of({"learner": "ben", "kind": "sale", "at": AT})

    assert one["id"] == two["id"] != other["id"]


@pytest.mark.parametrize(
    ("columns", "wish", "said"),
    [
        (("employee", "kind", "at"), NOTHING, "no column for learner.*--column learner=COLUMN"),
        (("learner", "kind", "at"), Wish({"lerner": "kind"}, {}), "'lerner' is no field of events"),
        (("learner", "kind", "at"), Wish({"id": "kinds"}, {}), "no column 'kinds'.*Is it 'kind'"),
        (("learner", "kind", "at"), Wish({}, {"properties.": "x"}), "is no field"),
    ],
)
def test_build_mapping__that_cannot_be__says_what_there_is(columns, wish, said):
    with pytest.raises(Problem, match=said):
        build_mapping(EVENTS, columns, wish, "f.csv")
