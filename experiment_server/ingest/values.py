"""Reading single values of outside data: strict types, bounds, and a remedy with each refusal."""

import difflib
import math
from datetime import date, datetime
from typing import Any, Final

import orjson

from experiment_server.ingest.items import EARLIEST_MICROS, Rules, Unacceptable, to_micros

MAX_TEXT: Final = 200
MAX_ID: Final = 128
MAX_UNIT: Final = 256  # of a learner's or a team's id: what assignment and the SDKs take
MAX_PROPERTIES_BYTES: Final = 32 * 1024
MAX_DEPTH: Final = 32
MAX_NUMBER: Final = 1e15  # one value beyond would swamp every mean
MAX_EXACT_INT: Final = 2**53  # beyond, JSON readers disagree about the number
_MAX_TIME_TEXT: Final = 40
_EXAMPLE_TIME: Final = "2026-03-01T09:30:00Z"
_ABSENT_TEXT: Final = (None, "")


def shown(value: Any) -> str:
    """A found value as a refusal shows it: short, on one line, whatever it was."""
    if type(value) is int and value.bit_length() > 128:
        return f"a whole number of {value.bit_length()} bits"
    if type(value) is float and math.isinf(value):
        return "a number beyond 1e308"
    if type(value) is str:
        text = ascii(value[:60])
    else:
        text = repr(value) if type(value) in (int, float, bool) else type(value).__name__
    return text if len(text) <= 60 else text[:57] + "..."


def readable_id(item: Any) -> str | None:
    """The id of an item, as an answer can give it back; None when it has no such id."""
    sent = item.get("id") if type(item) is dict else None
    return sent if type(sent) is str and len(sent) <= MAX_ID and sent.isprintable() else None


def refuse_unknown(item: dict[str, Any], known: frozenset[str]) -> None:
    """Refuse an item with a member that nothing reads: a misspelt one would be lost in silence.

    Raises:
        Unacceptable: it has one; names the known member that is nearest.
    """
    if item.keys() <= known:
        return
    name = min(item.keys() - known)
    near = difflib.get_close_matches(name[:MAX_TEXT], sorted(known), n=1)
    remedy = f"write {near[0]!r}" if near else "send only " + ", ".join(sorted(known))
    raise Unacceptable("item", f"has {shown(name)}, which is not kept", remedy)


def read_text(
    source: dict[str, Any], name: str, path: str, example: str, limit: int = MAX_TEXT
) -> str:
    """A text that must be there: 1 to ``limit`` printable characters.

    Raises:
        Unacceptable: it is missing, not text, empty, too long, or has unprintable characters.
    """
    text = source.get(name)
    if type(text) is str and 0 < len(text) <= limit and text.isprintable():
        return text
    raise _unacceptable_text(text, name, path, example, limit)


def _unacceptable_text(text: Any, name: str, path: str, example: str, limit: int) -> Unacceptable:
    if type(text) is not str or not text:
        found = (
            "is missing" if text is None else f"is {shown(text)}, not text with characters in it"
        )
        return Unacceptable(path, found, f"write {name} as text, for example {example!r}")
    if len(text) > limit:
        return Unacceptable(
            path, f"has {len(text)} characters", f"use at most {limit} characters, such as an id"
        )
    return Unacceptable(
        path,
        f"{shown(text)} has unprintable characters",
        f"leave out control and invisible characters, for example {example!r}",
    )


def read_optional_text(
    source: dict[str, Any], name: str, path: str, example: str, limit: int = MAX_TEXT
) -> str | None:
    """A text that may be missing, null or empty (then None).

    Raises:
        Unacceptable: it is there and not an acceptable text.
    """
    text = source.get(name)
    if text is None or text == "":
        return None
    return read_text(source, name, path, example, limit)


def read_time(source: dict[str, Any], name: str, rules: Rules) -> int:
    """A time with its zone (ISO 8601) or epoch milliseconds, as microseconds since 1970.

    Raises:
        Unacceptable: no time, no zone, or outside year 2000 to tomorrow.
    """
    raw = source.get(name)
    micros = _text_micros(name, raw) if type(raw) is str else _epoch_micros(name, raw)
    if micros < EARLIEST_MICROS:
        raise Unacceptable(
            name,
            f"{shown(raw)} is before the year 2000",
            "send when it happened; a number means milliseconds (not seconds) since 1970",
        )
    if micros > rules.latest_micros:
        raise Unacceptable(
            name,
            f"{shown(raw)} lies more than a day ahead of the server's clock",
            f"send when it happened, in the past, for example {_EXAMPLE_TIME!r}; check the clock",
        )
    return micros


def _text_micros(name: str, raw: str) -> int:
    try:
        at = datetime.fromisoformat(raw) if len(raw) <= _MAX_TIME_TEXT else None
    except ValueError:
        at = None
    if at is None:
        raise Unacceptable(
            name, f"{shown(raw)} is not a time", f"write ISO 8601, for example {_EXAMPLE_TIME!r}"
        )
    if at.tzinfo is None:
        raise Unacceptable(
            name,
            f"{shown(raw)} has no time zone",
            f"end with Z or an offset such as +02:00, for example {_EXAMPLE_TIME!r}",
        )
    return to_micros(at)


