"""Run by `test_compiled_engine`, in a process that has both engines: equal in all that they say."""

import copy
import pickle
from dataclasses import FrozenInstanceError, asdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import assignment as plain
from tests.architecture.compiled_sdk import engine as compiled
from tests.contracts import random_payloads as randoms

ODD = st.sampled_from(
    [
        *(None, True, False, 0, -1, 2**53 + 1, 10**400),
        *(0.5, -0.0, 1e300, float("nan"), float("inf")),
        *("", "x", "0.5", "\ud800", "\U0001f600", "9" * 5000),
        *(b"x", object, {1, 2}, (1, "a"), [], {}),
    ]
)
FIELDS = [
    *("force", "variations", "weights", "coverage", "hashVersion", "hashAttribute", "seed", "key"),
    *("condition", "ranges", "range", "filters", "namespace", "meta", "parentConditions", "phase"),
    *("bucketVersion", "minBucketVersion", "fallbackAttribute", "momentum", 7, None),
]
OPERATORS = ["$in", "$nin", "$eq", "$gt", "$lte", "$regex", "$veq", "$size", "$all", "$elemMatch"]


def mended(value: Any) -> Any:
    """A value whose NaN equals itself, whichever engine it came through."""
    return f"{type(value).__name__} {value!r}"


def said(engine: Any, payload: Any, key: Any, attributes: Any, **visit: Any) -> Any:
    """All that an engine says, or how it fails."""
    try:
        read = engine.parse_payload(payload, lenient=visit.pop("lenient", False))
    except Exception as error:
        return type(error).__name__, str(error)
    on = engine.Visit(**visit) if visit else None
    answer = engine.evaluate(read, key, attributes, on)
    return mended(asdict(answer)), dict(read.broken), read.version, read.environment


def assert_equal(payload: Any, key: Any, attributes: Any, **visit: Any) -> None:
    ours = said(compiled, payload, key, attributes, **visit)

    assert ours == said(plain, payload, key, attributes, **visit)


class Store:
    """A sticky store that keeps what it is told, and begins with something."""

    def __init__(self, remembered: Any) -> None:
        self.remembered = remembered
        self.saved: list[Any] = []

    def get(self, *_who: str) -> Any:
        return self.remembered

    def save(self, attribute: str, unit: str, assignments: Any) -> None:
        self.saved.append((attribute, unit, assignments))


@settings(max_examples=400, deadline=None)
@given(randoms.payloads, st.sampled_from(["f0", "f1", "f2", "f3"]), randoms.attributes)
def test_evaluate__any_payload__is_equal(payload: Any, key: str, attributes: Any) -> None:
    assert_equal(payload, key, attributes)


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(st.sampled_from(FIELDS), ODD | st.lists(ODD, max_size=3), max_size=8),
    ODD | st.dictionaries(st.sampled_from(["id", "team", "role"]), ODD),
    ODD | st.just("f"),
    st.booleans(),
)
def test_evaluate__odd_rules_and_attributes__are_equal_or_refused_alike(
    rule: Any, attributes: Any, key: Any, lenient: bool
) -> None:
    payload = {"features": {"f": {"defaultValue": 1, "rules": [rule]}}, "momentum": {"version": 3}}

    assert_equal(payload, key, attributes, lenient=lenient)


@settings(max_examples=300, deadline=None)
@given(
    st.recursive(
        ODD,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from([*OPERATORS, "role", "a.b"]), inner, max_size=3)
        ),
        max_leaves=6,
    ),
    st.fixed_dictionaries({"id": ODD, "role": ODD | st.lists(ODD, max_size=3), "a": ODD}),
)
def test_condition__odd_values__fit_alike(condition: Any, attributes: Any) -> None:
    flag = {"rules": [{"force": "yes", "condition": condition}], "defaultValue": "no"}

    assert_equal({"features": {"f": flag}}, "f", attributes)


@settings(max_examples=200, deadline=None)
@given(ODD | st.dictionaries(ODD.filter(lambda one: one.__hash__ is not None), ODD, max_size=3))
def test_parse_payload__odd_features__are_refused_alike(features: Any) -> None:
    assert_equal({"features": features, "savedGroups": features}, "f", {"id": "l1"})
    assert_equal({"features": features}, "f", {"id": "l1"}, lenient=True)


@settings(max_examples=200, deadline=None)
@given(
    randoms.payloads,
    randoms.attributes,
    st.dictionaries(st.sampled_from(["f0", "f1", "e0"]), st.integers(-1, 3) | ODD, max_size=2),
    st.sampled_from(["", "/home?f0=1", "/?f1=0&f0=7", "?f0=1abc"]),
    st.dictionaries(st.sampled_from(["f0__0", "e0__0"]), st.sampled_from(["0", "1"]) | ODD),
)
def test_visit__forced_addressed_or_remembered__is_equal(
    payload: Any, attributes: Any, forced: Any, url: str, remembered: Any
) -> None:
    ours, theirs = Store(remembered), Store(remembered)
    on = {"forced": forced, "url": url}

    assert said(compiled, payload, "f0", attributes, sticky=ours, **on) == said(
        plain, payload, "f0", attributes, sticky=theirs, **on
    )
    assert mended(ours.saved) == mended(theirs.saved)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40), st.text(max_size=300), st.sampled_from([1, 2]))
def test_hasher__any_text__gives_the_same_place(seed: str, unit: str, version: int) -> None:
    ours = compiled.hashing.build_hasher(seed, version)(unit)

    assert ours == plain.hashing.build_hasher(seed, version)(unit)


@settings(max_examples=300, deadline=None)
@given(ODD | st.floats() | st.integers() | st.text(), ODD | st.floats() | st.integers() | st.text())
def test_values__any_two__are_read_and_compared_alike(left: Any, right: Any) -> None:
    for name in ("same", "compare"):
        ours, theirs = getattr(compiled.values, name), getattr(plain.values, name)
        assert ours(left, right) == theirs(left, right), name
    for name in ("type_name", "is_truthy", "scalar_text", "to_number"):
        ours, theirs = getattr(compiled.values, name), getattr(plain.values, name)
        assert mended(ours(left)) == mended(theirs(left)), name


@pytest.mark.parametrize("length", [50, 99, 100, 101, 102, 5_000])
def test_prerequisites__long_chain__end_alike_and_never_crash(length: int) -> None:
    features = {
        f"f{number}": {
            "defaultValue": False,
            "rules": [{"force": True, "parentConditions": [waits_for(number + 1)]}],
        }
        for number in range(length)
    } | {f"f{length}": {"defaultValue": True}}

    assert_equal({"features": features}, "f0", {"id": "l1"})
    assert ("error" in str(said(compiled, {"features": features}, "f0", {}))) is (length > 100)


def waits_for(number: int) -> dict[str, Any]:
    return {"id": f"f{number}", "condition": {"value": True}}


def test_evaluation__both_engines__are_values_alike() -> None:
    for engine in (compiled, plain):
        answer = engine.Evaluation(value={"a": 1}, variant="bonus", reason="split")

        assert answer == copy.copy(answer) == pickle.loads(pickle.dumps(answer))
        assert answer != engine.Evaluation(value={"a": 2}, variant="bonus", reason="split")
        with pytest.raises(FrozenInstanceError):
            answer.value = 2
    assert repr(compiled.Evaluation(1, None, "off")) == repr(plain.Evaluation(1, None, "off"))


def test_engines__say_which_they_are() -> None:
    assert (compiled.ENGINE, plain.ENGINE) == ("compiled", "plain")
    assert type(compiled.evaluate).__name__ == "builtin_function_or_method"
