import enum
import json
import math
import uuid
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from momentum_sdk import Counts, items, plain
from momentum_sdk.items import (
    LARGEST_ITEM,
    ItemIds,
    Unusable,
    build_event,
    build_exposure,
    build_learner,
    encode_item,
    epoch_ms,
    learner_text,
)

from experiment_server.ingest.values import dump_properties
from tests.assignment.test_values import Hostile, json_values


class Colour(enum.Enum):
    RED = "red"
    ODD = object


class Code(enum.IntEnum):
    ONE = 1


def properties_of(properties: object) -> tuple[object, list[str]]:
    encoded, mended = encode_item(build_event("i1", "login", "l1", None, properties, None))
    return json.loads(encoded)["properties"], mended


@pytest.mark.parametrize(
    ("learner", "text"),
    [
        ("l1", "l1"),
        (7, "7"),
        (0, "0"),
        (uuid.UUID(int=5), str(uuid.UUID(int=5))),
        ("x" * 256, "x" * 256),
        ("x" * 257, ""),
        (True, ""),
        (1.5, ""),
        (None, ""),
        (b"l1", ""),
        (Hostile(), ""),
    ],
)
def test_learner_text__ids__are_texts_and_nothing_else_is(learner: object, text: str) -> None:
    assert learner_text(learner) == text


@pytest.mark.parametrize(
    ("kind", "learner", "value", "properties", "field"),
    [
        ("", "l1", None, None, "kind"),
        (None, "l1", None, None, "kind"),
        ("x" * 129, "l1", None, None, "kind"),
        ("login", "", None, None, "learner"),
        ("login", "l1", math.nan, None, "value"),
        ("login", "l1", "many", None, "value"),
        ("login", "l1", Hostile(), None, "value"),
        ("login", "l1", 10**400, None, "value"),
        ("login", "l1", None, [1], "properties"),
    ],
)
def test_event__that_cannot_be_sent__names_the_field(
    kind, learner, value, properties, field
) -> None:
    with pytest.raises(Unusable, match=rf"^{field} "):
        build_event("i1", kind, learner, value, properties, None)


def test_event__value_of_another_number_type__is_a_number() -> None:
    assert build_event("i1", "deal", "l1", Decimal("2.5"), None, None)["value"] == 2.5


def test_learner__attributes_that_are_no_mapping__name_the_field() -> None:
    with pytest.raises(Unusable, match=r"^attributes "):
        build_learner("i1", "l1", ["role"], None)


@pytest.mark.parametrize("at", ["2024-01-01", 5, date(2024, 1, 1), datetime(2024, 1, 1)])  # noqa: DTZ001
def test_epoch_ms__not_an_aware_time__is_refused(at: object) -> None:
    with pytest.raises(Unusable, match=r"^at "):
        epoch_ms(at)


def test_epoch_ms__aware_time__is_milliseconds() -> None:
    assert epoch_ms(datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)) == 1_500


def test_properties__what_json_lacks__is_carried_or_left_out() -> None:
    circle: dict = {"name": "kept"}
    circle["circle"] = circle
    given_properties = {
        "date": datetime(2024, 1, 1, tzinfo=UTC),
        "id": uuid.UUID(int=5),
        "amount": Decimal("2.5"),
        "colour": Colour.RED,
        "odd colour": Colour.ODD,
        "tags": {"one"},
        "nan": math.nan,
        "decimal nan": Decimal("nan"),
        "hostile": Hostile(),
        "bytes": b"x",
        "list": [1, math.inf, "two"],
        7: "number as a name",
    }

    properties, mended = properties_of(given_properties)

    assert mended == ["properties"]
    assert properties == {
        "date": "2024-01-01T00:00:00+00:00",
        "id": str(uuid.UUID(int=5)),
        "amount": 2.5,
        "colour": "red",
        "tags": ["one"],
        "list": [1, "two"],
    }
    assert properties_of(circle)[0]["name"] == "kept"


def test_properties__that_json_has__are_sent_as_they_are() -> None:
    assert properties_of({"a": [1, {"b": None}], "c": "é"}) == (
        {"a": [1, {"b": None}], "c": "é"},
        [],
    )


@given(json_values)
def test_properties__any_json__is_encoded(value: object) -> None:
    properties, _ = properties_of({"value": value})

    assert isinstance(properties, dict)


def test_item__larger_than_allowed__is_refused() -> None:
    with pytest.raises(Unusable, match="larger than"):
        properties_of({"text": "x" * LARGEST_ITEM})


SHARED = [1234] * 8_000


@pytest.mark.parametrize(
    "many",
    [
        [1234] * 16_384,
        [1234] * 50_000,
        {str(number): number for number in range(20_000)},
        [[]] + [[] for _ in range(20_000)],
        [SHARED, SHARED, SHARED],
        [1234] * 50_000 + [math.nan],
    ],
    ids=["list", "long list", "dict", "lists", "shared", "one that cannot be sent"],
)
def test_properties__of_too_many_parts__are_refused_and_not_cut(many) -> None:
    """A list that arrives with its first thousand numbers only would be false data."""
    with pytest.raises(Unusable, match="larger than"):
        properties_of({"many": many, "kept": 1})


