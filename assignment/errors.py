"""What can go wrong when a payload is read. Evaluation itself never raises."""

from typing import Any

_LONGEST_SHOWN = 60


class AssignmentError(Exception):
    """The root of this package's errors."""


class InvalidPayload(AssignmentError):  # noqa: N818 - reads as a sentence where it is caught
    """A payload that cannot be used, and where it is wrong.

    Attributes:
        path: the place in the JSON, such as ``features.new-home.rules[2].coverage``.
        found: the value there, shortened.
        expected: what would be right, with an example.
    """

    def __init__(self, path: str, found: Any, expected: str) -> None:
        self.path = path
        self.found = _shorten(found)
        self.expected = expected
        super().__init__(f"{path}: found {self.found}; expected {expected}")


def _shorten(value: Any) -> str:
    try:
        text = repr(value)
    except Exception:  # a value whose repr raises must not hide where the payload is wrong
        text = f"a {type(value).__name__}"
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 3] + "..."
