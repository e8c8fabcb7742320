"""Which statements a GET asks for (Communication 2.1.3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NoReturn

import orjson

from experiment_server.problems import FieldError, Problem, shown
from experiment_server.statements.formats import FORMATS
from experiment_server.statements.grammar import actor
from experiment_server.statements.identity import identifier
from experiment_server.statements.values import InvalidStatement, iri, read_time, uuid
from experiment_server.xapi.contents import (
    ACTIVITY,
    ACTOR,
    NAMES_ACTIVITY,
    NAMES_AGENT,
    REGISTRATION,
    VERB,
    thing_key,
)

MAX_PAGE: Final = 200
CURSOR: Final = "from"  # of the address in `more`
_FLAGS: Final = {"true": True, "false": False}
_SINGLE: Final = ("statementId", "voidedStatementId", "format", "attachments")
_FILTERS: Final = (
    "agent", "verb", "activity", "registration", "related_activities", "related_agents", "since",
    "until", "limit", "ascending", CURSOR,
)  # fmt: skip


@dataclass(frozen=True)
class Filter:
    """A thing that a statement, or the one it refers to, must have in one of these roles."""

    roles: tuple[str, ...]
    thing: bytes


@dataclass(frozen=True)
class Query:
    """What a GET asks for."""

    statement_id: str | None = None
    is_voided: bool = False
    filters: tuple[Filter, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    limit: int = MAX_PAGE
    ascending: bool = False
    start: int | None = None  # continue after this position
    format: str = "exact"
    with_attachments: bool = False


def parse_query(arguments: Mapping[str, str]) -> Query:
    """The query of a GET's parameters.

    Raises:
        Problem: 400, for a parameter or value that the specification does not allow.
    """
    for name in arguments:
        if name not in _SINGLE and name not in _FILTERS:
            allowed = ", ".join((*_SINGLE, *_FILTERS))
            _refuse("query", name, f"only {allowed}")
    if "statementId" in arguments or "voidedStatementId" in arguments:
        return _parse_single(arguments)
    limit = _whole(arguments, "limit") or MAX_PAGE
    return Query(
        filters=_parse_filters(arguments),
        since=_time(arguments, "since"),
        until=_time(arguments, "until"),
        limit=min(limit, MAX_PAGE),
        ascending=_flag(arguments, "ascending"),
        start=_whole(arguments, CURSOR),
        format=_format(arguments),
        with_attachments=_flag(arguments, "attachments"),
    )


def _parse_single(arguments: Mapping[str, str]) -> Query:
    name = "statementId" if "statementId" in arguments else "voidedStatementId"
    for other in arguments:
        if other not in (name, "format", "attachments"):
            _refuse(other, arguments[other], f"nothing but format and attachments beside {name}")
    _check(uuid, arguments[name], name)
    return Query(
        statement_id=arguments[name],
        is_voided=name == "voidedStatementId",
        format=_format(arguments),
        with_attachments=_flag(arguments, "attachments"),
    )


def _parse_filters(arguments: Mapping[str, str]) -> tuple[Filter, ...]:
    filters = []
    if "agent" in arguments:
        roles = (ACTOR, NAMES_AGENT) if _flag(arguments, "related_agents") else (ACTOR,)
        filters.append(Filter(roles, thing_key(_agent(arguments["agent"]))))
    if "verb" in arguments:
        _check(iri, arguments["verb"], "verb")
        filters.append(Filter((VERB,), thing_key(arguments["verb"])))
    if "activity" in arguments:
        _check(iri, arguments["activity"], "activity")
        related = _flag(arguments, "related_activities")
        roles = (ACTIVITY, NAMES_ACTIVITY) if related else (ACTIVITY,)
        filters.append(Filter(roles, thing_key(arguments["activity"])))
    if "registration" in arguments:
        _check(uuid, arguments["registration"], "registration")
        filters.append(Filter((REGISTRATION,), thing_key(arguments["registration"].lower())))
    for flag in ("related_agents", "related_activities"):
        _flag(arguments, flag)
    return tuple(filters)


def _agent(raw: str) -> str:
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        _refuse("agent", raw, "an agent as JSON")
    _check(actor, value, "agent")
    name = identifier(value)
    if name is None:
        _refuse("agent", value, "an agent or an identified group")
    return name


def _check(check: Any, value: Any, name: str) -> None:
    try:
        check(value, name)
    except InvalidStatement as invalid:
        _refuse(invalid.path, invalid.found, invalid.expected)


def _flag(arguments: Mapping[str, str], name: str) -> bool:
    found = arguments.get(name, "false")
    if found.lower() not in _FLAGS:
        _refuse(name, found, "true or false")
    return _FLAGS[found.lower()]


def _whole(arguments: Mapping[str, str], name: str) -> int | None:
    found = arguments.get(name)
    if found is None:
        return None
    if not (found.isascii() and found.isdigit() and len(found) <= 18):
        _refuse(name, found, "a whole number, 0 or more")
    return int(found)


def _time(arguments: Mapping[str, str], name: str) -> datetime | None:
    found = arguments.get(name)
    if found is None:
        return None
    at = read_time(found)
    if at is None:
        _refuse(name, found, "a time in ISO 8601, such as 2026-03-01T09:30:00Z")
    return at


def _format(arguments: Mapping[str, str]) -> str:
    found = arguments.get("format", "exact")
    if found not in FORMATS:
        _refuse("format", found, "one of " + ", ".join(FORMATS))
    return found


def _refuse(name: str, found: Any, expected: str) -> NoReturn:
    error = FieldError(name, shown(found), expected, "Check the address of the request.")
    raise Problem(400, f"{name}: found {error.found}, expected {expected}.", [error])
