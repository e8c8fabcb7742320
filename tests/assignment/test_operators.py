import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assignment.conditions import build_condition
from assignment.operators import OPERATORS
from tests.assignment.test_values import Hostile, json_values

CASES = json.loads((Path(__file__).parents[1] / "contracts" / "evaluation.json").read_text())
anything = json_values | st.builds(Hostile) | st.binary() | st.builds(object)


def fits(operator: str, expected: object, actual: object) -> bool:
    return build_condition({"a": {operator: expected}}, {"g": ["l1"]})({"a": actual})


@pytest.mark.parametrize("operator", OPERATORS)
@given(expected=anything, actual=anything)
def test_operator__any_two_values__answers_true_or_false(
    operator: str, expected: object, actual: object
) -> None:
    assert fits(operator, expected, actual) in (True, False)


@pytest.mark.parametrize("operator", OPERATORS)
def test_operator__each_row__has_a_case_both_ways(operator: str) -> None:
    outcomes = {
        case["expected"] for case in CASES["conditions"] if f'"{operator}"' in json.dumps(case)
    }

    assert outcomes == {True, False}, f"add cases for {operator} to tests/contracts/evaluation.json"


@pytest.mark.parametrize(
    "actual", ["x" * 10_000, ["x"] * 10_000, "1." * 5_000, {"a": "x" * 10_000}]
)
@pytest.mark.parametrize("operator", OPERATORS)
def test_operator__ten_thousand_characters__answers(operator: str, actual: object) -> None:
    """One that backtracked would not end before the sun does."""
    test = build_condition({"a": {operator: "(x+)+$"}}, {"(x+)+$": ["y"]})

    assert test({"a": actual}) in (True, False)
