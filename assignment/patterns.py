"""Texts against patterns, bounded in the length of the text."""

import re
from collections.abc import Callable
from typing import Any

_LONGEST = 1_000


def build_pattern(pattern: Any, *, ignore_case: bool) -> Callable[[str], bool] | None:
    """A test of texts against a pattern; None when the pattern is not valid."""
    if not isinstance(pattern, str):
        return None
    try:
        compiled = re.compile(pattern, re.IGNORECASE if ignore_case else 0)
    except (re.error, RecursionError, OverflowError):
        return None
    return lambda text: compiled.search(text[:_LONGEST]) is not None
