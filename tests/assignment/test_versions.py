import pytest
from hypothesis import given
from hypothesis import strategies as st

from assignment.versions import version_key

# semver.org, item 11, gives this order
ORDERED = [
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "2.0.0",
    "2.1.0",
    "2.1.1",
    "10.0.0",
]


def test_version_key__order_of_semantic_versions__is_kept() -> None:
    shuffled = ORDERED[::2] + ORDERED[1::2]

    assert sorted(shuffled, key=version_key) == ORDERED


@pytest.mark.parametrize("text", ["v1.2.3", "1.2.3+build.5", "1-2-3", "v1.2.3+x"])
def test_version_key__same_version_written_otherwise__is_the_same(text: str) -> None:
    assert version_key(text) == version_key("1.2.3")


@given(st.lists(st.integers(0, 99_999), min_size=3, max_size=3), st.integers(0, 2))
def test_version_key__one_number_grows__sorts_later(parts: list[int], which: int) -> None:
    grown = [part + (index == which) for index, part in enumerate(parts)]
    if max(grown) > 99_999:  # numbers of six digits are beyond the specification's padding
        return

    assert version_key(".".join(map(str, parts))) < version_key(".".join(map(str, grown)))


@given(st.text(max_size=400))
def test_version_key__any_text__gives_a_text(text: str) -> None:
    assert isinstance(version_key(text), str)