def test_track__too_many_properties__is_counted_as_dropped(client, server) -> None:
    client.track("login", "l1", properties={"xs": [1234] * 50_000})

    assert client.flush(30)

    assert client.counts() == Counts(1, 0, 0, 1, 0)
    assert server.of_type("event") == []


def test_properties__of_millions_of_parts__is_bounded() -> None:
    encoded, _ = encode_item(
        build_event("i1", "login", "l1", None, {"n": [math.nan] * 1_000_000, "kept": 1}, None)
    )

    assert len(encoded) < LARGEST_ITEM


def test_ids__two_makers__never_meet() -> None:
    one, other = ItemIds(), ItemIds()
    made = [maker.next() for maker in (one, other) for _ in range(1_000)]

    assert len(set(made)) == 2_000
    assert all(1 <= len(item_id) <= 128 and item_id.isprintable() for item_id in made)


CUT = "a\ud83d"  # what is left of an emoji that a host cut in two
MENDED = "a\ufffd"


def test_item__half_a_character__is_replaced_in_each_field() -> None:
    event = build_event("i1", CUT, CUT, None, {"course": [CUT], CUT: 1}, None)
    exposure = build_exposure("i2", CUT, CUT, CUT, {"role": CUT}, None) | {"unit": CUT}
    learner = build_learner("i3", CUT, {"role": CUT}, None)

    sent = [
        (json.loads(encoded), mended)
        for encoded, mended in map(encode_item, (event, exposure, learner))
    ]

    assert sent == [
        (
            event
            | {"kind": MENDED, "learner": MENDED, "properties": {"course": [MENDED], MENDED: 1}},
            ["kind", "learner", "properties"],
        ),
        (
            exposure
            | dict.fromkeys(("experiment", "variant", "learner", "unit"), MENDED)
            | {"attributes": {"role": MENDED}},
            ["experiment", "variant", "learner", "attributes", "unit"],
        ),
        (
            learner | {"learner": MENDED, "attributes": {"role": MENDED}},
            ["learner", "attributes"],
        ),
    ]


def test_item__two_halves_of_one_character__become_it() -> None:
    encoded, _ = encode_item(build_event("i1", "login", "\ud83d\ude00", None, None, None))

    assert json.loads(encoded)["learner"] == "\U0001f600"


@pytest.mark.parametrize(
    "number",
    [2**53 + 1, -(2**53) - 1, 10**400, pytest.param(10**5_000, id="beyond str"), math.inf],
)
def test_properties__number_that_the_server_does_not_read__is_left_out(number) -> None:
    properties, mended = properties_of({"n": number, "list": [1, number], "kept": 2**53})

    assert properties == {"list": [1], "kept": 2**53}
    assert mended == ["properties"]


def nest(depth: int) -> list:
    nested: list = []
    for _ in range(depth):
        nested = [nested]
    return nested


@pytest.mark.parametrize(("depth", "is_sent_as_it_is"), [(30, True), (31, False), (2_000, False)])
def test_properties__nested_deeper_than_the_server_reads__are_cut(depth, is_sent_as_it_is) -> None:
    properties, mended = properties_of({"deep": nest(depth), "kept": 1})

    assert (mended == []) is is_sent_as_it_is
    assert properties["kept"] == 1
    dump_properties(properties)  # the server's own reader takes them


def test_properties__that_share_parts_a_billion_times__are_bounded() -> None:
    shared: list = [1, 1]
    for _ in range(29):
        shared = [shared, shared]

    encoded, mended = encode_item(build_event("i1", "login", "l1", None, {"all": shared}, None))

    assert len(encoded) < LARGEST_ITEM
    assert mended == ["properties"]


def test_properties__texts_and_numbers_of_the_hosts_own_types__are_kept_beside_broken_ones() -> (
    None
):
    class SafeText(str):
        __slots__ = ()

    properties, _ = properties_of({SafeText("name"): SafeText("x"), "code": Code.ONE, "cut": CUT})

    assert properties == {"name": "x", "code": 1, "cut": MENDED}


def test_event__of_easy_parts__is_looked_at_without_a_call_for_each(monkeypatch) -> None:
    """track() is called in the host's own time, so calls are counted."""
    called: list[object] = []
    is_plain = plain.is_plain
    monkeypatch.setattr(items, "is_plain", lambda part: called.append(part) or is_plain(part))
    monkeypatch.setattr(plain, "_is_plain_scalar", lambda part: called.append(part) or True)

    encode_item(build_event("i1", "login", "l1", 1, None, None))
    without = len(called)
    properties_of({"course": "negotiation", "score": 3, "ok": True, "note": None})

    assert (without, len(called)) == (0, 1)
