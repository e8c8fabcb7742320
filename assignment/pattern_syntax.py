"""Reading a regular expression, in JavaScript's spelling, into a small tree.

What cannot be matched in time linear in the text (lookaround, back-references) is not read.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

CharTest = Callable[[str], bool]

MOST_REPEATS: Final = 100
DEEPEST: Final = 20
LONGEST_PATTERN: Final = 500


class PatternError(ValueError):
    """The pattern cannot be read; nobody is matched by it."""


@dataclass(frozen=True, slots=True)
class Char:
    """One character that passes a test."""

    test: CharTest


@dataclass(frozen=True, slots=True)
class Anchor:
    """A place between characters: start, end, boundary or inside (of a word)."""

    kind: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """One part after the other."""

    parts: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Choice:
    """Any one of the parts."""

    parts: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Repeat:
    """A part several times; `most` None is without end."""

    part: "Node"
    fewest: int
    most: int | None


Node = Char | Anchor | Sequence | Choice | Repeat


def is_word(char: str) -> bool:
    r"""Whether \w matches: ASCII letters, digits and the underscore, as in JavaScript."""
    return char.isascii() and (char.isalnum() or char == "_")


def _is_digit(char: str) -> bool:
    return char.isascii() and char.isdigit()


def _is_space(char: str) -> bool:
    return char.isspace() or char == "\ufeff"


def _not(test: CharTest) -> CharTest:
    return lambda char: not test(char)


def _as_it_is(test: CharTest) -> CharTest:
    return test


def _any_case(test: CharTest) -> CharTest:
    # Of what is named, before a ^ turns it round: [^a] takes neither a nor A.
    return lambda char: test(char) or test(char.lower()) or test(char.upper())


_CLASSES: Final[dict[str, CharTest]] = {
    "d": _is_digit,
    "D": _not(_is_digit),
    "w": is_word,
    "W": _not(is_word),
    "s": _is_space,
    "S": _not(_is_space),
}
_CONTROLS: Final = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "0": "\0"}
_HEX_DIGITS: Final = {"x": 2, "u": 4}
_LINE_ENDS: Final = frozenset("\n\r\u2028\u2029")
_ANCHORS: Final = {"^": "start", "$": "end"}


def parse_pattern(pattern: str, *, ignore_case: bool) -> Node:
    """The tree of a pattern.

    Raises:
        PatternError: it is not valid, too long, or asks for what is not offered.
    """
    if len(pattern) > LONGEST_PATTERN:
        raise PatternError(f"longer than {LONGEST_PATTERN} characters")
    reader = _Reader(pattern, ignore_case=ignore_case)
    node = reader.choice(0)
    if not reader.at_end:
        raise PatternError("a ) without its (")
    return node


class _Reader:
    def __init__(self, text: str, *, ignore_case: bool) -> None:
        self._text = text
        self._cased = _any_case if ignore_case else _as_it_is
        self._at = 0

    @property
    def at_end(self) -> bool:
        return self._at >= len(self._text)

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _next(self) -> str:
        if self.at_end:
            raise PatternError("it ends too early")
        self._at += 1
        return self._text[self._at - 1]

    def _skip(self, text: str) -> bool:
        found = self._text.startswith(text, self._at)
        self._at += len(text) if found else 0
        return found

    def choice(self, depth: int) -> Node:
        if depth > DEEPEST:
            raise PatternError("nested too deeply")
        parts = [self._sequence(depth)]
        while self._skip("|"):
            parts.append(self._sequence(depth))
        return parts[0] if len(parts) == 1 else Choice(tuple(parts))

    def _sequence(self, depth: int) -> Node:
        parts: list[Node] = []
        while not self.at_end and self._peek() not in "|)":
            parts.append(self._repeated(self._atom(depth)))
        return Sequence(tuple(parts))

    def _atom(self, depth: int) -> Node:
        char = self._next()
        if char == "(":
            return self._group(depth)
        if char == "[":
            return Char(self._char_class())
        if char == "\\":
            return self._escape()
        if char == ".":
            return Char(lambda found: found not in _LINE_ENDS)
        if char in _ANCHORS:
            return Anchor(_ANCHORS[char])
        if char in "*+?":
            raise PatternError("nothing to repeat")
        return Char(self._cased(_is(char)))

    def _group(self, depth: int) -> Node:
        if self._skip("?") and not self._skip(":"):
            self._skip("P")  # Python's spelling of a named group
            if not self._skip("<") or self._peek() in ("=", "!", ""):
                raise PatternError("lookaround is not offered")
            while self._next() != ">":
                pass
        inner = self.choice(depth + 1)
        if not self._skip(")"):
            raise PatternError("a ( without its )")
        return inner

    def _escape(self) -> Node:
        char = self._next()
        if char in _CLASSES:
            return Char(_CLASSES[char])
        if char in "bB":
            return Anchor("boundary" if char == "b" else "inside")
        if char in "123456789k":
            raise PatternError("back-references are not offered")
        return Char(self._cased(_is(self._escaped(char))))

    def _escaped(self, char: str) -> str:
        if char in _CONTROLS:
            return _CONTROLS[char]
        if char in _HEX_DIGITS:
            digits = self._text[self._at : self._at + _HEX_DIGITS[char]]
            self._at += len(digits)
            try:
                return chr(int(digits, 16))
            except ValueError:
                raise PatternError("not a hexadecimal number") from None
        return char

    def _char_class(self) -> CharTest:
        negated = self._skip("^")
        tests: list[CharTest] = []
        while not self._skip("]"):
            low = self._class_member()
            if not isinstance(low, str):
                tests.append(low)
                continue
            tests.append(self._cased(self._range_from(low)))
        return lambda char: any(test(char) for test in tests) is not negated

    def _range_from(self, low: str) -> CharTest:
        if self._peek() != "-" or self._text[self._at + 1 : self._at + 2] in ("]", ""):
            return _is(low)
        self._at += 1
        high = self._class_member()
        if not isinstance(high, str):
            return lambda char: char in (low, "-") or high(char)
        if high < low:
            raise PatternError("a range that runs backwards")
        return lambda char: low <= char <= high

    def _class_member(self) -> "str | CharTest":
        char = self._next()
        if char != "\\":
            return char
        char = self._next()
        if char in _CLASSES:
            return _CLASSES[char]
        return "\b" if char == "b" else self._escaped(char)

    def _repeated(self, part: Node) -> Node:
        fewest, most = self._counts()
        if (fewest, most) == (1, 1):
            return part
        if isinstance(part, Anchor):
            raise PatternError("nothing to repeat")
        self._skip("?")  # a lazy one finds the same texts
        return Repeat(part, fewest, most)

    def _counts(self) -> tuple[int, int | None]:
        if self._skip("*"):
            return 0, None
        if self._skip("+"):
            return 1, None
        if self._skip("?"):
            return 0, 1
        if self._peek() != "{":
            return 1, 1
        return self._braces()

    def _braces(self) -> tuple[int, int | None]:
        end = self._text.find("}", self._at)
        low, comma, high = self._text[self._at + 1 : max(end, 0)].partition(",")
        if end < 0 or not _is_count(low) or not (high == "" or _is_count(high)):
            return 1, 1  # a { that is meant as it stands
        self._at = end + 1
        fewest = int(low)
        most = (int(high) if high else None) if comma else fewest
        if max(fewest, most or 0) > MOST_REPEATS or (most is not None and most < fewest):
            raise PatternError(f"repeats beyond {MOST_REPEATS}, or fewer than at least")
        return fewest, most


def _is(wanted: str) -> CharTest:
    return lambda char: char == wanted


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < len(str(MOST_REPEATS)) + 1
