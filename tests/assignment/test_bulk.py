import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assignment import AssignmentError, Payload, evaluate, parse_payload
from assignment.bulk import assign, places
from assignment.hashing import build_hasher
from tests.contracts.test_differential import fifty_experiments

N = 1_000_000
any_text = st.text(st.characters(exclude_categories=()), max_size=300)


def payload_of(**rule: object) -> Payload:
    rule = {"hashVersion": 2, "variations": [0, 1], "meta": [{"key": "a"}, {"key": "b"}]} | rule
    return parse_payload({"features": {"x": {"defaultValue": 0, "rules": [rule]}}})


def one_by_one(payload: Payload, key: str, ids: list) -> list[str | None]:
    found = [evaluate(payload, key, {"id": one}) for one in ids]
    return [one.variant if one.in_experiment else None for one in found]


def at_once(payload: Payload, key: str, ids: object) -> list[str | None]:
    assigned = assign(payload, key, ids)
    return [assigned.variants[code] if code >= 0 else None for code in assigned.codes]


@pytest.mark.parametrize("version", [1, 2])
@given(st.lists(any_text, min_size=1, max_size=8), any_text)
def test_places__any_texts__are_those_of_the_scalar_path(
    version: int, ids: list[str], seed: str
) -> None:
    place = build_hasher(seed, version)
    assert place is not None
    ids = [one[:256] for one in ids if one] or ["a"]

    assert places(ids, seed, version).tolist() == [place(one) for one in ids]


@settings(deadline=None)
@given(st.lists(any_text | st.integers(-(10**25), 10**25) | st.floats() | st.none(), max_size=8))
def test_assign__ids_of_any_kind__is_the_scalar_path(ids: list) -> None:
    payload = payload_of(coverage=0.7, namespace=["ring", 0.2, 0.9])

    assert at_once(payload, "x", ids) == one_by_one(payload, "x", ids)


def without_conditions() -> dict:
    payload = fifty_experiments()
    for feature in payload["features"].values():
        feature["rules"][0].pop("condition", None)
    return payload


def test_assign__fifty_experiments__is_the_scalar_path() -> None:
    payload = parse_payload(without_conditions())
    ids = [f"learner-{number}" for number in range(2_000)]
    array, arrow = np.array(ids), pa.array(ids)

    for key in payload.flags:
        expected = one_by_one(payload, key, ids)
        assert at_once(payload, key, array) == expected
        assert at_once(payload, key, arrow) == expected


@pytest.mark.parametrize(
    "ids",
    [
        pa.array(["a", "bc", "", "léa", "a🎓b", None]),
        pa.array(["zz", "a", "bc", "d"])[1:3],
        pa.chunked_array([["a", "bc"], ["d"]]),
        pa.array(["a", "bc"], pa.large_string()),
        pa.array([], pa.string()),
    ],
)
def test_assign__arrow_arrays_of_each_kind__is_the_scalar_path(ids: pa.Array) -> None:
    assert at_once(payload_of(), "x", ids) == one_by_one(payload_of(), "x", ids.to_pylist())


def test_assign__whole_numbers__is_the_scalar_path() -> None:
    ids = np.arange(-50, 50)

    assert at_once(payload_of(), "x", ids) == one_by_one(payload_of(), "x", ids.tolist())


def test_assign__filters_ranges_and_passing_through__is_the_scalar_path() -> None:
    payload = payload_of(
        ranges=[[0, 0.3], [0.2, 0.9]],
        filters=[{"seed": "s", "ranges": [[0, 0.2], [0.5, 1]]}],
        meta=[{"key": "a", "passthrough": True}, {"key": "b"}],
    )
    ids = [f"l{number}" for number in range(500)]

    assert at_once(payload, "x", np.array(ids)) == one_by_one(payload, "x", ids)


@pytest.mark.parametrize("version", [0, 3])
def test_assign__odd_hash_version__is_the_scalar_path(version: int) -> None:
    payload = payload_of(hashVersion=version)

    assert at_once(payload, "x", ["a", "b"]) == one_by_one(payload, "x", ["a", "b"])


SPLIT = {"hashVersion": 2, "variations": [0, 1], "meta": [{"key": "a"}, {"key": "b"}]}


def payload_with(*rules: dict, **feature: object) -> Payload:
    return parse_payload({"features": {"x": {"rules": [*rules, SPLIT], **feature}}})


