"""Stratified lists: balanced, random with the right chances, the same however they are asked."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assignment.blocks import (
    assign_in_blocks,
    balance_of,
    bin_edges,
    bin_name,
    block_of,
    stratum_name,
)
from assignment.errors import AssignmentError

EQUAL = {"control": 1, "badge": 1}
ROLES, REGIONS = ("seller", "coach", "clerk"), ("emea", "apac")


def units_of(n, seed=0):
    return {
        f"unit-{number}": (
            ("role", ROLES[(number * 7 + seed) % 3]),
            ("region", REGIONS[number * number % 5 % 2]),
        )
        for number in range(n)
    }


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(0, 300),
    weights=st.sampled_from([(1, 1), (1, 3), (2, 1, 1), (0.3, 0.7), (1, 1, 1), (5, 1)]),
    seed=st.text(max_size=8),
)
def test_lists__any_units__are_balanced_in_each_stratum_and_as_a_whole(n, weights, seed):
    named = {f"v{number}": weight for number, weight in enumerate(weights)}

    lists = assign_in_blocks(units_of(n), named, seed)
    block = block_of(named)

    assert [one.unit for one in lists] == sorted(units_of(n))
    for balance in balance_of(lists, named):
        # A stratum's units stand in whole blocks, and in at most two cut ones of the pool.
        most_off = 1 if balance.stratum == "" else 2
        for variant, count in balance.counts.items():
            in_block = block.count(variant)
            exact = balance.n_units * in_block / len(block)
            assert abs(count - exact) <= most_off * min(in_block, len(block) - in_block)


def test_lists__units_in_another_order__are_the_same():
    units = units_of(200)
    backwards = dict(reversed(units.items()))

    assert assign_in_blocks(units, EQUAL, "s") == assign_in_blocks(backwards, EQUAL, "s")


def test_lists__another_seed__is_another_assignment():
    first = [one.variant for one in assign_in_blocks(units_of(200), EQUAL, "a")]
    second = [one.variant for one in assign_in_blocks(units_of(200), EQUAL, "b")]

    assert 60 < sum(x != y for x, y in zip(first, second, strict=True)) < 140


def test_lists__known_units__never_change_between_versions():
    lists = assign_in_blocks(units_of(8), EQUAL, "spring")

    assert "".join(one.variant[0] for one in lists) == "cbbbcccb"


def test_lists__over_many_seeds__give_each_unit_its_weights_as_chance():
    """Random assignment, not only balance: 3 of 4 for each unit, a cut block's units included."""
    units, weights, n_seeds = units_of(11), {"a": 1, "b": 3}, 2000
    times = Counter(
        one.unit
        for seed in range(n_seeds)
        for one in assign_in_blocks(units, weights, str(seed))
        if one.variant == "b"
    )

    error = (0.75 * 0.25 / n_seeds) ** 0.5
    assert all(abs(times[unit] / n_seeds - 0.75) < 4.5 * error for unit in units)


def test_lists__few_large_teams__are_split_evenly_where_a_hash_is_not():
    """40 teams of two sizes: each arm gets 10 large and 10 small ones, whatever the seed."""
    teams = {f"team-{n}": (("size", "large" if n % 2 else "small"),) for n in range(40)}

    for seed in range(50):
        for balance in balance_of(assign_in_blocks(teams, EQUAL, str(seed)), EQUAL):
            assert balance.largest_gap == 0


@pytest.mark.parametrize(
    ("weights", "size"),
    [((1, 1), 2), ((0.25, 0.75), 4), ((1 / 3, 1 / 3, 1 / 3), 3), ((0.3, 0.7), 10)],
)
def test_block__of_weights__is_the_smallest(weights, size):
    assert len(block_of({str(number): weight for number, weight in enumerate(weights)})) == size


@pytest.mark.parametrize(
    "weights",
    [
        {"a": 1},
        {"a": 1, "b": 0},
        {"a": 1, "b": -1},
        {"a": 0.123456, "b": 1},
        {"a": 1, "b": 200},
        {},
    ],
)
def test_block__of_impossible_weights__is_refused_with_an_example(weights):
    with pytest.raises(AssignmentError, match="such as"):
        block_of(weights)


def test_bins__of_numbers__are_of_about_equal_size_and_named():
    values = [0, 0, 0, 1, 2, 3, 8, 9, 30]
    edges = bin_edges(values, 3)

    assert edges == [0, 3]
    assert Counter(bin_name(value, edges) for value in values) == {
        "up to 0": 3,
        "above 0 to 3": 3,
        "above 3": 3,
    }


@pytest.mark.parametrize("values", [[], [5], [5, 5, 5, 5]])
def test_bins__of_one_value__are_one(values):
    assert bin_edges(values, 4) == []
    assert bin_name(5, []) == "any"


def test_stratum__of_nothing__is_empty():
    assert stratum_name(()) == ""
