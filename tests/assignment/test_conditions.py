import pytest
from hypothesis import given
from hypothesis import strategies as st

from assignment.conditions import DEEPEST, build_condition
from tests.assignment.test_values import Hostile, json_values


def nested(depth: int) -> dict:
    condition: dict = {"role": "seller"}
    for _ in range(depth):
        condition = {"$and": [condition]}
    return condition


@pytest.mark.parametrize(
    "condition", [None, 3, "role", ["role"], {"$or": {}}, {"$and": 1}, {"$nor": "x"}, {"$not": 1}]
)
def test_condition__that_makes_no_sense__fits_nobody(condition: object) -> None:
    assert build_condition(condition, {})({"role": "seller"}) is False


@given(json_values, json_values)
def test_condition__any_json__answers_true_or_false(condition: object, attributes: object) -> None:
    assert build_condition(condition, {})(attributes) in (True, False)


def test_condition__nested_as_people_write__is_read() -> None:
    assert build_condition(nested(10), {})({"role": "seller"}) is True


@pytest.mark.parametrize("depth", [DEEPEST + 1, 5_000])
def test_condition__nested_beyond_sense__fits_nobody(depth: int) -> None:
    assert build_condition(nested(depth), {})({"role": "seller"}) is False


def test_condition__operators_nested_beyond_sense__fit_nobody() -> None:
    part: object = "seller"
    for _ in range(5_000):
        part = {"$not": part}

    assert build_condition({"role": part}, {})({"role": "seller"}) in (True, False)


def test_condition__hostile_attribute__does_not_fit() -> None:
    assert build_condition({"role": "seller", "n": {"$gt": 1}}, {})({"role": Hostile()}) is False


@pytest.mark.parametrize(("condition", "fits"), [({"a": {}}, True), ({"a": {"b": 1}}, False)])
def test_condition__object_without_operators__is_compared_whole(
    condition: dict, fits: bool
) -> None:
    assert build_condition(condition, {})({"a": {}}) is fits


@given(st.dictionaries(st.sampled_from(["role", "region"]), st.text(max_size=3)))
def test_not__any_condition__turns_it_around(condition: dict) -> None:
    attributes = {"role": "a", "region": "b"}
    plain = build_condition(condition, {})(attributes)

    assert build_condition({"$not": condition}, {})(attributes) is not plain
