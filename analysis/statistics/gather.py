"""Gather sufficient statistics in the engine: ONE query each, rows never leave it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations_with_replacement
from operator import add
from typing import Any, Final, TypeVar

import ibis
import numpy as np

from .clusters import ClusterSums
from .life import LifeTable
from .moments import Moments

Key = tuple[Any, ...]

S = TypeVar("S", Moments, LifeTable)

_ONE: Final = "one"


@dataclass(frozen=True)
class Wanted:
    """What one metric needs of each group."""

    columns: Mapping[str, str]  # the statistic's column -> the table's, numeric
    where: Any = None  # which rows count, a boolean column; None: all


def gather_moments(
    table: ibis.Table, by: Sequence[str], columns: Sequence[str]
) -> dict[Key, Moments]:
    """The moments of each group of rows, one row a unit.

    Args:
        table: one row per unit.
        by: columns whose values form the key; none gives the single key ``()``.
        columns: numeric columns without missing values.

    Raises:
        ValueError: a column has missing or infinite values.
    """
    wanted = {_ONE: Wanted({name: name for name in columns})}
    return {key: found[_ONE] for key, found in gather_all(table, by, wanted).items()}


def gather_all(
    table: ibis.Table, by: Sequence[str], wanted: Mapping[str, Wanted]
) -> dict[Key, dict[str, Moments]]:
    """The moments of every metric in each group, in one query.

    The engine's own variance and covariance aggregates are used: they update centred sums, where
    sums of raw squares lose every digit when the mean is large. Group by everything that will be
    asked for, and let ``fold`` add the groups up: that is exact, and reads the rows once.

    Args:
        table: one row per unit.
        by: columns whose values form the key; none gives the single key ``()``.
        wanted: metric -> its columns and rows; groups without such a row are left out.

    Raises:
        ValueError: a column has missing or infinite values.
    """
    aggregates: dict[str, Any] = {}
    for number, metric in enumerate(wanted.values()):
        aggregates |= _moments_aggregates(f"m{number}_", table, metric)
    found: dict[Key, dict[str, Moments]] = {}
    for row in _aggregate_finite(table, by, aggregates, wanted):
        of_group = {}
        for number, (name, metric) in enumerate(wanted.items()):
            prefix = f"m{number}_"
            if row[f"{prefix}n"] != row[f"{prefix}whole"]:
                _refuse_missing(table, metric)
            if row[f"{prefix}n"]:
                of_group[name] = _moments_of(row, prefix, metric)
        if of_group:
            found[tuple(row[name] for name in by)] = of_group
    return found


def gather_cluster_sums(
    table: ibis.Table, by: Sequence[str], cluster: str, columns: Sequence[str]
) -> dict[Key, ClusterSums]:
    """The number of learners and the column sums of each cluster, by group.

    Args:
        table: one row per learner.
        by: columns whose values form the key; none gives the single key ``()``.
        cluster: the column that names the randomised cluster.
        columns: numeric columns without missing values.

    Raises:
        ValueError: a column has missing values.
    """
    wanted = {_ONE: Wanted({name: name for name in columns})}
    gathered = gather_all_cluster_sums(table, by, cluster, wanted)
    return {key: found[_ONE] for key, found in gathered.items()}


def gather_all_cluster_sums(
    table: ibis.Table, by: Sequence[str], cluster: str, wanted: Mapping[str, Wanted]
) -> dict[Key, dict[str, ClusterSums]]:
    """The cluster sums of every metric in each group, in one query; see ``gather_all``."""
    aggregates: dict[str, Any] = {}
    for number, metric in enumerate(wanted.values()):
        prefix = f"m{number}_"
        aggregates |= _counts(prefix, table, metric)
        for name, column in metric.columns.items():
            value = table[column].cast("float64")
            aggregates[f"{prefix}sum_{name}"] = value.sum(where=metric.where)
            aggregates[f"{prefix}var_{name}"] = value.var(how="pop", where=metric.where)
    groups: dict[Key, dict[str, list[dict[str, Any]]]] = {}
    # The engine returns groups in any order; sums of floats depend on it.
    rows = _aggregate_finite(table, [*by, cluster], aggregates, wanted)
    for row in sorted(rows, key=lambda row: str(row[cluster])):
        group = groups.setdefault(tuple(row[name] for name in by), {})
        for number, (name, metric) in enumerate(wanted.items()):
            prefix = f"m{number}_"
            if row[f"{prefix}n"] != row[f"{prefix}whole"]:
                _refuse_missing(table, metric)
            if row[f"{prefix}n"]:
                group.setdefault(name, []).append(row)
    numbers = {name: f"m{number}_" for number, name in enumerate(wanted)}
    return {
        key: {
            name: _sums_of(rows, numbers[name], tuple(wanted[name].columns))
            for name, rows in group.items()
        }
        for key, group in groups.items()
        if group
    }


def fold(groups: Mapping[Key, S], keep: Sequence[int]) -> dict[Key, S]:
    """Groups added up over all parts of the key but those at ``keep``, in a fixed order."""
    apart: dict[Key, list[S]] = {}
    for key in sorted(groups, key=str):
        apart.setdefault(tuple(key[at] for at in keep), []).append(groups[key])
    return {key: _whole(parts) for key, parts in apart.items()}


def _whole(parts: list[S]) -> S:
    if isinstance(parts[0], LifeTable):
        return reduce(add, parts)
    # In one step: a segment may be made of thousands of groups.
    return parts[0].total(parts)


def _counts(prefix: str, table: ibis.Table, metric: Wanted) -> dict[str, Any]:
    """Rows, and rows without a missing value: one sum is missing where any of its terms is."""
    terms = [table[column].cast("float64") for column in metric.columns.values()]
    every = reduce(add, terms)
    return {
        f"{prefix}n": table.count(where=metric.where),
        f"{prefix}whole": every.count(where=metric.where),
    }


def _moments_aggregates(prefix: str, table: ibis.Table, metric: Wanted) -> dict[str, Any]:
    values = [table[column].cast("float64") for column in metric.columns.values()]
    aggregates = _counts(prefix, table, metric)
    for i, value in enumerate(values):
        aggregates[f"{prefix}mean_{i}"] = value.mean(where=metric.where)
    for i, j in combinations_with_replacement(range(len(values)), 2):
        aggregates[f"{prefix}cross_{i}_{j}"] = (
            values[i].var(how="pop", where=metric.where)
            if i == j
            else values[i].cov(values[j], how="pop", where=metric.where)
        )
    return aggregates


def _aggregate(
    table: ibis.Table, by: Sequence[str], aggregates: dict[str, Any]
) -> list[dict[str, Any]]:
    grouped = table.group_by(list(by)) if by else table
    rows: list[dict[str, Any]] = grouped.aggregate(**aggregates).to_pyarrow().to_pylist()
    return rows


def _aggregate_finite(
    table: ibis.Table,
    by: Sequence[str],
    aggregates: dict[str, Any],
    wanted: Mapping[str, Wanted],
) -> list[dict[str, Any]]:
    """The aggregates of each group; infinite values are refused by name."""
    try:
        return _aggregate(table, by, aggregates)
    except Exception as error:
        if "out of range" in str(error).lower():
            # DuckDB gives up on the variance of infinite values, without a name.
            _refuse_any_infinite(table, wanted.values())
        raise


def _refuse_missing(table: ibis.Table, metric: Wanted) -> None:
    rows = table if metric.where is None else table.filter(metric.where)
    for name, column in metric.columns.items():
        counts = rows.aggregate(n=rows.count(), present=rows[column].count())
        row = counts.to_pyarrow().to_pylist()[0]
        if row["present"] != row["n"]:
            missing = row["n"] - row["present"]
            raise ValueError(
                f"{name}: {missing} of {row['n']} values are missing; drop or fill them first"
            )


def _moments_of(row: dict[str, Any], prefix: str, metric: Wanted) -> Moments:
    columns = tuple(metric.columns)
    k, n = len(columns), int(row[f"{prefix}n"])
    mean = np.array([row[f"{prefix}mean_{i}"] for i in range(k)], dtype=np.float64)
    m2 = np.zeros((k, k))
    for i, j in combinations_with_replacement(range(k), 2):
        m2[i, j] = m2[j, i] = row[f"{prefix}cross_{i}_{j}"] * n
    _refuse_infinite(columns, mean + np.diag(m2))
    return Moments(columns, n, mean, m2)


def _sums_of(rows: list[dict[str, Any]], prefix: str, columns: tuple[str, ...]) -> ClusterSums:
    sums = np.array([[row[f"{prefix}sum_{name}"] for name in columns] for row in rows])
    _refuse_infinite(columns, sums.sum(axis=0))
    n = np.array([row[f"{prefix}n"] for row in rows], dtype=np.int64)
    spread = np.array([[row[f"{prefix}var_{name}"] for name in columns] for row in rows])
    shape = len(rows), len(columns)
    return ClusterSums(
        columns,
        n,
        sums.astype(np.float64).reshape(shape),
        spread.astype(np.float64).reshape(shape) * n[:, None],
    )


def _refuse_any_infinite(table: ibis.Table, wanted: Iterable[Wanted]) -> None:
    columns = sorted({column for metric in wanted for column in metric.columns.values()})
    values = {name: table[name].cast("float64") for name in columns}
    found = table.aggregate(**{name: (v.isinf() | v.isnan()).any() for name, v in values.items()})
    row = found.to_pyarrow().to_pylist()[0]
    _refuse_infinite(tuple(columns), np.array([np.inf if row[name] else 0.0 for name in columns]))


def _refuse_infinite(columns: tuple[str, ...], sums: np.ndarray) -> None:
    for name, value in zip(columns, sums, strict=True):
        if not np.isfinite(value):
            raise ValueError(
                f"{name}: a value is infinite or not a number; leave such rows out, or cap them"
            )
