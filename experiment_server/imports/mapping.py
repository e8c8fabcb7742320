"""From a file's columns to the items that the API takes: which column is which field."""

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import blake2b
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson

from experiment_server.ingest.items import Unacceptable
from experiment_server.ingest.standards.native import LEARNER_ATTRIBUTES
from experiment_server.problems import Problem

PROPERTY: Final = "properties."
_NUMBER_ID: Final = re.compile(r"(0|[1-9][0-9]{0,14})\.0")


@dataclass(frozen=True)
class Subject:
    """What a file is about.

    Attributes:
        needed: fields that a file must have.
        optional: fields that it may have.
        takes_properties: whether ``properties.<name>`` are fields too.
    """

    name: str
    needed: tuple[str, ...]
    optional: tuple[str, ...]
    takes_properties: bool = False

    def knows(self, field: str) -> bool:
        """Whether this is a field of such a file."""
        if self.takes_properties and field.startswith(PROPERTY) and field != PROPERTY:
            return True
        return field in self.needed or field in self.optional


EVENTS: Final = Subject(
    "events", ("learner", "kind", "at"), ("id", "value", "properties"), takes_properties=True
)
OUTCOMES: Final = Subject("outcomes", ("learner", "name", "day", "value"), ("id",))
LEARNERS: Final = Subject("learners", ("learner", "at"), ("id", *LEARNER_ATTRIBUTES))
SUBJECTS: Final = {subject.name: subject for subject in (EVENTS, OUTCOMES, LEARNERS)}


@dataclass(frozen=True)
class Wish:
    """How a file is to be read, as the options say.

    Attributes:
        columns: field to column, where the names differ.
        fixed: field to the value that every row has.
        timezone: of times that carry none; None: they are refused.
    """

    columns: Mapping[str, str]
    fixed: Mapping[str, str]
    timezone: ZoneInfo | None = None