def _epoch_micros(name: str, raw: Any) -> int:
    if type(raw) is not int or abs(raw) > MAX_EXACT_INT:
        found = "is missing" if raw is None else f"{shown(raw)} is not a time"
        raise Unacceptable(
            name,
            found,
            f"write ISO 8601 with a zone, for example {_EXAMPLE_TIME!r}, or epoch milliseconds",
        )
    return raw * 1000


def read_optional_number(source: dict[str, Any], name: str) -> float | None:
    """A finite number that may be missing or null.

    Raises:
        Unacceptable: it is not a number, not finite, or beyond 1e15.
    """
    raw = source.get(name)
    if raw is None:
        return None
    if type(raw) not in (int, float):
        raise Unacceptable(name, f"is {shown(raw)}, not a number", f"write {name} as 12.5, bare")
    if not abs(raw) <= MAX_NUMBER:  # NaN is not, either
        raise Unacceptable(
            name, f"{shown(raw)} is outside -1e15 to 1e15", "send a finite number in that range"
        )
    return float(raw)


def read_optional_step(source: dict[str, Any], name: str, path: str) -> int | None:
    """A position within a course, from 1, that may be missing or null.

    Raises:
        Unacceptable: it is not a whole number from 1 to 2,147,483,647.
    """
    raw = source.get(name)
    if raw is None:
        return None
    if type(raw) is not int or not 1 <= raw < 2**31:
        raise Unacceptable(
            path, f"is {shown(raw)}", "write the step's position as a whole number from 1, bare"
        )
    return raw


def read_optional_day(source: dict[str, Any], name: str, path: str) -> int | None:
    """A calendar day that may be missing, null or empty, as days since 1970.

    Raises:
        Unacceptable: it is not a day from 1900 to 2199.
    """
    raw = source.get(name)
    if raw in _ABSENT_TEXT:
        return None
    try:
        day = date.fromisoformat(raw) if type(raw) is str and len(raw) == 10 else None
    except ValueError:
        day = None
    if day is None or not 1900 <= day.year < 2200:
        raise Unacceptable(
            path, f"is {shown(raw)}, not a day", "write the day as '2026-03-01' (from 1900 on)"
        )
    return day.toordinal() - date(1970, 1, 1).toordinal()


def read_object(source: dict[str, Any], name: str) -> dict[str, Any]:
    """A JSON object that may be missing or null (then empty).

    Raises:
        Unacceptable: it is something else.
    """
    raw = source.get(name)
    if raw is None:
        return {}
    if type(raw) is not dict:
        raise Unacceptable(
            name, f"is {shown(raw)}, not an object", f'write {name} as {{"name": "value"}}'
        )
    return raw


def dump_properties(properties: dict[str, Any]) -> str:
    """The properties as JSON text, safe for every store and reader.

    Raises:
        Unacceptable: too large, too deep, or with a value that JSON readers cannot agree on.
    """
    _refuse_unsafe(properties)
    try:
        text = orjson.dumps(properties, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        raise Unacceptable(
            "properties", "has text that is not valid Unicode", "send well-formed UTF-8 text"
        ) from None
    if len(text) > MAX_PROPERTIES_BYTES:
        raise Unacceptable(
            "properties",
            f"is {len(text)} bytes as JSON",
            f"keep it within {MAX_PROPERTIES_BYTES} bytes: send ids, not contents",
        )
    return text.decode()


def _refuse_unsafe(properties: dict[str, Any]) -> None:
    level: list[Any] = [properties]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for holder in level:
            if type(holder) is dict:
                _refuse_unsafe_keys(holder)
                holder = holder.values()  # noqa: PLW2901 - a mapping is walked by its values
            for value in holder:
                kind = type(value)
                if kind is str:
                    if "\x00" in value:
                        raise Unacceptable(
                            "properties", "has a NUL character in a text", "remove it"
                        )
                elif kind is dict or kind is list:
                    below.append(value)
                elif kind is int or kind is float:
                    _refuse_unsafe_number(value)
        if not below:
            return
        level = below
    raise Unacceptable(
        "properties", f"is nested deeper than {MAX_DEPTH} levels", "flatten it: name and value"
    )


def _refuse_unsafe_keys(holder: dict[str, Any]) -> None:
    for key in holder:
        if "\x00" in key or len(key) > MAX_TEXT:
            raise Unacceptable(
                "properties",
                f"has the name {shown(key)}",
                f"name properties with at most {MAX_TEXT} characters, without NUL",
            )


def _refuse_unsafe_number(value: float) -> None:
    if type(value) is int:
        if abs(value) > MAX_EXACT_INT:
            raise Unacceptable(
                "properties", f"has the number {shown(value)}", "write numbers beyond 2^53 as text"
            )
    elif not math.isfinite(value):
        raise Unacceptable("properties", f"has {shown(value)}", "send finite numbers only")
