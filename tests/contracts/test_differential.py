"""Our engine and the official SDKs give the same value, variant and bucket."""

import random
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from assignment import InMemoryStickyStore, Visit, evaluate, parse_payload
from assignment.hashing import build_hasher
from experiment_server.delivery.protect import plain_growthbook
from tests.contracts.peers import Ask, JavaScriptPeer, ask_ours, ask_python, javascript_sdk
from tests.contracts.random_payloads import (
    attributes,
    complete_attributes,
    conditions,
    forced,
    ids,
    memories,
    odd_conditions,
    payloads,
    seeds,
    sticky_rules,
    urls,
    visitors,
)

FLAGS = ("f0", "f1", "f2", "f3", "missing")
unhurried = settings(
    max_examples=300, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck)
)
many = settings(unhurried, max_examples=600)


@pytest.fixture(scope="module")
def javascript() -> Iterator[JavaScriptPeer]:
    with JavaScriptPeer(javascript_sdk()) as peer:
        yield peer


def questions(learners: list[dict]) -> list[Ask]:
    return [(flag, learner) for flag in FLAGS for learner in learners]


@unhurried
@given(payloads, st.lists(complete_attributes, min_size=1, max_size=4))
def test_engine__random_payloads__agrees_with_the_python_sdk(
    payload: dict, learners: list[dict]
) -> None:
    asks = questions(learners)

    assert ask_ours(parse_payload(payload), asks) == ask_python(payload, asks)


def payload_for(condition: dict) -> dict:
    rule = {"condition": condition, "force": True}
    groups = {"pilots": ["ops", "sales", 7]}
    return {"features": {"f0": {"defaultValue": False, "rules": [rule]}}, "savedGroups": groups}


@many
@given(conditions, st.lists(complete_attributes, min_size=3, max_size=6))
def test_condition__of_expected_types__agrees_with_the_python_sdk(
    condition: dict, learners: list[dict]
) -> None:
    payload, asks = payload_for(condition), [("f0", learner) for learner in learners]

    assert ask_ours(parse_payload(payload), asks) == ask_python(payload, asks)


@many
@given(condition=odd_conditions, learners=st.lists(attributes, min_size=3, max_size=6))
@example(condition={"tags.0": "a"}, learners=[{"tags": ["a"]}])
@example(condition={"app": {"$vgte": "0"}}, learners=[{"app": ""}])
@example(condition={"app": {"$vlt": "2.0.0"}}, learners=[{"app": True}])
@example(condition={"score": {"$gt": 5}}, learners=[{"score": "inf"}, {"score": "nan"}])
@example(condition={"tags": {"$elemMatch": {"$ne": "a"}}}, learners=[{"tags": [None]}])
def test_condition__of_any_types__agrees_with_the_javascript_sdk(
    javascript: JavaScriptPeer, condition: dict, learners: list[dict]
) -> None:
    payload, asks = payload_for(condition), [("f0", learner) for learner in learners]

    assert ask_ours(parse_payload(payload), asks) == javascript.ask(payload, asks)


@pytest.mark.parametrize("operator", ["$notRegex", "$notRegexi"])
def test_negated_pattern__as_delivered__agrees_with_both_sdks(
    javascript: JavaScriptPeer, operator: str
) -> None:
    payload = payload_for({"role": {operator: "^s", "$not": {"$eq": "ops"}}, "age": {"$gt": 1}})
    roles = ("sales", "Sales", "ops", "it", "")
    asks = [("f0", {"id": "l", "role": role, "age": age}) for role in roles for age in (1, 2)]
    delivered = plain_growthbook({**payload, "dateUpdated": "now"})

    ours = ask_ours(parse_payload(payload), asks)

    assert ours == ask_python(delivered, asks)
    assert ours == javascript.ask(delivered, asks)
    assert {one.value for one in ours} == {True, False}


@unhurried
@given(payload=payloads, learners=st.lists(attributes, min_size=1, max_size=4))
def test_engine__random_payloads__agrees_with_the_javascript_sdk(
    javascript: JavaScriptPeer, payload: dict, learners: list[dict]
) -> None:
    asks = questions(learners)

    assert ask_ours(parse_payload(payload), asks) == javascript.ask(payload, asks)


