import random
import threading
from collections.abc import Iterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assignment import REASONS, Payload, evaluate, parse_payload
from tests.assignment.test_values import Hostile, json_values


def experiment(**over: object) -> dict:
    rule = {
        "key": "reward-ladder",
        "seed": "reward-ladder",
        "hashVersion": 2,
        "hashAttribute": "id",
        "variations": [{"badges": False}, {"badges": True}],
        "weights": [0.5, 0.5],
        "coverage": 1,
        "meta": [{"key": "control"}, {"key": "badges"}],
        "phase": "2",
    }
    about = {"experiment": True, "control": "control", "unit_kind": "learner"}
    return {"defaultValue": {"badges": False}, "momentum": about, "rules": [rule | over]}


def payload_of(**features: dict) -> Payload:
    return parse_payload({"features": features})


class HostileMapping(Mapping):
    def __getitem__(self, key: object) -> object:
        raise RuntimeError

    def __iter__(self) -> Iterator:
        raise RuntimeError

    def __len__(self) -> int:
        raise RuntimeError


@pytest.mark.parametrize(
    "attributes",
    [None, 3, "id", [], HostileMapping(), {"id": Hostile()}, {"id": ["a"]}, {"id": 1j}],
)
def test_evaluate__attributes_of_any_kind__answers_outside(attributes: object) -> None:
    evaluation = evaluate(payload_of(x=experiment()), "x", attributes)

    assert evaluation.in_experiment is False
    assert evaluation.reason in {"no_unit", "error"}


@pytest.mark.parametrize("key", [None, 3, [], {}, Hostile()])
def test_evaluate__key_of_any_kind__answers_outside(key: object) -> None:
    evaluation = evaluate(payload_of(x=experiment()), key, {"id": "l1"})

    assert evaluation.reason in {"unknown_flag", "error"}
    assert evaluation.value is None


@given(json_values, st.dictionaries(st.text(), json_values))
def test_evaluate__any_condition_and_attributes__gives_a_known_reason(
    condition: object, attributes: dict
) -> None:
    payload = parse_payload({"features": {"x": experiment(condition=condition)}}, lenient=True)

    assert evaluate(payload, "x", attributes).reason in REASONS


@given(st.text(min_size=1, max_size=40))
def test_evaluate__same_learner_and_definition__same_variant(learner: str) -> None:
    one, other = payload_of(x=experiment()), payload_of(y={"defaultValue": 1}, x=experiment())

    assert evaluate(one, "x", {"id": learner}) == evaluate(other, "x", {"id": learner, "z": 1})


def test_evaluate__many_threads__agree() -> None:
    payload = payload_of(x=experiment(condition={"agent": {"$regex": "^(a|b)+$"}}))
    learners = [{"id": f"l{number}", "agent": "abab"} for number in range(500)]
    expected = [evaluate(payload, "x", learner).variant for learner in learners]
    differences: list[int] = []

    def work() -> None:
        order = list(range(500))
        random.Random(threading.get_ident()).shuffle(order)
        differences.extend(
            i for i in order if evaluate(payload, "x", learners[i]).variant != expected[i]
        )

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert differences == []


def test_evaluate__experiment__names_what_an_exposure_needs() -> None:
    evaluation = evaluate(payload_of(x=experiment(hashAttribute="team")), "x", {"team": "t1"})

    assert evaluation.experiment == "reward-ladder"
    assert evaluation.unit_attribute == "team"
    assert evaluation.phase == "2"
    assert evaluation.in_experiment is True


def test_evaluate__learners_of_one_team__share_the_variant() -> None:
    payload = payload_of(x=experiment(hashAttribute="team"))

    variants = {
        evaluate(payload, "x", {"id": f"l{number}", "team": "t7"}).variant for number in range(100)
    }

    assert len(variants) == 1


@pytest.mark.parametrize("unit", ["x" * 257, 10**400, float("nan"), True, 0, 0.0])
def test_evaluate__id_that_is_none__has_no_unit(unit: object) -> None:
    assert evaluate(payload_of(x=experiment()), "x", {"id": unit}).reason == "no_unit"


def test_evaluate__text_of_a_subclass__is_the_same_learner() -> None:
    class Id(str):
        __slots__ = ()

    payload = payload_of(x=experiment())

    assert evaluate(payload, "x", {"id": Id("l1")}) == evaluate(payload, "x", {"id": "l1"})


@pytest.mark.parametrize(
    ("value", "is_on"), [(None, False), (0, False), ("", False), ([], True), ({}, True), (1, True)]
)
def test_is_on__values__follow_the_specification(value: object, is_on: bool) -> None:
    assert evaluate(payload_of(f={"defaultValue": value}), "f", {}).is_on is is_on


def test_prerequisites__chain_of_hundreds__is_followed() -> None:
    n = 300
    features = {
        f"f{number}": {
            "defaultValue": 0,
            "rules": [
                {
                    "parentConditions": [{"id": f"f{number + 1}", "condition": {"value": 1}}],
                    "force": 1,
                }
            ],
        }
        for number in range(n)
    }
    features[f"f{n}"] = {"defaultValue": 1}

    assert evaluate(payload_of(**features), "f0", {}).value in (1, None)


def test_prerequisites__asked_for_twice_at_each_step__are_asked_once() -> None:
    """Asked anew each time, 80 steps would take 2^80 evaluations."""
    n = 80
    features = {
        f"f{number}": {
            "defaultValue": 0,
            "rules": [
                {
                    "parentConditions": [
                        {"id": f"f{number + 1}", "condition": {"value": value}}
                        for value in (1, {"$ne": 0})
                    ],
                    "force": 1,
                }
            ]
            * 2,
        }
        for number in range(n)
    }
    payloads = {
        value: payload_of(**features, **{f"f{n}": {"defaultValue": value}}) for value in (0, 1)
    }

    assert [evaluate(payloads[value], "f0", {}).value for value in (0, 1)] == [0, 1]
