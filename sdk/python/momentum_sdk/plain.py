"""What JSON in UTF-8 carries and the server reads; all else is mended, or left out."""

import itertools
import math
import sys
from collections.abc import Mapping
from datetime import date
from typing import Any, Final, Literal

LARGEST_EXACT: Final = 2**53  # larger ones lose digits in a JSON number
_LEAST_EXACT: Final = -LARGEST_EXACT
_LEVELS: Final = 32  # as the server takes them; the mapping itself is the first
_MOST_PARTS: Final = 1_000  # of what has to be copied
_MOST_PLAIN_PARTS: Final = 16_384  # more are larger than any item may be
_HOLDERS: Final = (dict, list, tuple)


class TooLarge(Exception):  # noqa: N818 - reads as a sentence where it is caught
    """Properties of more parts than an item may have; cut, they would tell the analysis a lie."""


def is_plain(properties: Any) -> bool:
    """Whether properties can be sent as they are, if their texts are well-formed.

    Raises:
        TooLarge: there are too many of them to be sent at all.
    """
    if not isinstance(properties, dict):
        return False
    level: list[Any] = [properties]
    n_parts = 0
    for _ in range(_LEVELS):
        below: list[Any] = []
        for holder in level:
            n_parts += len(holder)
            if n_parts > _MOST_PLAIN_PARTS:
                return _refuse_if_large(properties)
            for part in holder.values() if isinstance(holder, dict) else holder:
                kind = type(part)
                is_easy = kind is str or kind is bool or part is None  # as most are
                if is_easy or (kind is int and _LEAST_EXACT <= part <= LARGEST_EXACT):
                    continue
                if isinstance(part, _HOLDERS):
                    below.append(part)
                elif not _is_plain_scalar(part):
                    return False
        if not below:
            return True
        level = below
    return False


def _refuse_if_large(properties: dict[Any, Any]) -> Literal[False]:
    """Tell many parts from few that are shared often, or from what cannot be sent anyway."""
    waiting: list[Any] = [properties]
    seen: set[int] = set()
    n_parts = 0
    while waiting:
        holder = waiting.pop()
        if id(holder) in seen:
            continue
        seen.add(id(holder))
        parts = holder.values() if isinstance(holder, dict) else holder
        for part in itertools.islice(parts, _MOST_PARTS + 1):
            if isinstance(part, _HOLDERS):
                waiting.append(part)
            elif not _is_plain_scalar(part):
                continue
            n_parts += 1
            if n_parts > _MOST_PARTS:
                raise TooLarge
    return False


def _is_plain_scalar(part: Any) -> bool:
    if part is None or isinstance(part, str):
        return True
    if isinstance(part, int):
        return _LEAST_EXACT <= part <= LARGEST_EXACT
    return isinstance(part, float) and math.isfinite(part)


def well_formed(text: str) -> str:
    """The text with half a character, as cutting an emoji leaves one behind, replaced by U+FFFD.

    Example:
        >>> well_formed("cut" + chr(0xD83D)) == "cut" + chr(0xFFFD)
        True
    """
    units = str.__str__(text).encode("utf-16-le", "surrogatepass")
    return units.decode("utf-16-le", "replace")


def mend(item: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """A copy of an item that can be sent, and the names of the fields that had to be changed."""
    mended: dict[str, Any] = {}
    changed: list[str] = []
    for name, part in item.items():
        if isinstance(part, str):
            mended[name] = well_formed(part)
        elif name in {"attributes", "properties"}:
            mended[name] = _Copy().mapping(part, 1)
        else:
            mended[name] = part
        if _differ(mended[name], part):
            changed.append(name)
    return mended, changed


def _differ(mended: Any, given: Any) -> bool:
    try:
        return bool(mended != given)
    except Exception:  # circles, and types of the host's own that do not like to be compared
        return True


class _Copy:
    """Copies what can be sent, to a bounded depth and number of parts."""

    def __init__(self) -> None:
        self._n_left = _MOST_PARTS

    def mapping(self, properties: Any, level: int) -> dict[str, Any]:
        copy: dict[str, Any] = {}
        try:
            for name, part in properties.items():
                kept = self.value(part, level + 1)
                if kept is not None and isinstance(name, str):
                    copy[well_formed(name)] = kept
        except Exception:  # a mapping of the host's own may raise; keep what came before
            return copy
        return copy

    def value(self, part: Any, level: int) -> Any:
        """The part, as it can be sent; None when it cannot, or lies below the last level."""
        self._n_left -= 1
        if self._n_left < 0:
            return None
        if isinstance(part, dict | list | tuple | set | frozenset):
            if level > _LEVELS:
                return None
            if isinstance(part, dict):
                return self.mapping(part, level)
            kept = [self.value(one, level + 1) for one in itertools.islice(part, _MOST_PARTS)]
            return [one for one in kept if one is not None]
        return _scalar(part)


def _scalar(part: Any) -> Any:
    if isinstance(part, str):
        return well_formed(part)
    if isinstance(part, int | float):
        return part if _is_plain_scalar(part) else None
    if is_a(part, "decimal", "Decimal"):
        return float(part) if part.is_finite() else None
    if isinstance(part, date):
        return part.isoformat()
    if is_a(part, "uuid", "UUID"):
        return str(part)
    is_named = is_a(part, "enum", "Enum") and type(part.value) in (str, bool, int)
    return _scalar(part.value) if is_named else None


def is_a(value: Any, module: str, name: str) -> bool:
    """Whether a value is of a type whose module only the host may have imported."""
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(value, getattr(loaded, name))