@unhurried
@given(seed=seeds, learners=st.lists(ids, min_size=1, max_size=20))
@example(seed="\U0001f600", learners=["l\u00e9a", "\u5b66\u4e60", "a\U0001f393"])
def test_bucket__any_text__is_the_one_of_the_javascript_sdk(
    javascript: JavaScriptPeer, seed: str, learners: list[str]
) -> None:
    rule = {"seed": seed, "hashVersion": 2, "variations": [0, 1], "meta": [{"key": "a"}, {}]}
    payload = {"features": {"x": {"defaultValue": 0, "rules": [rule]}}}
    place = build_hasher(seed, 2)
    assert place is not None

    found = javascript.ask(payload, [("x", {"id": learner}) for learner in learners])

    assert [place(learner) for learner in learners] == [one.bucket for one in found]


def remember(attributes: dict, memories: list[dict]) -> tuple[InMemoryStickyStore, dict]:
    """The same memory of a visitor for our engine and, as documents, for the JavaScript SDK."""
    store, documents = InMemoryStickyStore(), {}
    for attribute, memory in zip(("id", "team"), memories, strict=True):
        unit = attributes.get(attribute)
        if unit and memory:
            store.save(attribute, unit, memory)
            documents[f"{attribute}||{unit}"] = {
                "attributeName": attribute,
                "attributeValue": unit,
                "assignments": memory,
            }
    return store, documents


@unhurried
@given(
    rule=sticky_rules,
    visitor=visitors,
    memory=st.lists(memories, min_size=2, max_size=2),
    url=urls,
    force=forced,
)
def test_visit__any_memory_page_and_force__agrees_with_the_javascript_sdk(
    javascript: JavaScriptPeer, rule: dict, visitor: dict, memory: list, url: str, force: dict
) -> None:
    payload = {"features": {"x": {"defaultValue": "none", "rules": [rule]}}}
    store, documents = remember(visitor, memory)
    visit = {"url": url, "forced": force, "sticky": documents}

    ours = evaluate(
        parse_payload(payload), "x", visitor, Visit(url=url, forced=force, sticky=store)
    )
    [theirs] = javascript.ask(payload, [("x", visitor)], visit)

    assert ours.value == theirs.value
    assert (ours.variant if ours.in_experiment else None) == theirs.variant
    assert not ours.in_experiment or ours.unit_attribute == theirs.attribute
    for saved in theirs.saved:
        kept = store.get(saved["attributeName"], saved["attributeValue"])
        assert dict(kept) == saved["assignments"]


def fifty_experiments() -> dict:
    """Fifty that differ in every way that decides who is in, from a fixed seed."""
    dice = random.Random(7)
    features = {}
    for number in range(50):
        n = dice.randint(2, 5)
        parts = [dice.randint(1, 9) for _ in range(n)]
        rule = {
            "key": f"experiment-{number}",
            "seed": f"experiment-{number}:{dice.randint(0, 99)}",
            "hashVersion": dice.choice([1, 2]),
            "variations": [f"payload-{variant}" for variant in range(n)],
            "meta": [{"key": f"v{variant}"} for variant in range(n)],
            "weights": [part / sum(parts) for part in parts],
            "coverage": dice.choice([1, 0.9, 0.5, 0.1]),
        }
        if number % 3 == 0:
            rule["condition"] = {"role": dice.choice(["sales", {"$in": ["sales", "ops"]}])}
        if number % 5 == 0:
            low = dice.randint(0, 50) / 100
            rule["namespace"] = [f"ring-{number % 2}", low, low + 0.4]
        features[f"experiment-{number}"] = {"defaultValue": "none", "rules": [rule]}
    return {"features": features}


def many_asks(n_learners: int) -> list[Ask]:
    learners = [
        {"id": f"learner-{number}", "role": ("sales", "ops", "hr")[number % 3]}
        for number in range(n_learners)
    ]
    return [(key, learner) for key in fifty_experiments()["features"] for learner in learners]


def test_engine__fifty_experiments__agrees_with_both_sdks(javascript: JavaScriptPeer) -> None:
    asks = many_asks(1_000)
    payload = fifty_experiments()

    ours = ask_ours(parse_payload(payload), asks)

    assert ours == ask_python(payload, asks)
    assert ours == javascript.ask(payload, asks)
    assert 0.2 < sum(one.variant is not None for one in ours) / len(ours) < 0.8