@pytest.mark.parametrize(
    "rule",
    [
        {"condition": {"id": {"$in": ["l1", "l2", 7]}}},
        {"condition": {"id": "l1"}},
        {"condition": {"id": 7}},
        {"condition": {"id": True}},
        {"condition": {"id": {"$eq": 7}}},
        {"condition": {"id": {"$gt": "l3"}}},
        {"condition": {"id": {"$in": "l1"}}},
        {"condition": {"$or": [{"id": "l1"}, {"$not": {"id": {"$ne": "l2"}}}]}},
        {"condition": {"$and": [{"id": {"$nin": ["l1"]}}, {"id": {"$regex": "^l"}}]}},
        {"condition": {"$or": []}},
        {"seed": "s", "range": [0.2, 0.6], "hashVersion": 1},
        {"seed": "s", "coverage": 0.3, "hashVersion": 2},
        {"coverage": 0},
        {"coverage": 1, "hashVersion": 3},
        {"filters": [{"seed": "s", "ranges": [[0, 0.5]]}], "condition": {"id": {"$ne": "l1"}}},
    ],
)
@pytest.mark.parametrize("as_array", [list, np.array], ids=["list", "numpy"])
def test_assign__rule_before_the_experiment__is_the_scalar_path(rule: dict, as_array) -> None:
    payload = payload_with({"force": 5, **rule})

    for ids in ([*(f"l{number}" for number in range(300)), "7", "07"], list(range(1, 30))):
        assert at_once(payload, "x", as_array(ids)) == one_by_one(payload, "x", ids)


def test_assign__flag_that_is_off__takes_nobody_in() -> None:
    payload = payload_with(momentum={"enabled": False})

    assert at_once(payload, "x", ["a", "b"]) == one_by_one(payload, "x", ["a", "b"])


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({"force": 1, "condition": {"role": "seller"}}, "rule 0 asks for the attribute 'role'"),
        (
            {"force": 1, "condition": {"$or": [{"id": "a"}, {"role": "seller"}]}},
            "rule 0 mixes 'id' with other attributes",
        ),
        (
            {**SPLIT, "condition": {"$not": {"id": "a", "role": "seller"}}},
            "rule 0 mixes 'id' with other attributes",
        ),
        (
            {"force": 1, "coverage": 0.5, "hashAttribute": "team"},
            "rule 0 hashes the attribute 'team'",
        ),
        (
            {"force": 1, "parentConditions": [{"id": "y", "condition": {"value": 1}}]},
            "rule 0 waits for the flag 'y'",
        ),
        ({**SPLIT, "hashAttribute": "team"}, "rules 0 and 1 share out by other attributes"),
        ({**SPLIT, "key": "another"}, "found 'x' with 2 experiments"),
    ],
)
def test_assign__more_than_ids_decide__says_which_rule_asks_for_what(rule: dict, why: str) -> None:
    with pytest.raises(AssignmentError, match=why):
        assign(payload_with(rule), "x", ["a"])


def test_assign__flag_without_experiment__says_what_is_expected() -> None:
    payload = parse_payload({"features": {"x": {"rules": [{"force": 1}]}}})

    with pytest.raises(AssignmentError, match="expected the key of one experiment"):
        assign(payload, "x", ["a"])


def test_assign__ring_of_another_attribute__says_which() -> None:
    ring = {"seed": "s", "ranges": [[0, 1]], "attribute": "team"}

    with pytest.raises(AssignmentError, match="'team'"):
        assign(payload_of(filters=[ring]), "x", ["a"])


@pytest.fixture(scope="module")
def million() -> np.ndarray:
    """For each of a hundred experiments, where it places each of a million learners."""
    ids = pa.array([f"learner-{number}" for number in range(N)])
    return np.array([places(ids, f"experiment-{n}").astype(np.float32) for n in range(100)])


@pytest.mark.slow
def test_places__million_learners_hundred_experiments__are_uniform(million: np.ndarray) -> None:
    """Chi-square over 100 cells for each, and all together; the ids are fixed: no chance alarm."""
    n_cells = 100
    scores = []
    for found in million:
        counts = np.bincount((found * n_cells + 1e-3).astype(int), minlength=n_cells)
        chi_square = float(((counts - N / n_cells) ** 2 / (N / n_cells)).sum())
        scores.append((chi_square - (n_cells - 1)) / math.sqrt(2 * (n_cells - 1)))

    assert max(scores) < 5
    assert sum(scores) / math.sqrt(len(scores)) < 4


@pytest.mark.slow
def test_places__pairs_of_a_hundred_experiments__correlate_by_chance_only(
    million: np.ndarray,
) -> None:
    """4,950 pairs: the largest z stays below 5, and their squares sum as they must."""
    treated = (million >= 0.5).astype(np.float32)
    correlation = np.corrcoef(treated)
    z = correlation[np.triu_indices(100, 1)] * math.sqrt(N)

    assert np.abs(z).max() < 5
    assert abs((z**2).sum() - len(z)) < 4 * math.sqrt(2 * len(z))
