"""Finding and removing a name in JSON values. Pure."""

from typing import Any, Final

ERASED: Final = "(erased)"


def names(value: Any, name: str) -> bool:
    """Whether a JSON value holds the name: as a text, in a list, or as a member's key."""
    if isinstance(value, dict):
        return name in value or any(names(each, name) for each in value.values())
    if isinstance(value, list):
        return any(names(each, name) for each in value)
    return bool(value == name)


def redacted(value: Any, name: str) -> Any:
    """The value with ``ERASED`` in the name's place."""
    if isinstance(value, dict):
        return {ERASED if key == name else key: redacted(each, name) for key, each in value.items()}
    if isinstance(value, list):
        return [redacted(each, name) for each in value]
    return ERASED if value == name else value