@dataclass(frozen=True)
class ColumnMapping:
    """Which column gives which field of an item."""

    subject: Subject
    fields: tuple[tuple[str, str], ...]  # field, column
    fixed: Mapping[str, Any]
    timezone: ZoneInfo | None
    unused: tuple[str, ...]  # columns that no field takes

    def to_item(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """One row as an item; what does not fit stays as it is, for the parser to refuse.

        Raises:
            Unacceptable: a value is of no type that an item can have.
        """
        found: dict[str, Any] = dict(self.fixed)
        for field, column in self.fields:
            value = values.get(column)
            if value is not None and value != "":
                found[field] = _read(field, value, self.timezone)
        return _SHAPES[self.subject.name](found)


def build_mapping(
    subject: Subject, columns: tuple[str, ...], wish: Wish, file_name: str
) -> ColumnMapping:
    """The mapping that the options ask for; a column with a field's name is that field.

    Raises:
        Problem: a field or column does not exist, or a field that is needed has no column.
    """
    for field in (*wish.columns, *wish.fixed):
        if not subject.knows(field):
            raise Problem(422, f"{field!r} is no field of {subject.name}. {_fields_of(subject)}")
    for field, column in wish.columns.items():
        if column not in columns:
            raise Problem(
                422,
                f"{file_name} has no column {column!r} for {field}.{_near(column, columns)} "
                f"It has: {', '.join(columns)}.",
            )
    chosen = {column: column for column in columns if subject.knows(column)}
    chosen |= wish.columns
    fields = {field: column for field, column in chosen.items() if field not in wish.fixed}
    missing = [name for name in subject.needed if name not in fields and name not in wish.fixed]
    if missing:
        raise Problem(
            422,
            f"{file_name} has no column for {', '.join(missing)}. It has: {', '.join(columns)}. "
            f"Say which one it is, --column {missing[0]}=COLUMN, or give every row the same, "
            f"--fixed {missing[0]}=VALUE.",
        )
    used = set(fields.values())
    unused = tuple(column for column in columns if column not in used)
    fixed = {field: _read(field, value, wish.timezone) for field, value in wish.fixed.items()}
    return ColumnMapping(subject, tuple(fields.items()), fixed, wish.timezone, unused)


def _fields_of(subject: Subject) -> str:
    more = f" and {PROPERTY}<name>" if subject.takes_properties else ""
    return f"Its fields are {', '.join((*subject.needed, *subject.optional))}{more}."


def _near(column: str, columns: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(column, columns, n=1)
    return f" Is it {near[0]!r}?" if near else ""


def _read(field: str, value: Any, timezone: ZoneInfo | None) -> Any:
    """A field's value as the parser wants it, or as it is when it cannot be that."""
    if isinstance(value, (bytes, timedelta)):
        found = "is bytes" if isinstance(value, bytes) else "is a duration"
        raise Unacceptable(field, f"{found}, which JSON has not", "write text or a number")
    read = _READERS.get(field)
    if read is None:
        return value.strip() if type(value) is str else value
    return read(value, timezone)


def _to_text(value: Any, _timezone: ZoneInfo | None) -> Any:
    """An id: spreadsheets and data frames make numbers of 1017 and 1017.0."""
    if type(value) is float and value.is_integer():
        return str(int(value))
    if type(value) is str:
        text = value.strip()
        return text.removesuffix(".0") if _NUMBER_ID.fullmatch(text) else text
    return str(value) if type(value) is int else value


def _to_number(value: Any, _timezone: ZoneInfo | None) -> Any:
    if type(value) is not str or "_" in value:  # Python reads 1_000, and nobody means it
        return value
    try:
        return float(value)
    except ValueError:
        return value


def _to_step(value: Any, _timezone: ZoneInfo | None) -> Any:
    number = _to_number(value, None)
    return int(number) if type(number) is float and number.is_integer() else number


def _to_time(value: Any, timezone: ZoneInfo | None) -> Any:
    at = value
    if type(value) is str:
        text = value.strip()
        if text.isascii() and text.isdigit() and 11 <= len(text) <= 15:
            return int(text)  # milliseconds since 1970
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            return text
    if type(at) is date:
        at = datetime(at.year, at.month, at.day)  # noqa: DTZ001 - the zone follows
    if not isinstance(at, datetime):
        return value
    return (at if at.tzinfo or timezone is None else at.replace(tzinfo=timezone)).isoformat()


def _to_day(value: Any, _timezone: ZoneInfo | None) -> Any:
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return value.strip() if type(value) is str else value


_READERS: Final[dict[str, Callable[[Any, ZoneInfo | None], Any]]] = {
    "id": _to_text,
    "learner": _to_text,
    "team": _to_text,
    "manager": _to_text,
    "value": _to_number,
    "at": _to_time,
    "day": _to_day,
    "started_on": _to_day,
    f"{PROPERTY}step": _to_step,
}


def _event(found: dict[str, Any]) -> dict[str, Any]:
    item: dict[str, Any] = {"type": "event"}
    properties: dict[str, Any] = {}
    for field, value in found.items():
        if field.startswith(PROPERTY):
            properties[field.removeprefix(PROPERTY)] = value
        else:
            item[field] = value
    if properties:
        given = item.get("properties")
        item["properties"] = {**given, **properties} if type(given) is dict else properties
    return _with_id(item)


def _learner(found: dict[str, Any]) -> dict[str, Any]:
    attributes = {name: found.pop(name) for name in LEARNER_ATTRIBUTES if name in found}
    return _with_id({"type": "learner", **found, "attributes": attributes})


def _outcome(found: dict[str, Any]) -> dict[str, Any]:
    """Without an id it gets none: the value that is current tells a repeat from a correction."""
    return found


def _with_id(item: dict[str, Any]) -> dict[str, Any]:
    """The item with an id of its own content, so that the same row is the same item everywhere."""
    if "id" not in item:
        try:
            content = orjson.dumps(item, option=orjson.OPT_SORT_KEYS, default=str)
        except orjson.JSONEncodeError as error:
            found = f"cannot be written as JSON ({error})"
            raise Unacceptable("row", found, "flatten it: names and values") from None
        item["id"] = "file:" + blake2b(content, digest_size=16).hexdigest()
    return item


_SHAPES: Final[dict[str, Callable[[dict[str, Any]], dict[str, Any]]]] = {
    "events": _event,
    "outcomes": _outcome,
    "learners": _learner,
}
