"""Load a table: refuse what cannot be analysed, gather sufficient statistics."""

from collections.abc import Collection
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final

import ibis

from analysis.engines.duckdb import open_session
from analysis.statistics.collected import Statistic
from analysis.statistics.moments import Moments

from .cap import Cap, capped
from .cells import Cells, cells_of
from .gather import BySegment, gather_by_segment, gather_outcome, gather_take_up
from .read import File, Source, engine_errors_as_ours, name_of, open_source
from .request import LARGEST, TableError, TableRequest

MOST_VARIANTS: Final = 20
MOST_LEVELS: Final = 200
NAMELESS: Final = ("", "NA", "N/A", "NaN", "nan", "NULL", "null")
"""What stands for no unit, variant or cluster, unless the request names such a variant."""

NUMBERLESS: Final = (*NAMELESS, "None")
"""What stands for a missing number."""

TRUTHS: Final = {"true": 1.0, "false": 0.0}

UNKNOWN: Final = "unknown"
"""The stratum or segment of rows that do not say theirs."""


@dataclass(frozen=True)
class Loaded:
    """What a table holds, by variant; the control comes first."""

    variants: tuple[str, ...]
    n_units: dict[str, int]  # randomised units: clusters when the request names some
    n_crossed: int  # randomised units that are in several variants: left out
    n_missing: dict[str, int]  # column -> rows without a value
    statistics: dict[str, dict[str, Statistic]]  # outcome -> variant -> statistic
    segments: dict[str, BySegment] = field(default_factory=dict)  # column -> level -> variant
    caps: dict[str, Cap] = field(default_factory=dict)  # by column; {}: nothing was capped
    take_up: dict[str, Moments] = field(default_factory=dict)  # variant -> outcome and ``taken``
    cells: Cells = field(default_factory=dict)  # variant -> its level of each factor


def load_table(source: Source, request: TableRequest) -> Loaded:
    """The table's statistics, one query an outcome.

    Raises:
        TableError: the message says which column or value, and what would be right.
    """
    connection = open_session()
    name = name_of(source)
    with engine_errors_as_ours(name):
        file = open_source(connection, source)
        _refuse_unknown_columns(file.names, name, request)
        rows = _typed(file, request).cache()
        _refuse_bad_numbers(rows, request)
        _refuse_bad_values(rows, request)
        n_missing = _count_missing(rows, request)
        named = rows.filter(rows.unit.notnull(), rows.variant.notnull(), rows.cluster.notnull())
        straight, n_crossed = _drop_crossed(named, request)
        _refuse_repeated_units(straight, request)
        n_units = _count_units(straight)
        variants = _order_variants(n_units, name, request)
        labels = _numbers(request)
        straight, within, caps = capped(straight, labels, request)
        of_means = labels | within
        return Loaded(
            variants=variants,
            n_units={variant: n_units[variant] for variant in variants},
            n_crossed=n_crossed,
            n_missing=n_missing,
            statistics={
                each.key: gather_outcome(
                    straight, each, of_means if each.kind == "mean" else labels, variants, request
                )
                for each in request.compared
            },
            segments={
                column: _segment(
                    straight,
                    column,
                    at,
                    of_means if request.primary.kind == "mean" else labels,
                    request,
                )
                for at, column in enumerate(request.segments)
            },
            caps=caps,
            take_up=gather_take_up(straight, of_means, variants, request),
            cells=cells_of(straight, request, variants),
        )


def _segment(
    rows: ibis.Table, column: str, at: int, labels: dict[str, str], request: TableRequest
) -> BySegment:
    label = f"g{at}"
    n_levels = int(rows[label].nunique().to_pyarrow().as_py())
    if not 2 <= n_levels <= MOST_LEVELS:
        raise TableError(
            f"--segment: {column} has {n_levels} different values, expected 2 to {MOST_LEVELS};"
            " put numbers into bands first"
        )
    return gather_by_segment(rows, request.primary, labels, label, request)


