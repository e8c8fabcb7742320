import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assignment.patterns import LONGEST_TEXT, MOST_REMEMBERED, build_pattern


def holds(pattern: str, text: str, *, ignore_case: bool = False) -> bool:
    matches = build_pattern(pattern, ignore_case=ignore_case)
    assert matches is not None
    return matches(text)


atoms = st.sampled_from(
    [
        "a",
        "b",
        ".",
        "[ab]",
        "[^a]",
        "[a-c]",
        r"\w",
        r"\d",
        r"\S",
        "^",
        r"\b",
        r"\B",
        "(?:ab|c)",
        "(a|b)",
    ]
)
counts = st.sampled_from(["", "", "*", "+", "?", "{2}", "{1,2}", "{0,}", "*?", "+?"])


def spell(parts: list[tuple[str, str]]) -> str:
    return "".join(atom if atom[0] in "^\\" and atom != r"\w" else atom + n for atom, n in parts)


patterns = st.lists(st.tuples(atoms, counts), min_size=1, max_size=6).map(spell)
alternatives = st.lists(patterns, min_size=1, max_size=3).map("|".join)


@settings(max_examples=500)
@given(alternatives, st.text("abcA1 _-", min_size=1, max_size=12), st.booleans())
def test_search__any_pattern_and_text__agrees_with_re(
    pattern: str, text: str, ignore_case: bool
) -> None:
    flags = re.ASCII | (re.IGNORECASE if ignore_case else 0)

    expected = re.search(pattern, text, flags) is not None

    assert holds(pattern, text, ignore_case=ignore_case) is expected


@pytest.mark.parametrize("text", ["a", "A"])
def test_search__ignoring_case__keeps_what_is_excluded_out(text: str) -> None:
    assert not holds("[^a]", text, ignore_case=True)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        (r"\B", "", True),  # as in JavaScript; Python says no until 3.14
        (r"@example\.com$", "a@example.com", True),
        (r"@example\.com$", "a@example.com.evil", False),
        (r"^(mobile|tablet)$", "tablet", True),
        (r"[\d-]+", "-", True),
        (r"[a\]]", "]", True),
        (r"[^\s]", " ", False),
        (r"\x41\u0042\t", "AB\t", True),
        (r"(?<name>x)y", "xy", True),
        (r"(?P<name>x)y", "xy", True),
        (r"a{,2}", "a{,2}", True),
        (r"a{", "a{", True),
        (r"end$", "end\n", False),  # JavaScript's $ is the end; Python's is not quite
        (r"\d", "٣", False),  # and its digits are ASCII
        (r"[\b]", "\b", True),
        (r"a|", "", True),
    ],
)
def test_search__spelling_of_javascript__is_understood(
    pattern: str, text: str, expected: bool
) -> None:
    assert holds(pattern, text) is expected


@pytest.mark.parametrize(
    "pattern",
    [
        *("(", ")", "[a", "*a", "a**", "a???", "(?=a)", "(?!a)", "(?<=a)", "(a)\\1", "[b-a]"),
        *("a{3,2}", "\\", "\\xZZ", "^*", "(?", "a" * 501, "(" * 50 + ")" * 50, None, 3, b"a"),
        *("((a{100}){100}){100}", "((((((){100}){100}){100}){100}){100}){100}"),
    ],
)
def test_build_pattern__not_valid_or_not_offered__is_none(pattern: object) -> None:
    assert build_pattern(pattern, ignore_case=False) is None


def test_search__pattern_that_stalls_backtracking__ends() -> None:
    matches = build_pattern("(a+)+$", ignore_case=False)
    assert matches is not None

    found = matches("a" * (LONGEST_TEXT - 1) + "!")

    assert found is False


def test_search__text_beyond_the_limit__matches_nothing() -> None:
    assert holds("a", "a" * LONGEST_TEXT) is True
    assert holds("a", "a" * (LONGEST_TEXT + 1)) is False


def test_search__more_sets_than_are_remembered__stays_right() -> None:
    matches = build_pattern("^.{3}[^\u0100]$", ignore_case=False)
    assert matches is not None

    for number in range(MOST_REMEMBERED + 500):
        text = "abc" + chr(0x200 + number)
        assert matches(text) is True

    assert matches("abc\u0100") is False


@given(st.text(max_size=30), st.text(max_size=30))
def test_build_pattern__any_text__never_raises(pattern: str, text: str) -> None:
    matches = build_pattern(pattern, ignore_case=True)

    assert matches is None or matches(text) in (True, False)
