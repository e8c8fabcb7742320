"""What is free of a namespace, and who stands in whose way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiment_server.experiments.namespaces import Taken, check_free, free_ranges, overlaps
from experiment_server.problems import Problem

PARTS = st.lists(
    st.tuples(st.integers(0, 20), st.integers(1, 20)).map(
        lambda pair: (min(pair) / 20, (max(pair) + (pair[0] == pair[1])) / 20)
    ),
    max_size=6,
).map(lambda parts: [(low, min(high, 1.0)) for low, high in parts if low < 1])


@given(PARTS)
def test_free__with_what_is_taken__is_the_whole_ring_once(taken):
    free = free_ranges(taken)

    for step in range(200):
        place = (step + 0.5) / 200
        is_taken = any(low <= place < high for low, high in taken)
        assert sum(low <= place < high for low, high in free) == (not is_taken)


def test_free__of_nothing_taken__is_everything():
    assert free_ranges([]) == [(0.0, 1.0)]


def test_overlaps__of_ranges_that_touch__are_none():
    touching = [Taken("a", "running", 0, 0.5), Taken("b", "draft", 0.5, 1)]

    assert overlaps(touching) == []


def test_overlaps__of_three__are_pairs():
    taken = [Taken(key, "draft", low, 1) for key, low in (("a", 0), ("b", 0.2), ("c", 0.4))]

    assert [(one.experiment, two.experiment) for one, two in overlaps(taken)] == [
        ("a", "b"),
        ("a", "c"),
        ("b", "c"),
    ]


def test_check_free__range_in_use__says_who_has_it_and_what_is_free():
    taken = [Taken("a", "running", 0.25, 0.5)]

    with pytest.raises(Problem, match=r"a already has 0.25 to 0.5. Free: 0 to 0.25, 0.5 to 1."):
        check_free({"name": "home", "low": 0.4, "high": 0.6}, taken)


def test_check_free__ring_full__says_that_nothing_is_free():
    with pytest.raises(Problem, match="Nothing is free"):
        check_free({"name": "home", "low": 0, "high": 1}, [Taken("a", "running", 0, 1)])
