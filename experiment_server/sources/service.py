"""Sources: defining, validating, previewing, opening."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlmodel import Session, col, select

from analysis.warehouse.connect import Connection, Limits, WarehouseError, open_connection
from analysis.warehouse.findings import from_error
from analysis.warehouse.mapping import SourceMapping, parse_mapping
from experiment_server.audit.service import record
from experiment_server.environments.models import Environment
from experiment_server.problems import (
    FieldError,
    Problem,
    check_version,
    invalid_fields,
    not_found,
    taken,
)
from experiment_server.security.roles import Actor
from experiment_server.settings import Settings
from experiment_server.sources.models import Source

FIELDS: Final = ("title", "url_variable", "mapping")
VARIABLE_PATTERN: Final = r"^MOMENTUM_SOURCE_[A-Z0-9_]{1,60}$"
"""Only such variables are read: a source cannot be pointed at the server's own secrets."""

LOOK_SECONDS: Final = 60.0  # of a whole validation or preview, for which somebody waits


def create_source(
    session: Session, actor: Actor, environment: Environment, wish: Mapping[str, Any], now: datetime
) -> Source:
    """A new source; ``wish`` holds its key and ``FIELDS``.

    Raises:
        Problem: 422, naming every field that does not fit; 409 when the key is taken.
    """
    if find_source(session, _id(environment), wish["key"]) is not None:
        raise taken("source", wish["key"])
    parsed(wish["mapping"])
    values = {name: wish[name] for name in FIELDS}
    source = Source(
        environment_id=_id(environment),
        key=wish["key"],
        created_at=now,
        updated_at=now,
        **values,
    )
    session.add(source)
    session.flush()
    _note(session, actor, "create", source, before=None)
    return source


def change_source(
    session: Session,
    actor: Actor,
    source: Source,
    version: int,
    wish: Mapping[str, Any],
    now: datetime,
) -> Source:
    """Replace a source's values; what a validation found of the old ones is forgotten.

    Raises:
        Problem: 412 when ``version`` is not the current one; 422.
    """
    session.refresh(source, with_for_update=True)
    check_version(f"source {source.key}", version, source.version)
    parsed(wish["mapping"])
    before = plain(source)
    for name in FIELDS:
        setattr(source, name, wish[name])
    source.validation = None
    source.version += 1
    source.updated_at = now
    _note(session, actor, "change", source, before)
    return source


def keep_validation(
    session: Session, actor: Actor, source: Source, found: Mapping[str, Any]
) -> None:
    """Keep what a validation found; the source's version stays, because nothing of it changed.

    Args:
        session: of the transaction.
        actor: who asked.
        source: what was validated.
        found: at, version, experiment, findings.
    """
    source.validation = dict(found)
    session.add(source)
    severities = [each["severity"] for each in found["findings"]]
    counts = {each: severities.count(each) for each in sorted(set(severities))}
    record(
        session,
        actor,
        "source.validate",
        f"source:{source.key}",
        after={"experiment": found["experiment"], **counts},
        environment_id=source.environment_id,
    )


def list_sources(session: Session, environment_id: int) -> Sequence[Source]:
    """An environment's sources, by key."""
    query = select(Source).where(Source.environment_id == environment_id)
    return session.exec(query.order_by(col(Source.key))).all()


def find_source(session: Session, environment_id: int, key: str) -> Source | None:
    """The source of this key, if there is one."""
    query = select(Source).where(Source.environment_id == environment_id, Source.key == key)
    return session.exec(query).first()


def load_source(session: Session, environment_id: int, key: str) -> Source:
    """The source of this key.

    Raises:
        Problem: 404.
    """
    found = find_source(session, environment_id, key)
    if found is None:
        raise not_found("source", key)
    return found


def plain(source: Source) -> dict[str, Any]:
    """A source's values as JSON; the address is not among them, only its variable's name."""
    return {"key": source.key, **{name: getattr(source, name) for name in FIELDS}}


def parsed(mapping: Mapping[str, Any]) -> SourceMapping:
    """The mapping, ready to be used.

    Raises:
        Problem: 422, naming every field that does not fit.
    """
    found, misfits = parse_mapping(mapping)
    if found is None:
        raise invalid_fields(
            FieldError(f"mapping.{each.field}", each.found, each.expected, each.remedy)
            for each in misfits
        )
    return found


def address_of(source: Source, env: Mapping[str, str] | None = None) -> str:
    """The address that the source's variable holds; it is a secret, and goes nowhere else.

    Raises:
        WarehouseError: the variable is not set on this server.
    """
    found = (os.environ if env is None else env).get(source.url_variable, "")
    if not found:
        raise WarehouseError(
            "no_variable",
            f"The variable {source.url_variable} is not set on this server.",
            "Set it to the warehouse's address for every server of Momentum and restart them.",
        )
    return found


def limits_of(settings: Settings, seconds: float, total_seconds: float | None = None) -> Limits:
    """What reading a source may touch, and for how long: a query, and all of them together."""
    return Limits(Path(settings.sources_dir), seconds, total_seconds)


@contextmanager
def connected(source: Source, settings: Settings) -> Iterator[Connection]:
    """The source's warehouse, for a quick look.

    Raises:
        WarehouseError: nobody answers there.
    """
    limits = limits_of(settings, LOOK_SECONDS, LOOK_SECONDS)
    connection = open_connection(address_of(source), limits)
    try:
        yield connection
    finally:
        connection.close()


def unreadable(source: str, error: WarehouseError) -> Problem:
    """422: the source cannot be read; the finding says where and why."""
    found = from_error(error)
    field = f"sources.{source}.{found.field}" if found.field else f"sources.{source}"
    detail = f"The source {source} cannot be read: {found.sentence} {found.remedy}"
    return Problem(422, detail, [FieldError(field, found.code, found.sentence, found.remedy)])


def _note(
    session: Session, actor: Actor, verb: str, source: Source, before: dict[str, Any] | None
) -> None:
    record(
        session,
        actor,
        f"source.{verb}",
        f"source:{source.key}",
        before=before,
        after=plain(source),
        environment_id=source.environment_id,
    )


def _id(environment: Environment) -> int:
    if environment.id is None:
        raise ValueError(f"environment {environment.key!r} is not stored yet")
    return environment.id
