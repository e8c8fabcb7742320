"""JSON values compared as JavaScript compares them, because every other SDK is written so.

All functions are total: a value that JSON does not know equals nothing and has no order.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

Test = Callable[[Any], bool]
"""An attribute's value (None when it is missing) to whether it fits a condition."""

_DEEPEST: Final = 64
_EXPONENT_FROM: Final = 10**21
_LONGEST_INDEX: Final = 10


def type_name(value: Any) -> str:
    """The JSON name of a value's type: string, number, boolean, array, object, null or unknown."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, list | tuple):
        return "array"
    return "object" if isinstance(value, Mapping) else "unknown"


def is_truthy(value: Any) -> bool:
    """Whether a value counts as on: not null, false, "", 0 or NaN; [] and {} are on."""
    if value is None or value is False:
        return False
    if isinstance(value, str):
        return value != ""
    if isinstance(value, int | float):
        return value == value and value != 0
    return True


def number_text(value: int | float) -> str:
    """A number as JavaScript writes it: 3.0 is 3, 1e21 is 1e+21."""
    if isinstance(value, int):
        if abs(value) < _EXPONENT_FROM:
            return str(value)
        value = _as_float(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == int(value) and abs(value) < _EXPONENT_FROM:
        return str(int(value))
    return _exponent(value)


def _as_float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _exponent(value: float) -> str:
    text = repr(value)
    mantissa, mark, power = text.partition("e")
    if not mark:
        return text
    number = int(power)
    if -7 < number < 0:
        return f"{value:.20f}".rstrip("0")
    return f"{mantissa.removesuffix('.0')}e{number:+d}"


def scalar_text(value: Any) -> str | None:
    """A text, number or boolean as text; None for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return number_text(value) if isinstance(value, int | float) else None


def to_number(value: Any) -> int | float:
    """A value as JavaScript would count it; NaN where it would not."""
    if value is None:
        return 0.0
    if isinstance(value, int | float):
        return value
    if isinstance(value, str):
        return _text_to_number(value)
    return math.nan


def _text_to_number(text: str) -> float:
    stripped = text.strip()
    if not stripped:
        return 0.0
    if "_" in stripped or not stripped.isascii() or len(stripped) > _DEEPEST:
        return math.nan
    try:
        number = float(stripped)
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan  # Python reads "inf" and "infinity" too


def compare(left: Any, right: Any) -> int | None:
    """-1, 0 or 1 as left is below, at or above right; None when they have no order.

    Two texts compare by their UTF-16 code units; everything else as numbers.
    """
    if isinstance(left, str) and isinstance(right, str):
        one, other = _sortable(left), _sortable(right)
        return (one > other) - (one < other)
    first, second = to_number(left), to_number(right)
    if first != first or second != second:
        return None
    return (first > second) - (first < second)


def _sortable(text: str) -> bytes:
    return text.encode("utf-16-be", "surrogatepass")


def same(left: Any, right: Any, depth: int = 0) -> bool:
    """Whether two JSON values are the same, in type as well; the order of keys does not count."""
    kind = type_name(left)
    if kind != type_name(right) or kind == "unknown" or depth > _DEEPEST:
        return False
    if kind == "array":
        return len(left) == len(right) and all(
            same(one, other, depth + 1) for one, other in zip(left, right, strict=True)
        )
    if kind == "object":
        return left.keys() == right.keys() and all(
            same(left[name], right[name], depth + 1) for name in left
        )
    return bool(left == right)


def step_into(value: Any, name: str) -> Any:
    """What a name of a dotted path leads to: an object's member, or a list's by its place.

    Example:
        >>> step_into(["a", "b"], "1"), step_into(["a", "b"], "length"), step_into(["a"], "01")
        ('b', 2, None)
    """
    if isinstance(value, Mapping):
        return value.get(name)
    if not isinstance(value, list | tuple):
        return None
    if name == "length":
        return len(value)
    if len(name) > _LONGEST_INDEX or not (name.isascii() and name.isdigit()):
        return None
    index = int(name)
    return value[index] if index < len(value) and str(index) == name else None


def text_or(value: Any, other: Any) -> Any:
    """The value when it is a text, else the other."""
    return value if isinstance(value, str) else other
