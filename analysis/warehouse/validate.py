"""Whether a warehouse's tables say what a mapping says they do.

Only aggregates are read, a few for each table, and of learners without events a sample.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

import ibis
from ibis.expr import types as ir

from analysis.kinds import is_known
from analysis.warehouse import tables
from analysis.warehouse.connect import Connection, WarehouseError, out_of_time
from analysis.warehouse.dialects import TESTED
from analysis.warehouse.failures import gist, is_cancelled
from analysis.warehouse.findings import Finding, by_severity, from_error
from analysis.warehouse.mapping import Exposures, Learners, Outcomes, Rows, SourceMapping
from analysis.warehouse.mapping import columns_of as columns_named
from analysis.warehouse.tables import TIMES, Reading

SAMPLE: Final = 10_000  # exposed learners whose events are looked for
MOST_VALUES: Final = 50  # of a column of variants or kinds
FEW: Final = 0.5  # warn when a smaller share of exposed learners has any event
OLD: Final = timedelta(days=3)
KEYS: Final = ("learner", "unit", "variant", "exposed_at", "occurred_at", "day", "kind", "name")


@dataclass(frozen=True)
class Expected:
    """What the experiment that reads would have.

    Attributes:
        reading: the experiment, and what it randomises.
        variants: its variants; (): not known, so not compared.
        started_at: when it began; None: it has not.
        now: the present, UTC.
    """

    reading: Reading
    now: datetime
    variants: tuple[str, ...] = ()
    started_at: datetime | None = None


def validate(connection: Connection, mapping: SourceMapping, expected: Expected) -> list[Finding]:
    """Everything that was found, the worst first; a finding in one table does not hide others."""
    found: list[Finding] = list(_engine(connection))
    sound = True
    for path, part in mapping.parts():
        of_part = _caught(connection, path, partial(_part, connection, part, path, expected))
        sound = sound and not any(each.severity == "error" for each in of_part)
        found += of_part
    if sound and mapping.exposures is not None:
        exposures = mapping.exposures
        exposed = partial(_exposed, connection, exposures, expected)
        found += _caught(connection, "exposures", exposed)
        lives = partial(_lives, connection, mapping, exposures, expected)
        found += _caught(connection, "events", lives)
    return by_severity(found)


def _caught(
    connection: Connection, path: str, check: Callable[[], Iterator[Finding]]
) -> list[Finding]:
    """The findings of a check; when it cannot be made, or in time, that is the finding."""
    found = []
    try:
        _in_time(connection, path)
        for each in check():
            found.append(each)
            _in_time(connection, path)
    except WarehouseError as error:
        found.append(from_error(error))
    except Exception as error:  # drivers have errors of their own
        if is_cancelled(error):
            return [*found, from_error(out_of_time(path))]
        sentence = f"The warehouse gave up: {gist(error)}"
        remedy = "Run a count over the table by hand; it may be slow, or its rows unreadable."
        found.append(Finding("failed_query", "error", path, sentence, remedy))
    return found


def _in_time(connection: Connection, path: str) -> None:
    if connection.is_late:
        raise out_of_time(path)


def _engine(connection: Connection) -> Iterator[Finding]:
    if connection.backend.name not in TESTED:
        sentence = f"Readouts over {connection.backend.name} are not tested to be those of a lake."
        remedy = "Compare one with a readout of the same rows elsewhere before you rely on it."
        yield Finding("untested", "warning", "", sentence, remedy)


# --- each table by itself


def _part(connection: Connection, part: Rows, path: str, expected: Expected) -> Iterator[Finding]:
    table = tables.relation(connection, part, path)
    yield from _zones(table, part, path)
    if isinstance(part, Exposures) and expected.reading.unit_kind == "team" and not part.unit:
        tables.exposures(connection, part, expected.reading)  # says what is missing
    columns = tables.named_columns(table, part, path)
    if "unit" in columns and expected.reading.unit_kind != "team":
        del columns["unit"]
    rows = table.select(**columns)
    counts = _counted(rows)
    if not counts["n"]:
        yield Finding(
            "no_rows", "error", path, "The table has no rows.", "Fill it, or map another."
        )
        return
    yield from _nulls(counts, path, columns)
    yield from _times(counts, path, expected.now)
    yield from _twins(rows, part, path)
    if "kind" in columns:
        yield from _kinds(rows, path)
    sentence = f"It has {counts['n']:,} rows of {counts['n_learners']:,} learners."
    yield Finding("read", "note", path, sentence)


def _counted(rows: ir.Table) -> dict[str, Any]:
    aggregates: dict[str, ir.Value] = {"n": rows.count(), "n_learners": rows.learner.nunique()}
    for name in rows.columns:
        if name in KEYS or name == "value":
            aggregates[f"null_{name}"] = rows[name].isnull().sum()
        if name in TIMES:
            aggregates[f"first_{name}"] = rows[name].min()
            aggregates[f"last_{name}"] = rows[name].max()
    return _one(rows.aggregate(**aggregates))


def _zones(table: ir.Table, part: Rows, path: str) -> Iterator[Finding]:
    for name, theirs in columns_named(part).items():
        if name not in TIMES or theirs not in table.columns:
            continue
        kind = table[theirs].type()
        if kind.is_timestamp() and getattr(kind, "timezone", None) is None:
            sentence = f"Times in {theirs!r} carry no zone and are read as {part.time_zone}."
            remedy = "If they are local times, name their zone as time_zone."
            yield Finding("no_zone", "warning", f"{path}.{name}", sentence, remedy)
        if kind.is_date():
            sentence = f"{theirs!r} holds days, read as midnight in {part.time_zone}."
            remedy = "Windows count from the moment of exposure: map a time if there is one."
            yield Finding("only_days", "warning", f"{path}.{name}", sentence, remedy)


def _nulls(counts: Mapping[str, Any], path: str, columns: Iterable[str]) -> Iterator[Finding]:
    for name in columns:
        n_null = int(counts.get(f"null_{name}") or 0)
        if not n_null:
            continue
        share = f"{n_null:,} of {counts['n']:,} rows have no {name}"
        if name in KEYS:
            remedy = "Such rows are left out; look for why they are there."
            yield Finding("null_keys", "warning", f"{path}.{name}", f"{share}.", remedy)
        elif name == "value":
            sentence = f"{share}; they count as events without an amount."
            yield Finding("null_values", "note", f"{path}.{name}", sentence)


def _times(counts: Mapping[str, Any], path: str, now: datetime) -> Iterator[Finding]:
    for name in TIMES:
        last = _aware(counts.get(f"last_{name}"))
        if last is None or name == "described_at":
            continue
        if last > now + timedelta(days=1):
            sentence = f"The newest {name} is {_day(last)}, which is yet to come."
            remedy = "Check its zone and unit; a readout ignores what comes after its look."
            yield Finding("future", "warning", f"{path}.{name}", sentence, remedy)
        elif name != "received_at":
            yield _newest(last, path, name, now)


def _newest(last: datetime, path: str, name: str, now: datetime) -> Finding:
    sentence = f"The newest row is of {_day(last)}."
    if now - last <= OLD:
        return Finding("newest", "note", f"{path}.{name}", sentence)
    remedy = "Check whether the table is still loaded; a readout now would miss what came since."
    return Finding("old", "warning", f"{path}.{name}", sentence, remedy)


def _twins(rows: ir.Table, part: Rows, path: str) -> Iterator[Finding]:
    """Rows that should be one and are several."""
    if isinstance(part, Outcomes) and not part.received_at:
        keys = ["learner", "day", *(["name"] if part.name else [])]
        remedy = "They add up. Name received_at, so that the latest counts, or make them unique."
        severity = "error"
    elif isinstance(part, Learners) and not part.described_at:
        keys, severity = ["learner"], "warning"
        remedy = "One of them is taken. Name described_at, so that the one of the time counts."
    elif isinstance(part, Exposures | Learners | Outcomes):
        return
    else:
        keys, severity = list(rows.columns), "warning"
        remedy = "Each of them counts. If a load ran twice, select distinct rows in a query."
    groups = rows.group_by(keys).aggregate(n=rows.count())
    again = groups.filter(groups.n > 1)
    found = _one(again.aggregate(groups=again.count(), n=again.n.sum()))
    if found["groups"]:
        extra = int(found["n"]) - int(found["groups"])
        what = (
            "the same in every column"
            if keys == list(rows.columns)
            else "of one " + ", ".join(keys)
        )
        sentence = f"{extra:,} rows repeat another one: they are {what}."
        yield Finding("duplicates", severity, path, sentence, remedy)  # type: ignore[arg-type]


def _kinds(rows: ir.Table, path: str) -> Iterator[Finding]:
    found = [value for value, _ in _values(rows, "kind")]
    unknown = sorted(value for value in found if value is not None and not is_known(str(value)))
    if unknown:
        sentence = f"Kinds that no metric can name: {_list(unknown)}."
        remedy = "Translate them by kinds, for example to custom:<name>, or leave them out."
        yield Finding("unknown_kinds", "warning", f"{path}.kind", sentence, remedy)


# --- the experiment that reads


def _exposed(connection: Connection, part: Exposures, expected: Expected) -> Iterator[Finding]:
    rows = tables.exposures(connection, part, expected.reading)
    mine = _mine(rows, expected)
    of_variant = _values(mine, "variant")
    if not of_variant:
        names = [value for value, _ in _values(rows, "experiment")]
        sentence = f"No row is of the experiment {expected.reading.experiment!r}."
        remedy = f"The column names {_list(names)}; translate the right one by experiments."
        yield Finding("no_exposures", "error", "exposures.experiment", sentence, remedy)
        return
    yield from _variants(of_variant, expected)
    yield from _crossed(mine)
    if expected.started_at is not None:
        yield from _outside(mine, expected.started_at)


def _mine(rows: ir.Table, expected: Expected) -> ir.Table:
    """The exposures of the experiment that reads; all of them, when none does yet."""
    name = expected.reading.experiment
    return rows.filter(rows.experiment == name) if name else rows


def _variants(found: Sequence[tuple[Any, int]], expected: Expected) -> Iterator[Finding]:
    if not expected.variants:
        return
    unknown = {str(value): n for value, n in found if value not in expected.variants}
    if unknown:
        sentence = f"Rows name variants that the experiment does not have: {_list(unknown)}."
        remedy = f"Translate them by variants to {_list(expected.variants)}."
        yield Finding("unknown_variants", "error", "exposures.variant", sentence, remedy)
    missing = [name for name in expected.variants if name not in dict(found)]
    if missing:
        sentence = f"Nobody was exposed to {_list(missing)}."
        remedy = "Check whether rows of it are loaded, and under which name."
        yield Finding("missing_variants", "error", "exposures.variant", sentence, remedy)


def _crossed(mine: ir.Table) -> Iterator[Finding]:
    units = mine.group_by("unit").aggregate(n=mine.variant.nunique())
    counts = _one(units.aggregate(n=units.count(), crossed=(units.n > 1).sum()))
    if counts["crossed"]:
        sentence = f"{counts['crossed']:,} of {counts['n']:,} units met several variants."
        remedy = (
            "They are left out. Many of them mean that the table holds more than one assignment."
        )
        yield Finding("crossed_units", "warning", "exposures.unit", sentence, remedy)


def _outside(mine: ir.Table, started_at: datetime) -> Iterator[Finding]:
    early = mine.filter(mine.exposed_at < ibis.literal(started_at))
    n_early = int(_one(early.aggregate(n=early.count()))["n"])
    if n_early:
        sentence = f"{n_early:,} exposures are from before the start, {_day(started_at)}."
        remedy = "They are left out. If the experiment began earlier, start it with that time."
        yield Finding("outside_window", "warning", "exposures.exposed_at", sentence, remedy)


def _lives(
    connection: Connection, mapping: SourceMapping, part: Exposures, expected: Expected
) -> Iterator[Finding]:
    mine = _mine(tables.exposures(connection, part, expected.reading), expected)
    some = mine.select("learner").distinct().limit(SAMPLE)
    events = tables.events(connection, mapping).select(who="learner").distinct()
    joined = some.left_join(events, some.learner == events.who)
    counts = _one(joined.aggregate(n=joined.count(), n_seen=joined.who.count()))
    if not counts["n"]:
        return
    share = counts["n_seen"] / counts["n"]
    sentence = f"{share:.0%} of {counts['n']:,} exposed learners have any event."
    if share >= FEW:
        yield Finding("with_events", "note", "events", sentence)
        return
    remedy = "Check that both tables name learners by the same id."
    yield Finding("no_events", "error" if not share else "warning", "events", sentence, remedy)


# --- small things


def _values(rows: ir.Table, column: str) -> list[tuple[Any, int]]:
    """A column's values and how often each is there, the most frequent first."""
    counts = rows.group_by(column).aggregate(n=rows.count())
    found = counts.order_by(ibis.desc("n")).limit(MOST_VALUES).to_pyarrow().to_pylist()
    return [(row[column], int(row["n"])) for row in found]


def _one(table: ir.Table) -> dict[str, Any]:
    row: dict[str, Any] = table.to_pyarrow().to_pylist()[0]
    return row


def _aware(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at


def _day(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _list(names: Any) -> str:
    listed = [str(name)[:60] for name in names]
    more = f" and {len(listed) - 8} more" if len(listed) > 8 else ""
    return ", ".join(listed[:8]) + more or "none"
