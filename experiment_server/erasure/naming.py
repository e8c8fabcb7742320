"""Finding and removing a name in JSON values. Pure."""

import json
from typing import Any, Final

ERASED: Final = "(erased)"
_WORDS: Final = frozenset(
    {"type", "objectType", "kind", "experiment", "variant", "action", "version"}
)


def names(value: Any, name: str) -> bool:
    """Whether a JSON value holds the name: as a text, in a list, or as a member's key."""
    if isinstance(value, dict):
        return name in value or any(names(each, name) for each in value.values())
    if isinstance(value, list):
        return any(names(each, name) for each in value)
    return bool(value == name)


def mentions(raw: str, name: str, *, is_whole: bool) -> bool:
    """Whether what a sender wrote names a person: as an id, or as a mailbox.

    What stands where only words of a vocabulary do is no person, whatever ids look like. Of what
    was cut off, the text alone is looked at.
    """
    if not is_whole:
        return json.dumps(name) in raw
    return _is_named(json.loads(raw), {name, f"mailto:{name}"})


def _is_named(value: Any, ids: set[str]) -> bool:
    if isinstance(value, dict):
        return any(_is_named(each, ids) for key, each in value.items() if key not in _WORDS)
    if isinstance(value, list):
        return any(_is_named(each, ids) for each in value)
    return isinstance(value, str) and value in ids


def redacted(value: Any, name: str) -> Any:
    """The value with ``ERASED`` in the name's place."""
    if isinstance(value, dict):
        return {ERASED if key == name else key: redacted(each, name) for key, each in value.items()}
    if isinstance(value, list):
        return [redacted(each, name) for each in value]
    return ERASED if value == name else value
