import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assignment.bucketing import bucket_ranges, choose, equal_weights, namespace_filter
from assignment.hashing import build_hasher

shares = st.lists(st.integers(1, 100), min_size=2, max_size=8).map(
    lambda parts: [part / sum(parts) for part in parts]
)


@given(shares, st.floats(0, 1), st.floats(0, 1), st.integers(0, 9_999))
def test_bucket_ranges__coverage_grows__no_unit_changes_its_variant(
    weights: list[float], one: float, other: float, bucket: int
) -> None:
    low, high = sorted((one, other))
    place = bucket / 10_000

    before = choose(place, bucket_ranges(len(weights), low, weights))
    after = choose(place, bucket_ranges(len(weights), high, weights))

    assert before in (-1, after)


@given(shares)
def test_bucket_ranges__full_coverage__leaves_no_gap(weights: list[float]) -> None:
    ranges = bucket_ranges(len(weights), 1.0, weights)

    assert ranges[0][0] == 0
    assert all(math.isclose(end, start) for (_, end), (start, _) in pairwise(ranges))
    assert math.isclose(ranges[-1][1], 1)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("weights", [(0.5, 0.5), (0.1, 0.9), (0.2, 0.3, 0.5), (0.25,) * 4])
def test_split__ten_thousand_learners__keeps_the_weights(
    version: int, weights: tuple[float, ...]
) -> None:
    """Within 4 binomial standard errors; the ids are fixed, so it never alarms by chance."""
    n = 10_000
    hasher = build_hasher("an-experiment", version)
    assert hasher is not None
    ranges = bucket_ranges(len(weights), 1.0, weights)

    chosen = [choose(hasher(f"learner-{number}"), ranges) for number in range(n)]

    for variant, weight in enumerate(weights):
        error = math.sqrt(weight * (1 - weight) / n)
        assert abs(chosen.count(variant) / n - weight) < 4 * error


def test_split__two_experiments__are_independent() -> None:
    n = 10_000
    ranges = bucket_ranges(2)
    first, second = build_hasher("one", 2), build_hasher("two", 2)
    assert first is not None
    assert second is not None

    both = sum(
        choose(first(f"l{i}"), ranges) == 1 and choose(second(f"l{i}"), ranges) == 1
        for i in range(n)
    )

    assert abs(both / n - 0.25) < 4 * math.sqrt(0.25 * 0.75 / n)


def test_namespace__two_halves__share_out_the_units() -> None:
    low, high = namespace_filter("ring", 0, 0.5), namespace_filter("ring", 0.5, 1)

    assert all(low.admits(f"l{i}") is not high.admits(f"l{i}") for i in range(1_000))


def test_choose__overlapping_ranges__takes_the_first() -> None:
    assert choose(0.2, ((0.1, 0.3), (0.0, 1.0))) == 0


def test_choose__outside_all__is_minus_one() -> None:
    assert choose(0.3, ((0.1, 0.3), (0.31, 1.0))) == -1


def test_equal_weights__no_variants__is_empty() -> None:
    assert equal_weights(0) == ()
    assert bucket_ranges(0) == ()
