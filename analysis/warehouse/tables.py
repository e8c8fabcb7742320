"""A mapping's tables in the shape of the lake's: expressions, nothing of it computed here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from typing import Any, Final

import ibis
import ibis.expr.datatypes as dt
from ibis.expr import types as ir

from analysis.kinds import OUTCOME_PREFIX
from analysis.warehouse.connect import Connection, WarehouseError, out_of_time
from analysis.warehouse.failures import gist, is_cancelled
from analysis.warehouse.mapping import (
    Events,
    Exposures,
    Outcomes,
    Rows,
    SourceMapping,
    columns_of,
)
from analysis.warehouse.queries import refusal

IN_UTC: Final = dt.Timestamp("UTC")
TIMES: Final = ("exposed_at", "occurred_at", "received_at", "described_at")
DAYS: Final = ("day", "started_on")
NUMBERS: Final = ("value",)
TRANSLATIONS: Final = {"kind": "kinds", "variant": "variants", "experiment": "experiments"}
"""Columns whose names are translated, and the field of the mapping that does it."""


LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)

EVENT_COLUMNS: Final = ("learner", "kind", "occurred_at", "received_at", "value")


@dataclass(frozen=True)
class Reading:
    """Which experiment is read, and what it randomised."""

    experiment: str
    unit_kind: str = "learner"  # learner | team


@ibis.udf.scalar.builtin(signature=((dt.string, dt.Timestamp()), dt.Timestamp("UTC")))
def timezone(zone, at):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201, D103
    ...


ZONED: Final = ("duckdb", "postgres")
"""Warehouses that have the function ``timezone(zone, time)``."""


def relation(connection: Connection, part: Rows, path: str) -> ir.Table:
    """The table or query of a part, with all of its columns.

    Raises:
        WarehouseError: there is no such table, or the query may not or cannot be run.
    """
    if part.query:
        return _query(connection, part.query, path)
    *place, name = part.table.split(".")
    database: Any = tuple(place) if len(place) > 1 else (place[0] if place else None)
    try:
        return connection.backend.table(name, database=database)
    except Exception as error:  # drivers have errors of their own for what is not there
        if is_cancelled(error):
            raise out_of_time(path) from error
        raise WarehouseError(
            "no_table",
            f"There is no table {part.table!r} that this user may read.",
            "Check its schema and name, and grant SELECT on it.",
            f"{path}.table",
        ) from error


def _query(connection: Connection, query: str, path: str) -> ir.Table:
    why = refusal(query, connection.scheme)
    if why:
        raise WarehouseError(
            "refused_query",
            f"The query is not a plain SELECT over tables: {why}.",
            "Give one SELECT without a semicolon; make a view in the warehouse for anything else.",
            f"{path}.query",
        )
    query = query.strip().rstrip(";")
    backend: Any = connection.backend
    try:
        # Of the others, Ibis asks the warehouse itself.
        schema = _postgres_schema(backend, query) if connection.scheme == "postgresql" else None
        found: ir.Table = backend.sql(query, schema=schema)
    except Exception as error:  # drivers have errors of their own
        if is_cancelled(error):
            raise out_of_time(path) from error
        raise WarehouseError(
            "bad_query",
            f"The warehouse does not understand the query: {gist(error)}",
            "Run it there by hand until it works.",
            f"{path}.query",
        ) from error
    return found


def _postgres_schema(backend: Any, query: str) -> ibis.Schema:
    """The columns of a query; Ibis would make a view for it, which a reader may not.

    It is prepared, because PostgreSQL takes one statement only then: text in which the parser here
    and the one there see different ends of a string or comment cannot bring a second one.
    """
    session = backend.con
    with session.cursor() as cursor, session.transaction():
        asked = f"SELECT * FROM (\n{query}\n) AS asked LIMIT 0"  # noqa: S608  (checked above)
        cursor.execute(asked, prepare=True)
        described = cursor.description or ()
    types = session.adapters.types
    mapper = backend.compiler.type_mapper
    found = {}
    for column in described:
        info = types.get(column.type_code)
        name = "unknown" if info is None else info.regtype or info.name
        found[column.name] = mapper.from_string(name, nullable=True)
    return ibis.schema(found)


def named_columns(table: ir.Table, part: Rows, path: str) -> dict[str, ir.Value]:
    """A part's columns by our names, each in the type that the lake has.

    Raises:
        WarehouseError: a column is not there, or holds something else.
    """
    found = {}
    for name, theirs in columns_of(part).items():
        where = f"{path}.{name}"
        if theirs not in table.columns:
            raise WarehouseError(
                "no_column",
                f"The table has no column {theirs!r}.",
                f"It has {', '.join(table.columns[:20])}.",
                where,
            )
        found[name] = _typed(table[theirs], name, part, where)
    return found


def _typed(column: ir.Value, name: str, part: Rows, where: str) -> ir.Value:
    if name in TIMES:
        return _as_time(column, part.time_zone, where)
    if name in DAYS:
        return _as_day(column, part.time_zone, where)
    if name in NUMBERS:
        return _as_number(column, where)
    names = getattr(part, TRANSLATIONS[name]) if name in TRANSLATIONS else {}
    return _translated(column.cast("string"), names)


def _as_number(column: ir.Value, where: str) -> ir.Value:
    if not column.type().is_numeric():
        raise _wrong_type(column, "a number", "CAST(... AS DOUBLE PRECISION)", where)
    return column.cast("float64")


def _as_time(column: ir.Value, zone: str, where: str) -> ir.Value:
    kind = column.type()
    if kind.is_date():
        column, kind = column.cast(dt.Timestamp()), dt.Timestamp()
    if not kind.is_timestamp():
        raise _wrong_type(column, "a time", "CAST(... AS TIMESTAMP)", where)
    if getattr(kind, "timezone", None) is not None or zone == "UTC":
        return column.cast(IN_UTC)
    return timezone(zone, column.cast(dt.Timestamp()))


def _as_day(column: ir.Value, zone: str, where: str) -> ir.Value:
    if column.type().is_date():
        return column
    return _as_time(column, zone, where).date()


def _wrong_type(column: ir.Value, wanted: str, example: str, where: str) -> WarehouseError:
    return WarehouseError(
        "wrong_type",
        f"The column holds {column.type()}, and {wanted} is needed.",
        f"Give a query instead of the table that has {example}.",
        where,
    )


def _translated(column: ir.StringColumn, names: Mapping[str, str]) -> ir.StringValue:
    if not names:
        return column
    cases = [(column == theirs, ours) for theirs, ours in sorted(names.items())]
    return ibis.cases(*cases, else_=column)


def between(rows: ir.Table, time: str, since: datetime | None, until: datetime | None) -> ir.Table:
    """The rows whose time lies from ``since`` up to, not including, ``until``; None: no bound."""
    if since is not None:
        rows = rows.filter(rows[time] >= ibis.literal(since))
    if until is not None:
        rows = rows.filter(rows[time] < ibis.literal(until))
    return rows


# --- the lake's tables


def exposures(connection: Connection, part: Exposures, reading: Reading) -> ir.Table:
    """Who met which variant when, as the lake's table of exposures.

    Raises:
        WarehouseError: the mapping does not fit the table.
    """
    path = "exposures"
    if reading.unit_kind == "team" and not part.unit:
        raise WarehouseError(
            "no_column",
            "Teams were randomised, and the mapping does not say which column holds the team.",
            "Name it as unit.",
            f"{path}.unit",
        )
    table = relation(connection, part, path)
    found = named_columns(table, part, path)
    unit = found["unit"] if reading.unit_kind == "team" else found["learner"]
    nothing = ibis.null(dt.string)
    rows = table.select(
        # Only to order rows of the same moment, always in the same way.
        event_id=unit.concat(":", found["variant"]),
        experiment=found.get("experiment", ibis.literal(reading.experiment)),
        variant=found["variant"],
        unit_kind=ibis.literal(reading.unit_kind),
        unit=unit,
        learner=found["learner"],
        exposed_at=found["exposed_at"],
        received_at=found.get("received_at", found["exposed_at"]),
        role=found.get("role", nothing),
        region=found.get("region", nothing),
        stratum=found.get("stratum", nothing),
    )
    return rows.filter(rows.learner.notnull(), rows.unit.notnull(), rows.exposed_at.notnull())


def events(connection: Connection, mapping: SourceMapping) -> ir.Table:
    """What learners did, from all tables of events and outcomes together.

    Raises:
        WarehouseError: the mapping does not fit a table.
    """
    parts = [
        _events(connection, part, f"events[{at}]") for at, part in enumerate(mapping.events)
    ] + [_outcomes(connection, part, f"outcomes[{at}]") for at, part in enumerate(mapping.outcomes)]
    return reduce(lambda one, other: one.union(other), parts)


def _events(connection: Connection, part: Events, path: str) -> ir.Table:
    table = relation(connection, part, path)
    found = named_columns(table, part, path)
    return _shaped(
        table,
        {
            "learner": found["learner"],
            "kind": found.get("kind", ibis.literal(part.constant_kind)),
            "occurred_at": found["occurred_at"],
            "received_at": found.get("received_at", found["occurred_at"]),
            "value": found.get("value", ibis.null(dt.float64)),
        },
    )


def _outcomes(connection: Connection, part: Outcomes, path: str) -> ir.Table:
    table = relation(connection, part, path)
    found = named_columns(table, part, path)
    rows = table.select(**{"name": ibis.literal(part.constant_name), **found})
    if part.received_at:
        latest = ibis.window(
            group_by=["learner", "name", "day"],
            order_by=[ibis.desc("received_at"), ibis.desc("value")],
        )
        rows = rows.mutate(place=ibis.row_number().over(latest))
        rows = rows.filter(rows.place == 0)
    noon = rows.day.cast(IN_UTC) + ibis.interval(hours=12)
    return _shaped(
        rows,
        {
            "learner": rows.learner,
            "kind": ibis.literal(OUTCOME_PREFIX).concat(rows.name),
            "occurred_at": noon,
            "received_at": rows.received_at if part.received_at else noon,
            "value": rows.value,
        },
    )


def _shaped(table: ir.Table, columns: Mapping[str, ir.Value]) -> ir.Table:
    """The columns of events, all nullable, so that tables can be united; rows without keys left."""
    rows = table.select(**{name: columns[name] for name in EVENT_COLUMNS})
    return rows.filter(rows.learner.notnull(), rows.occurred_at.notnull(), rows.kind.notnull())


def learners(connection: Connection, mapping: SourceMapping) -> ir.Table:
    """What is known of learners; nobody, when the mapping does not say.

    Raises:
        WarehouseError: the mapping does not fit the table.
    """
    part = mapping.learners
    if part is None:
        path, any_part = mapping.parts()[0]
        table = relation(connection, any_part, path).limit(0)
        found: dict[str, ir.Value] = {}
    else:
        table = relation(connection, part, "learners")
        found = named_columns(table, part, "learners")
    nothing = ibis.null(dt.string)
    return table.select(
        event_id=found.get("learner", nothing),
        learner=found.get("learner", nothing),
        described_at=found.get("described_at", ibis.literal(LONG_AGO)),
        role=found.get("role", nothing),
        region=found.get("region", nothing),
        started_on=found.get("started_on", ibis.null(dt.date)),
    )
