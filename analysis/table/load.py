"""Load a table: refuse what cannot be analysed, gather sufficient statistics."""

from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import ibis

from analysis.statistics.clusters import ClusterSums
from analysis.statistics.collected import COVARIATE, OUTCOME, Statistic
from analysis.statistics.gather import gather_cluster_sums, gather_moments
from analysis.statistics.moments import Moments

from .read import File, engine_errors_as_ours, open_file
from .request import TableError, TableRequest

MOST_VARIANTS: Final = 20
LARGEST: Final = 1e50  # beyond, fourth powers leave the range of a double
NAMELESS: Final = ("", "NA", "N/A", "NaN", "nan", "NULL", "null")
"""What stands for no unit, variant or cluster, unless the request names such a variant."""

NUMBERLESS: Final = (*NAMELESS, "None")
"""What stands for a missing number."""

TRUTHS: Final = {"true": 1.0, "false": 0.0}


@dataclass(frozen=True)
class Loaded:
    """What a table holds, by variant; the control comes first."""

    variants: tuple[str, ...]
    n_units: dict[str, int]  # randomised units: clusters when the request names some
    n_crossed: int  # randomised units that are in several variants: left out
    n_missing: dict[str, int]  # column -> rows without a value
    statistics: dict[str, dict[str, Statistic]]  # outcome -> variant -> statistic


def load_table(path: Path, request: TableRequest) -> Loaded:
    """The table's statistics, one query an outcome.

    Raises:
        TableError: the message says which column or value, and what would be right.
    """
    connection = ibis.duckdb.connect()
    with engine_errors_as_ours(path):
        file = open_file(connection, path)
        _refuse_unknown_columns(file.names, path, request)
        rows = _typed(file, request).cache()
        _refuse_bad_numbers(rows, request)
        n_missing = _count_missing(rows, request)
        named = rows.filter(rows.unit.notnull(), rows.variant.notnull(), rows.cluster.notnull())
        straight, n_crossed = _drop_crossed(named, request)
        _refuse_repeated_units(straight, request)
        n_units = _count_units(straight)
        variants = _order_variants(n_units, path, request)
        return Loaded(
            variants=variants,
            n_units={variant: n_units[variant] for variant in variants},
            n_crossed=n_crossed,
            n_missing=n_missing,
            statistics={
                name: _statistics(straight, number, variants, request)
                for number, name in enumerate(request.outcomes)
            },
        )


def _refuse_unknown_columns(names: tuple[str, ...], path: Path, request: TableRequest) -> None:
    wanted = [request.unit, request.variant, *request.outcomes]
    wanted += [name for name in (request.covariate, request.cluster) if name is not None]
    for name in wanted:
        if name not in names:
            close = get_close_matches(name, names, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            found = ", ".join(names[:20])
            raise TableError(f"{path}: there is no column {name!r} (found: {found}){hint}")
        if names.count(name) > 1:
            raise TableError(f"{path}: there are {names.count(name)} columns {name!r}; rename one")
    if len(set(request.outcomes)) < len(request.outcomes):
        raise TableError("--outcome: the same column is named twice")


def _typed(file: File, request: TableRequest) -> ibis.Table:
    """Our own column names: unit, variant, cluster, and per number its text and its value."""
    spare = {request.control, *request.weights}
    found: dict[str, Any] = {
        "unit": _without(NAMELESS, file.column(request.unit).cast("string")),
        "variant": _without(set(NAMELESS) - spare, file.column(request.variant).cast("string")),
        "cluster": _without(NAMELESS, file.column(request.cluster or request.unit).cast("string")),
    }
    for label, name in _numbers(request).items():
        found[label] = _as_found(file.column(name), name)
    # Kept before numbers are made of it: else the engine works every step out again in each use.
    rows = file.table.select(**found).cache()
    for label in _numbers(request):
        value = _as_number(rows[label])
        rows = rows.mutate(
            **{
                f"{label}_text": rows[label].cast("string"),
                f"{label}_is_text": rows[label].notnull() & value.isnull(),
                label: value.nullif(ibis.literal(float("nan"))),
            }
        )
    return rows


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
    """Our label of each number column -> its name in the file."""
    found = {f"o{number}": name for number, name in enumerate(request.outcomes)}
    if request.covariate is not None:
        found["x"] = request.covariate
    return found


def _refuse_bad_numbers(rows: ibis.Table, request: TableRequest) -> None:
    for label, name in _numbers(request).items():
        bad = rows.filter(rows[f"{label}_is_text"] | (rows[label].abs() > LARGEST))
        first = bad.select("unit", f"{label}_text").limit(1).to_pyarrow().to_pylist()
        if first:
            text = first[0][f"{label}_text"]
            raise TableError(
                f"{name}: found {text!r} (unit {first[0]['unit']}), expected a finite number;"
                " for a missing value leave the cell empty"
            )


def _count_missing(rows: ibis.Table, request: TableRequest) -> dict[str, int]:
    labels = {"unit": request.unit, "variant": request.variant}
    if request.cluster is not None:
        labels["cluster"] = request.cluster
    labels |= _numbers(request)
    counts = {label: rows[label].isnull().sum().cast("int64") for label in labels}
    found = rows.aggregate(**counts, n_rows=rows.count()).to_pyarrow().to_pylist()[0]
    if not found["n_rows"]:
        raise TableError("the table has no rows; expected one row per unit")
    return {name: int(found[label] or 0) for label, name in labels.items()}


def _drop_crossed(rows: ibis.Table, request: TableRequest) -> tuple[ibis.Table, int]:
    """The rows of units and clusters that are in one variant only, and how many are not."""
    n_crossed = 0
    for key in ("unit", "cluster"):
        seen = rows.group_by(key).aggregate(n_variants=rows.variant.nunique())
        crossed = seen.filter(seen.n_variants > 1)
        # Where no cluster is named it is the unit itself, and then nothing is left to find.
        n_crossed += int(crossed.count().to_pyarrow().as_py())
        rows = rows.anti_join(crossed, key)
    straight = rows.cache()
    if n_crossed and not straight.count().to_pyarrow().as_py():
        name = request.cluster or request.unit
        raise TableError(
            f"{name}: every one is in several variants, so it is not what was randomised;"
            " name the column that was, or leave --cluster out"
        )
    return straight, n_crossed


def _refuse_repeated_units(rows: ibis.Table, request: TableRequest) -> None:
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


def _order_variants(n_units: dict[str, int], path: Path, request: TableRequest) -> tuple[str, ...]:
    found = sorted(n_units)
    shown = ", ".join(found[:MOST_VARIANTS])
    if not found:
        raise TableError(f"{path}: no row has a unit and a variant")
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


def _statistics(
    rows: ibis.Table, number: int, variants: tuple[str, ...], request: TableRequest
) -> dict[str, Statistic]:
    values = {OUTCOME: rows[f"o{number}"]}
    if request.covariate is not None:
        values[COVARIATE] = rows["x"]
    used = rows.select("variant", "cluster", **values).drop_null(list(values))
    names = tuple(values)
    if request.cluster is not None:
        teams = gather_cluster_sums(used, ["variant"], "cluster", names)
        return {v: teams.get((v,), ClusterSums.empty(names)) for v in variants}
    moments = gather_moments(used, ["variant"], names)
    return {v: moments.get((v,), Moments.empty(names)) for v in variants}