def _refuse_unknown_columns(names: tuple[str, ...], source: str, request: TableRequest) -> None:
    wanted = [name for name in (request.unit, request.cluster) if name is not None]
    wanted += [request.variant, *_numbers(request), *request.strata, *request.segments]
    wanted += request.factors
    for name in wanted:
        if name not in names:
            close = get_close_matches(name, names, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            found = ", ".join(names[:20])
            raise TableError(f"{source}: there is no column {name!r} (found: {found}){hint}")
        if names.count(name) > 1:
            raise TableError(
                f"{source}: there are {names.count(name)} columns {name!r}; rename one"
            )


def _typed(file: File, request: TableRequest) -> ibis.Table:
    """Our own column names: unit, variant, cluster, and per number its text and its value."""
    spare = {request.control, *request.weights}
    row_number = ibis.row_number().cast("string")
    unit = row_number if request.unit is None else _text(file, request.unit)
    found: dict[str, Any] = {
        "unit": unit,
        "variant": _without(set(NAMELESS) - spare, file.column(request.variant).cast("string")),
        "cluster": unit if request.cluster is None else _text(file, request.cluster),
    }
    for prefix, names in (("s", request.strata), ("g", request.segments), ("f", request.factors)):
        for at, name in enumerate(names):
            found[f"{prefix}{at}"] = _text(file, name).fill_null(UNKNOWN)
    for name, label in _numbers(request).items():
        found[label] = _as_found(file.column(name), name)
    # Kept before numbers are made of it: else the engine works every step out again in each use.
    rows = file.table.select(**found).cache()
    for label in _numbers(request).values():
        value = _as_number(rows[label])
        rows = rows.mutate(
            **{
                f"{label}_text": rows[label].cast("string"),
                f"{label}_is_text": rows[label].notnull() & value.isnull(),
                label: value.nullif(ibis.literal(float("nan"))),
            }
        )
    return rows


def _text(file: File, name: str) -> Any:
    return _without(NAMELESS, file.column(name).cast("string"))


def _without(words: Collection[str], column: Any) -> Any:
    """A text column, trimmed, with null where it holds one of these words."""
    text = column.strip()
    return text.isin(sorted(words)).ifelse(ibis.null("string"), text)


def _as_found(column: Any, name: str) -> Any:
    kind = column.type()
    if kind.is_numeric() or kind.is_boolean():
        return column
    if not kind.is_string():
        raise TableError(f"{name}: found {kind} values, expected numbers")
    return _without(NUMBERLESS, column)


def _as_number(column: Any) -> Any:
    if not column.type().is_string():
        return column.cast("float64")
    truths = [(column.lower() == word, value) for word, value in TRUTHS.items()]
    return ibis.cases(*truths, else_=column.try_cast("float64"))


def _numbers(request: TableRequest) -> dict[str, str]:
    """The name of each column of numbers in the file -> our label of it."""
    names = [name for each in request.compared for name in each.columns]
    names += [*request.covariates, *((request.took,) if request.took is not None else ())]
    return {name: f"c{at}" for at, name in enumerate(dict.fromkeys(names))}


def _refuse_bad_numbers(rows: ibis.Table, request: TableRequest) -> None:
    for name, label in _numbers(request).items():
        bad = rows.filter(rows[f"{label}_is_text"] | (rows[label].abs() > LARGEST))
        first = bad.select("unit", f"{label}_text").limit(1).to_pyarrow().to_pylist()
        if first:
            text = first[0][f"{label}_text"]
            raise TableError(
                f"{name}: found {text!r} ({_which(first[0]['unit'], request)}), expected a finite"
                " number; for a missing value leave the cell empty"
            )


def _refuse_bad_values(rows: ibis.Table, request: TableRequest) -> None:
    """Times before the start, events that are neither, and shares of a variant beyond all of it."""
    labels = _numbers(request)
    checks = []
    for duration, event in (each.columns for each in request.compared if each.kind == "survival"):
        happened = rows[labels[event]].isin([0.0, 1.0])
        checks += [
            (duration, rows[labels[duration]] < 0, "a duration of 0 or more"),
            (event, ~happened, "1 (it happened) or 0 (not yet)"),
        ]
    if request.took is not None:
        outside = ~rows[labels[request.took]].between(0.0, 1.0)
        checks.append((request.took, outside, "0 to 1: how much of its variant the unit took up"))
    for name, is_bad, expected in checks:
        bad = rows.filter(is_bad).select("unit", value=rows[labels[name]]).limit(1)
        for row in bad.to_pyarrow().to_pylist():
            raise TableError(
                f"{name}: found {row['value']:g} ({_which(row['unit'], request)}),"
                f" expected {expected}"
            )


def _which(unit: str | None, request: TableRequest) -> str:
    return f"row {int(unit or 0) + 1}" if request.unit is None else f"unit {unit}"


def _count_missing(rows: ibis.Table, request: TableRequest) -> dict[str, int]:
    labels = {request.variant: "variant"}
    labels |= {request.unit: "unit"} if request.unit is not None else {}
    labels |= {request.cluster: "cluster"} if request.cluster is not None else {}
    labels |= _numbers(request)
    counts = {label: rows[label].isnull().sum().cast("int64") for label in labels.values()}
    found = rows.aggregate(**counts, n_rows=rows.count()).to_pyarrow().to_pylist()[0]
    if not found["n_rows"]:
        raise TableError("the table has no rows; expected one row per unit")
    for name, label in labels.items():
        if found[label] == found["n_rows"]:
            raise TableError(
                f"{name}: every one of {found['n_rows']} rows is empty; is it the right column,"
                " and was it filled in?"
            )
    return {name: int(found[label] or 0) for name, label in labels.items()}


def _drop_crossed(rows: ibis.Table, request: TableRequest) -> tuple[ibis.Table, int]:
    """The rows of units and clusters that are in one variant only, and how many are not."""
    n_crossed = 0
    for key in ("unit", "cluster"):
        seen = rows.group_by(key).aggregate(n_variants=rows.variant.nunique())
        crossed = seen.filter(seen.n_variants > 1)
        # Where no cluster is named it is the unit itself, and then nothing is left to find.
        n_crossed += int(crossed.count().to_pyarrow().as_py())
        rows = rows.anti_join(crossed, key)
    # In a fixed order, so that sums of floats come out the same whenever they are computed again.
    straight = rows.order_by("unit").cache()
    if n_crossed and not straight.count().to_pyarrow().as_py():
        name = request.cluster or request.unit
        raise TableError(
            f"{name}: every one is in several variants, so it is not what was randomised;"
            " name the column that was, or leave --cluster out"
        )
    return straight, n_crossed


def _refuse_repeated_units(rows: ibis.Table, request: TableRequest) -> None:
    if request.unit is None:
        return
    repeated = rows.group_by("unit").aggregate(n=rows.count())
    first = repeated.filter(repeated.n > 1).order_by("unit").limit(1).to_pyarrow().to_pylist()
    if first:
        raise TableError(
            f"{request.unit}: {first[0]['unit']!r} has {first[0]['n']} rows, expected one row per"
            " unit; add up or average each unit's rows first"
        )


def _count_units(rows: ibis.Table) -> dict[str, int]:
    counts = rows.group_by("variant").aggregate(n=rows.cluster.nunique())
    return {row["variant"]: int(row["n"]) for row in counts.to_pyarrow().to_pylist()}


def _order_variants(n_units: dict[str, int], source: str, request: TableRequest) -> tuple[str, ...]:
    found = sorted(n_units)
    shown = ", ".join(found[:MOST_VARIANTS])
    if not found:
        raise TableError(f"{source}: no row has a unit and a variant")
    if len(found) > MOST_VARIANTS:
        raise TableError(
            f"{request.variant}: found {len(found)} different values, expected at most"
            f" {MOST_VARIANTS} variants; is it the right column?"
        )
    if request.control not in found:
        raise TableError(
            f"--control: found {request.control!r}, expected a value of {request.variant}: {shown}"
        )
    if len(found) < 2:
        raise TableError(
            f"{request.variant}: found only {shown}, expected the control and one variant more"
        )
    if request.weights and set(request.weights) != set(found):
        named = ", ".join(sorted(request.weights))
        raise TableError(f"--weights: found {named}, expected a share for each of {shown}")
    return (request.control, *(variant for variant in found if variant != request.control))
