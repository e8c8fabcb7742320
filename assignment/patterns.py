r"""Texts against regular expressions, in time linear in the text.

A rule such as (a+)+$ keeps a backtracking matcher busy for hours, and a host must never wait for a
rule. So a pattern becomes a set machine (Thompson 1968) that reads each character once; the sets it
has met are remembered, so that most characters cost one look-up.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

from .pattern_syntax import (
    Anchor,
    Char,
    CharTest,
    Choice,
    Node,
    PatternError,
    Repeat,
    Sequence,
    is_word,
    parse_pattern,
)

LONGEST_TEXT: Final = 1_000
"""A longer text matches nothing: attributes are names, not books."""

MOST_STEPS: Final = 400
MOST_COMPILED: Final = 4_000
"""Empty parts make no steps, yet a hundred hundreds of them would take for ever to read."""

MOST_REMEMBERED: Final = 4_000

_ACCEPT: Final = 0
"""The number of the step that ends a match."""


def build_pattern(pattern: Any, *, ignore_case: bool) -> Callable[[str], bool] | None:
    """A test whether a text holds a match anywhere; None when the pattern is not valid.

    Example:
        >>> build_pattern("^(mobile|tablet)$", ignore_case=True)("Mobile")
        True
    """
    if not isinstance(pattern, str):
        return None
    try:
        return _Machine(parse_pattern(pattern, ignore_case=ignore_case)).search
    except PatternError:
        return None


class _Set:
    """A set of steps, what came before it, and the sets that follow by character."""

    __slots__ = ("before", "follows", "steps")

    def __init__(self, steps: frozenset[int], before: str | None) -> None:
        self.steps = steps
        self.before = before  # the character before, as far as anchors can tell it
        self.follows: dict[str, _Set | None] = {}  # None: a match ends before this character


class _Machine:
    """The steps of a pattern. Each is a character test or a place, with where it leads."""

    def __init__(self, node: Node) -> None:
        self._tests: list[CharTest | Anchor | None] = [None]
        self._leads: list[tuple[int, ...]] = [()]
        self._n_compiled = 0
        self._first = self._compile(node, _ACCEPT)
        self._sets: dict[tuple[frozenset[int], str | None], _Set] = {}
        self._n_remembered = 0
        self._start = self._set_of(frozenset(), None)

    def search(self, text: str) -> bool:
        """Whether the pattern matches anywhere in the text."""
        if len(text) > LONGEST_TEXT:
            return False
        current = self._start
        for char in text:
            follows = current.follows
            following = follows[char] if char in follows else self._follow(current, char)
            if following is None:
                return True
            current = following
        return _ACCEPT in self._reachable(current, None)

    def _follow(self, current: _Set, char: str) -> _Set | None:
        """The set after one more character; None when a match has ended before it."""
        reachable = self._reachable(current, char)
        following: _Set | None = None
        if _ACCEPT not in reachable:
            steps = frozenset(
                lead for step in reachable if self._takes(step, char) for lead in self._leads[step]
            )
            following = self._set_of(steps, "a" if is_word(char) else " ")
        self._n_remembered += 1
        if self._n_remembered > MOST_REMEMBERED:
            self._forget()
        current.follows[char] = following
        return following

    def _forget(self) -> None:
        """Drop what is remembered; a search under way keeps the set that it holds."""
        self._n_remembered = 0
        self._sets = {}
        self._start = self._set_of(frozenset(), None)

    def _set_of(self, steps: frozenset[int], before: str | None) -> _Set:
        known = self._sets.get((steps, before))
        if known is None:
            known = self._sets[steps, before] = _Set(steps, before)
        return known

    def _takes(self, step: int, char: str) -> bool:
        test = self._tests[step]
        return test is not None and not isinstance(test, Anchor) and test(char)

    def _reachable(self, current: _Set, char: str | None) -> set[int]:
        """All steps that can be stood on between two characters; a match may begin anywhere."""
        waiting = [self._first, *current.steps]
        reachable: set[int] = set()
        while waiting:
            step = waiting.pop()
            if step in reachable:
                continue
            reachable.add(step)
            test = self._tests[step]
            is_free = test is None or (
                isinstance(test, Anchor) and _holds(test.kind, current.before, char)
            )
            if is_free:
                waiting.extend(self._leads[step])
        return reachable

    def _add(self, test: CharTest | Anchor | None, leads: Iterable[int]) -> int:
        if len(self._tests) >= MOST_STEPS:
            raise PatternError(f"more than {MOST_STEPS} steps")
        self._tests.append(test)
        self._leads.append(tuple(leads))
        return len(self._tests) - 1

    def _compile(self, node: Node, then: int) -> int:
        """The first step of a node that leads on to `then`."""
        self._n_compiled += 1
        if self._n_compiled > MOST_COMPILED:
            raise PatternError(f"more than {MOST_COMPILED} parts")
        if isinstance(node, Char):
            return self._add(node.test, (then,))
        if isinstance(node, Anchor):
            return self._add(node, (then,))
        if isinstance(node, Choice):
            return self._add(None, [self._compile(part, then) for part in node.parts])
        if isinstance(node, Repeat):
            return self._compile_repeat(node, then)
        return self._compile_sequence(node, then)

    def _compile_sequence(self, node: Sequence, then: int) -> int:
        for part in reversed(node.parts):
            then = self._compile(part, then)
        return then

    def _compile_repeat(self, node: Repeat, then: int) -> int:
        if node.most is None:
            again = self._add(None, ())
            self._leads[again] = (self._compile(node.part, again), then)
            then = again
        else:
            end = then
            for _ in range(node.most - node.fewest):
                then = self._add(None, (self._compile(node.part, then), end))
        for _ in range(node.fewest):
            then = self._compile(node.part, then)
        return then


def _holds(kind: str, before: str | None, after: str | None) -> bool:
    if kind == "start":
        return before is None
    if kind == "end":
        return after is None
    is_boundary = (before is not None and is_word(before)) != (after is not None and is_word(after))
    return is_boundary is (kind == "boundary")
