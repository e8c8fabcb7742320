"""Load a table: read, refuse what cannot be analysed, gather sufficient statistics."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import duckdb
import ibis

from analysis.statistics.clusters import ClusterSums
from analysis.statistics.collected import COVARIATE, OUTCOME, Statistic
from analysis.statistics.gather import gather_cluster_sums, gather_moments
from analysis.statistics.moments import Moments

from .request import TableError, TableRequest

MOST_VARIANTS: Final = 20
LARGEST: Final = 1e100  # beyond, squares leave the range of a double
MISSING_WORDS: Final = ("", "NA", "N/A", "NaN", "nan", "NULL", "null", "None")


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
    with _engine_errors_as_ours(path):
        raw = _open(connection, path)
        _refuse_unknown_columns(raw, path, request)
        rows = _typed(raw, request).cache()
        _refuse_bad_numbers(rows, request)
        n_missing = _count_missing(rows, request)
        named = rows.filter(rows.unit.notnull(), rows.variant.notnull(), rows.cluster.notnull())
        straight, n_crossed = _drop_crossed(named)
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


@contextmanager
def _engine_errors_as_ours(path: Path) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        first = str(error).strip().splitlines()[0]
        raise TableError(f"{path}: cannot be read: {first}") from error


def _open(connection: Any, path: Path) -> ibis.Table:
    if not path.exists():
        raise TableError(f"{path}: there is no such file")
    if not path.is_file():
        raise TableError(f"{path}: is not a file; name one CSV or Parquet file")
    if path.stat().st_size == 0:
        raise TableError(f"{path}: the file is empty; expected a header line and one row per unit")
    suffix = path.suffix.lower()
    if suffix == ".csv":
        # As text first: a unit called 007 stays 007, and a bad number can be named.
        return connection.read_csv(
            path, all_varchar=True, header=True, nullstr=list(MISSING_WORDS), ignore_errors=False
        )
    if suffix == ".parquet":
        return connection.read_parquet(path)
    raise TableError(f"{path}: found the extension {suffix!r}, expected .csv or .parquet")


def _refuse_unknown_columns(table: ibis.Table, path: Path, request: TableRequest) -> None:
    wanted = [request.unit, request.variant, *request.outcomes]
    wanted += [name for name in (request.covariate, request.cluster) if name is not None]
    for name in wanted:
        if name not in table.columns:
            close = get_close_matches(name, table.columns, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            found = ", ".join(table.columns[:20])
            raise TableError(f"{path}: there is no column {name!r} (found: {found}){hint}")
    if len(set(request.outcomes)) < len(request.outcomes):
        raise TableError("--outcome: the same column is named twice")


def _typed(raw: ibis.Table, request: TableRequest) -> ibis.Table:
    """Our own column names: unit, variant, cluster, and per number its text and its value."""
    columns: dict[str, Any] = {
        "unit": _as_key(raw[request.unit]),
        "variant": _as_key(raw[request.variant]),
        "cluster": _as_key(raw[request.cluster or request.unit]),
    }
    for label, name in _numbers(request).items():
        column = raw[name]
        if not (column.type().is_numeric() or column.type().is_boolean()):
            if not column.type().is_string():
                raise TableError(f"{name}: found {column.type()} values, expected numbers")
            text = column.strip()
            column = text.nullif("")
            value = column.try_cast("float64")
        else:
            value = column.cast("float64")
        columns[f"{label}_text"] = column.cast("string")
        columns[label] = value.isnan().ifelse(ibis.null("float64"), value)
        columns[f"{label}_is_text"] = column.notnull() & value.isnull()
    return raw.select(**columns)


def _as_key(column: Any) -> Any:
    return column.cast("string").strip().nullif("")


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


def _drop_crossed(rows: ibis.Table) -> tuple[ibis.Table, int]:
    """The rows of units and clusters that are in one variant only, and how many are not."""
    n_crossed = 0
    for key in ("unit", "cluster"):
        seen = rows.group_by(key).aggregate(n_variants=rows.variant.nunique())
        crossed = seen.filter(seen.n_variants > 1)
        # Where no cluster is named it is the unit itself, and then nothing is left to find.
        n_crossed += int(crossed.count().to_pyarrow().as_py())
        rows = rows.anti_join(crossed, key)
    return rows.cache(), n_crossed


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
