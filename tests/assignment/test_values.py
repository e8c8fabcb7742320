import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assignment.values import (
    compare,
    is_truthy,
    number_text,
    same,
    scalar_text,
    step_into,
    to_number,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


class Hostile:
    def __eq__(self, _other: object) -> bool:
        raise RuntimeError

    def __hash__(self) -> int:
        raise RuntimeError

    def __bool__(self) -> bool:
        raise RuntimeError

    def __str__(self) -> str:
        raise RuntimeError


# what JavaScript's String(x) gives, taken from ECMA-262, 6.1.6.1.20
@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"),
        (3.0, "3"),
        (-0.5, "-0.5"),
        (0.000001, "0.000001"),
        (1e-7, "1e-7"),
        (1.5e-10, "1.5e-10"),
        (1e21, "1e+21"),
        (10**21, "1e+21"),
        (1e20, "100000000000000000000"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
        (math.nan, "NaN"),
        (123456.789, "123456.789"),
    ],
)
def test_number_text__numbers__are_written_as_javascript_does(value: float, text: str) -> None:
    assert number_text(value) == text


def test_number_text__huge_integer__is_infinite() -> None:
    assert number_text(10**400) == "Infinity"
    assert number_text(-(10**400)) == "-Infinity"


@pytest.mark.parametrize("value", [None, False, "", 0, 0.0, math.nan])
def test_is_truthy__nothing__is_off(value: object) -> None:
    assert is_truthy(value) is False


@pytest.mark.parametrize("value", [True, "0", 1, -1, [], {}, "false", Hostile()])
def test_is_truthy__something__is_on(value: object) -> None:
    assert is_truthy(value) is True


@pytest.mark.parametrize(
    ("value", "number"), [(None, 0), (True, 1), ("", 0), (" 7 ", 7), ("1e3", 1000), (2.5, 2.5)]
)
def test_to_number__what_counts__is_a_number(value: object, number: float) -> None:
    assert to_number(value) == number


@pytest.mark.parametrize("value", ["few", "1_000", "٣", [], {}, Hostile(), "9" * 100])
def test_to_number__what_does_not_count__is_nan(value: object) -> None:
    assert math.isnan(to_number(value))


@pytest.mark.parametrize(
    "text", ["inf", "-inf", "infinity", "Infinity", "nan", "NaN", "1e999", "1_0"]
)
def test_to_number__text_without_a_finite_number__is_nan(text: str) -> None:
    assert math.isnan(to_number(text))


@pytest.mark.parametrize(
    ("value", "name", "found"),
    [
        ({"0": "a"}, "0", "a"),
        (["a", "b"], "1", "b"),
        (("a", "b"), "0", "a"),
        (["a"], "length", 1),
        (["a"], "1", None),
        (["a"], "-1", None),
        (["a", "b"], "01", None),
        (["a"], "\u0660", None),
        (["a"], "9" * 5000, None),
        ("ab", "0", None),
        (None, "0", None),
    ],
)
def test_step_into__name_of_a_path__leads_to_a_member_or_to_nothing(
    value: object, name: str, found: object
) -> None:
    assert step_into(value, name) == found


def test_compare__texts_beyond_the_first_plane__sort_by_utf16_units() -> None:
    assert compare("\U0001f600", "\uffff") == -1


@given(json_values, json_values)
def test_compare__any_two_values__is_antisymmetric(left: object, right: object) -> None:
    one, other = compare(left, right), compare(right, left)

    assert (one is None) == (other is None)
    assert one is None or one == -(other or 0)


@given(json_values)
def test_same__value_with_itself__is_same_unless_nan(value: object) -> None:
    has_nan = "nan" in repr(value)

    assert same(value, value) is True or has_nan


def test_same__one_and_true__differ() -> None:
    assert same(1, True) is False
    assert same(1, 1.0) is True


def test_same__circular_lists__end() -> None:
    one: list[object] = []
    one.append(one)
    other: list[object] = []
    other.append(other)

    assert same(one, other) is False


def test_same__hostile_object__equals_nothing() -> None:
    assert same(Hostile(), Hostile()) is False
    assert scalar_text(Hostile()) is None
