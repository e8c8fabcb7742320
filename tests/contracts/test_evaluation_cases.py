"""Every case of evaluation.json holds on the engine; test_packaging runs them on the wheel too."""

import json

import pytest

from tests.contracts.peers import JavaScriptPeer, Outcome, ask_python, javascript_sdk
from tests.contracts.run_cases import (
    CASES,
    check_condition,
    check_evaluation,
    check_remembered,
    run_all,
)

FILE = json.loads(CASES.read_text(encoding="utf-8"))


def test_cases__whole_file__hold() -> None:
    n_run, failures = run_all("assignment")

    assert failures == []
    assert n_run > 200


def test_runner__wrong_expectations__are_reported() -> None:
    condition = FILE["conditions"][0] | {"expected": False}
    evaluation = FILE["evaluations"][0] | {"expected": {"value": 1}}
    remembered = FILE["remembered"][0] | {"kept": {}, "expected": {"value": 1}}

    assert check_condition("assignment", condition) != ""
    assert check_evaluation("assignment", evaluation) != ""
    assert check_remembered("assignment", remembered) != ""


@pytest.mark.parametrize("section", ["conditions", "evaluations", "remembered"])
def test_cases__names__are_told_apart(section: str) -> None:
    names = [case["name"] for case in FILE[section]]

    assert sorted(set(names)) == sorted(names)


OURS_ALONE = {"flag switched off"}
"""It is said in our server's own words; to other SDKs such a flag has no rules."""

OTHERWISE_IN_PYTHON = {
    "force null",
    "force null after a rule that fails",
    "remembered, and not targeted any longer",
}
"""See docs/assignment.md, "Where it differs, and why"."""


def expected_of(case: dict) -> Outcome:
    expected = case["expected"]
    return Outcome(expected["value"], expected["variant"] if expected["in_experiment"] else None)


def documents_of(case: dict) -> dict:
    return {
        f"{attribute}||{unit}": {
            "attributeName": attribute,
            "attributeValue": unit,
            "assignments": assignments,
        }
        for attribute, units in case["memory"].items()
        for unit, assignments in units.items()
    }


def shared(section: str, otherwise: set[str]) -> list[dict]:
    return [case for case in FILE[section] if case["name"] not in otherwise]


def test_evaluations__by_the_python_sdk__come_out_the_same() -> None:
    for case in shared("evaluations", OURS_ALONE | OTHERWISE_IN_PYTHON):
        found = ask_python(case, [(case["key"], case["attributes"])])

        assert found == [expected_of(case)], case["name"]


def test_remembered__by_the_python_sdk__come_out_the_same() -> None:
    for case in shared("remembered", OTHERWISE_IN_PYTHON):
        found = ask_python(case, [(case["key"], case["attributes"])], documents_of(case))

        assert found == [expected_of(case)], case["name"]


def test_cases__by_the_javascript_sdk__come_out_the_same() -> None:
    with JavaScriptPeer(javascript_sdk()) as peer:
        for case in shared("evaluations", OURS_ALONE):
            found = peer.ask(case, [(case["key"], case["attributes"])])

            assert found == [expected_of(case)], case["name"]

        for case in FILE["remembered"]:
            ask = [(case["key"], case["attributes"])]
            [one] = peer.ask(case, ask, {"sticky": documents_of(case)})

            assert one == expected_of(case), case["name"]
            for saved in one.saved:
                kept = case["kept"][saved["attributeName"]][saved["attributeValue"]]
                assert saved["assignments"] == kept, case["name"]
