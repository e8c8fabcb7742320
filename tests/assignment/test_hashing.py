import pytest
from hypothesis import given
from hypothesis import strategies as st

from assignment.hashing import build_hasher, fnv1a_32


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", 0x811C9DC5), ("a", 0xE40C292C), ("b", 0xE70C2DE5), ("foobar", 0xBF9CF968)],
)
def test_fnv1a_32__vectors_of_its_authors__hold(text: str, expected: int) -> None:
    assert fnv1a_32(text) == expected


def fnv_by_the_book(text: str) -> int:
    """A second implementation: shifts, as JavaScript SDKs write it, over UTF-16 units."""
    units = memoryview(text.encode("utf-16-le", "surrogatepass")).cast("H")
    state = 0x811C9DC5
    for unit in units:
        state ^= unit
        state += (state << 1) + (state << 4) + (state << 7) + (state << 8) + (state << 24)
        state &= 0xFFFFFFFF
    return state


any_text = st.text(st.characters(codec=None, exclude_categories=()), max_size=30)


@given(any_text)
def test_fnv1a_32__any_text__agrees_with_a_second_implementation(text: str) -> None:
    assert fnv1a_32(text) == fnv_by_the_book(text)


@given(any_text, any_text)
def test_hasher__version_2__hashes_seed_and_value_twice(seed: str, value: str) -> None:
    hasher = build_hasher(seed, 2)
    assert hasher is not None

    once = fnv_by_the_book(seed + value)

    assert hasher(value) == fnv_by_the_book(str(once)) % 10_000 / 10_000


@given(any_text, any_text)
def test_hasher__version_1__hashes_value_and_seed_once(seed: str, value: str) -> None:
    hasher = build_hasher(seed, 1)
    assert hasher is not None

    assert hasher(value) == fnv_by_the_book(value + seed) % 1_000 / 1_000


def test_hasher__lone_surrogate__has_a_place() -> None:
    hasher = build_hasher("\ud800", 2)
    assert hasher is not None

    assert 0 <= hasher("learner-\udfff") < 1


@pytest.mark.parametrize("version", [0, 3, 99, -1])
def test_hasher__version_that_does_not_exist__is_none(version: int) -> None:
    assert build_hasher("seed", version) is None
