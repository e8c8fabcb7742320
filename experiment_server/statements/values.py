"""Single values of a statement, as the xAPI specification writes them (Data 1.0.3, parts 2 and 4).

A check takes a value and its path, and raises ``InvalidStatement`` when the value does not fit.
"""

import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from experiment_server.problems import shown

Check = Callable[[Any, str], None]

MAX_IRI: Final = 2_048
MAX_NUMBER: Final = 1e15
_IRI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`\x00-\x1f\x7f\ud800-\udfff]+")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_MAILBOX: Final = re.compile(r"mailto:[^@\s<>\"]+@[^@\s<>\"]+")
_SHA1: Final = re.compile(r"[0-9a-fA-F]{40}")
_MEDIA_TYPE: Final = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+(?:\s*;.*)?")
_NUMBER: Final = r"\d+(?:[.,]\d+)?"
_DURATION: Final = re.compile(
    rf"P(?:{_NUMBER}W|(?=\d|T)(?:{_NUMBER}Y)?(?:{_NUMBER}M)?(?:{_NUMBER}D)?"
    rf"(?:T(?=\d)(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?)?)"
)
_EARLY_FRACTION: Final = re.compile(r"[.,]\d+[A-Z].")  # only the last part may have one
_UNKNOWN_OFFSET: Final = re.compile(r"-00(?::?00)?$")  # ISO 8601 has no negative zero
# RFC 5646: language, script, region, variants, extensions, private use
_LANGUAGE: Final = re.compile(
    r"(?:[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4}|[a-z]{5,8})(?:-[a-z]{4})?(?:-(?:[a-z]{2}|\d{3}))?"
    r"(?:-(?:[a-z0-9]{5,8}|\d[a-z0-9]{3}))*(?:-[a-wyz0-9](?:-[a-z0-9]{2,8})+)*"
    r"(?:-x(?:-[a-z0-9]{1,8})+)?|x(?:-[a-z0-9]{1,8})+|i-[a-z]{2,8}",
    re.IGNORECASE,
)


class InvalidStatement(Exception):  # noqa: N818 - says what the statement is
    """A statement that the specification does not allow."""

    def __init__(self, path: str, found: Any, expected: str) -> None:
        self.path = path
        is_long = type(found) is int and found.bit_length() > 128  # Python refuses to print it
        short = f"a whole number of {found.bit_length()} bits" if is_long else shown(found)
        self.found = found if isinstance(found, Missing) else short
        self.expected = expected
        super().__init__(f"{path}: found {self.found}, expected {expected}")


class Missing(str):
    """What was found where nothing is: a sentence's word, not a value."""

    __slots__ = ()


NOTHING: Final = Missing("nothing")


def text(value: Any, path: str) -> None:
    """A string, perhaps empty."""
    if type(value) is not str:
        raise InvalidStatement(path, value, "a string")


def boolean(value: Any, path: str) -> None:
    """True or false."""
    if type(value) is not bool:
        raise InvalidStatement(path, value, "true or false")


def number(value: Any, path: str) -> None:
    """A decimal number of a size that every reader and column can hold."""
    if type(value) not in (int, float) or not -MAX_NUMBER <= value <= MAX_NUMBER:
        raise InvalidStatement(path, value, "a number from -1e15 to 1e15")


def iri(value: Any, path: str) -> None:
    """An IRI with its scheme."""
    if type(value) is not str or len(value) > MAX_IRI or not _IRI.fullmatch(value):
        expected = f"an IRI with a scheme, of at most {MAX_IRI:,} characters"
        raise InvalidStatement(path, value, f"{expected}, such as https://example.com/quiz/7")


def uuid(value: Any, path: str) -> None:
    """A UUID in its standard string form."""
    if type(value) is not str or not _UUID.fullmatch(value):
        raise InvalidStatement(path, value, "a UUID, 8-4-4-4-12 hexadecimal digits")


def timestamp(value: Any, path: str) -> None:
    """A time in ISO 8601."""
    if type(value) is not str or read_time(value) is None:
        example = "2026-03-01T09:30:00.000Z"
        raise InvalidStatement(path, value, f"a time in ISO 8601, such as {example}")


def zoned_timestamp(value: Any, path: str) -> None:
    """A time in RFC 3339, with its zone, as xAPI 2.0 wants it."""
    timestamp(value, path)
    if "T" not in value.upper() or datetime.fromisoformat(value).tzinfo is None:
        raise InvalidStatement(path, value, "a time with its zone: Z, or an offset such as +02:00")


def read_time(value: str) -> datetime | None:
    """A time in ISO 8601 as UTC (also without a zone); None when it is no time."""
    if len(value) > 64 or len(value) < 13 or _UNKNOWN_OFFSET.search(value[10:]):
        return None
    try:
        at = datetime.fromisoformat(value)
        return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def duration(value: Any, path: str) -> None:
    """A duration in ISO 8601, in its form with designators."""
    fits = type(value) is str and len(value) <= 100 and _DURATION.fullmatch(value)
    if not fits or _EARLY_FRACTION.search(value):
        raise InvalidStatement(path, value, "a duration in ISO 8601, such as PT4M30.5S")


def language(value: Any, path: str) -> None:
    """A language tag (RFC 5646)."""
    if type(value) is not str or len(value) > 100 or not _LANGUAGE.fullmatch(value):
        raise InvalidStatement(path, value, "a language tag of RFC 5646, such as en-GB")


def language_map(value: Any, path: str) -> None:
    """Texts by language tag, one at least."""
    _filled_object(value, path)
    for tag, words in value.items():
        language(tag, f"{path} (key)")
        text(words, f"{path}[{tag!r}]")


def extensions(value: Any, path: str) -> None:
    """Whatever, by IRI; the only place where null and {} may stand."""
    if type(value) is not dict:
        raise InvalidStatement(path, value, "an object whose keys are IRIs")
    for key in value:
        iri(key, f"{path} (key)")


def mailbox(value: Any, path: str) -> None:
    """A mailto IRI."""
    if type(value) is not str or len(value) > MAX_IRI or not _MAILBOX.fullmatch(value):
        raise InvalidStatement(path, value, "mailto: and an address, such as mailto:a@example.com")


def mailbox_digest(value: Any, path: str) -> None:
    """The SHA-1 of a mailto IRI."""
    if type(value) is not str or not _SHA1.fullmatch(value):
        raise InvalidStatement(path, value, "a SHA-1 digest, 40 hexadecimal digits")


def media_type(value: Any, path: str) -> None:
    """An internet media type."""
    if type(value) is not str or len(value) > 200 or not _MEDIA_TYPE.fullmatch(value):
        raise InvalidStatement(path, value, "a media type, such as text/plain")


def length(value: Any, path: str) -> None:
    """A whole number of octets."""
    if type(value) is not int or value < 0:
        raise InvalidStatement(path, value, "a whole number of octets")


def one_of(allowed: Collection[str]) -> Check:
    """A check for an enumerated value, its case included."""

    def check(value: Any, path: str) -> None:
        if type(value) is not str or value not in allowed:
            raise InvalidStatement(path, value, "one of " + ", ".join(allowed))

    return check


def list_of(item: Check, *, filled: bool = False) -> Check:
    """A check for an array of such items."""

    def check(value: Any, path: str) -> None:
        if type(value) is not list or (filled and not value):
            raise InvalidStatement(path, value, "an array" + " with one item at least" * filled)
        for index, member in enumerate(value):
            item(member, f"{path}[{index}]")

    return check


def object_of(members: Mapping[str, Check], required: Collection[str] = ()) -> Check:
    """A check for an object with these members and no others."""

    def check(value: Any, path: str) -> None:
        _filled_object(value, path)
        for key, member in value.items():
            found = members.get(key)
            if found is None:
                raise InvalidStatement(f"{path}.{shown(key)[1:-1]}", key, _known(members))
            found(member, f"{path}.{key}")
        for key in required:
            if key not in value:
                raise InvalidStatement(f"{path}.{key}", NOTHING, f"the property {key}")

    return check


def _filled_object(value: Any, path: str) -> None:
    if type(value) is not dict or not value:
        raise InvalidStatement(path, value, "an object with properties")


def _known(members: Collection[str]) -> str:
    return "only " + ", ".join(members)
