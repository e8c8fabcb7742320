"""Every case of evaluation.json holds on the engine; test_packaging runs them on the wheel too."""

import json

import pytest

from tests.contracts.run_cases import CASES, check_condition, check_evaluation, run_all

FILE = json.loads(CASES.read_text(encoding="utf-8"))


def test_cases__whole_file__hold() -> None:
    n_run, failures = run_all("assignment")

    assert failures == []
    assert n_run > 200


def test_runner__wrong_expectations__are_reported() -> None:
    condition = FILE["conditions"][0] | {"expected": False}
    evaluation = FILE["evaluations"][0] | {"expected": {"value": 1}}

    assert check_condition("assignment", condition) != ""
    assert check_evaluation("assignment", evaluation) != ""


@pytest.mark.parametrize("section", ["conditions", "evaluations"])
def test_cases__names__are_told_apart(section: str) -> None:
    names = [case["name"] for case in FILE[section]]

    assert sorted(set(names)) == sorted(names)
