"""Gather sufficient statistics in the engine: ONE query each, rows never leave it."""

from collections.abc import Sequence
from itertools import combinations_with_replacement
from typing import Any

import ibis
import numpy as np

from .clusters import ClusterSums
from .moments import Moments


def gather_moments(
    table: ibis.Table, by: Sequence[str], columns: Sequence[str]
) -> dict[tuple[Any, ...], Moments]:
    """The moments of each group of rows, one row a unit.

    The engine's own variance and covariance aggregates are used: they update centred sums, where
    sums of raw squares lose every digit when the mean is large.

    Args:
        table: one row per unit.
        by: columns whose values form the key; none gives the single key ``()``.
        columns: numeric columns without missing values.

    Raises:
        ValueError: a column has missing values.
    """
    pairs = list(combinations_with_replacement(range(len(columns)), 2))
    values = [table[name].cast("float64") for name in columns]
    aggregates = {"n": table.count()}
    for i, value in enumerate(values):
        aggregates[f"present_{i}"] = value.count()
        aggregates[f"mean_{i}"] = value.mean()
    for i, j in pairs:
        aggregates[f"cross_{i}_{j}"] = (
            values[i].var(how="pop") if i == j else values[i].cov(values[j], how="pop")
        )
    return {
        tuple(row[name] for name in by): _moments_of(row, tuple(columns), pairs)
        for row in _aggregate(table, by, aggregates)
        if row["n"]
    }


def gather_cluster_sums(
    table: ibis.Table, by: Sequence[str], cluster: str, columns: Sequence[str]
) -> dict[tuple[Any, ...], ClusterSums]:
    """The number of learners and the column sums of each cluster, by group.

    Args:
        table: one row per learner.
        by: columns whose values form the key; none gives the single key ``()``.
        cluster: the column that names the randomised cluster.
        columns: numeric columns without missing values.

    Raises:
        ValueError: a column has missing values.
    """
    aggregates = {"n": table.count()}
    for i, name in enumerate(columns):
        aggregates[f"present_{i}"] = table[name].count()
        aggregates[f"sum_{i}"] = table[name].cast("float64").sum()
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in _aggregate(table, [*by, cluster], aggregates):
        groups.setdefault(tuple(row[name] for name in by), []).append(row)
    return {key: _sums_of(rows, cluster, tuple(columns)) for key, rows in groups.items()}


def _aggregate(
    table: ibis.Table, by: Sequence[str], aggregates: dict[str, Any]
) -> list[dict[str, Any]]:
    grouped = table.group_by(list(by)) if by else table
    rows: list[dict[str, Any]] = grouped.aggregate(**aggregates).to_pyarrow().to_pylist()
    return rows


def _refuse_missing(row: dict[str, Any], columns: tuple[str, ...]) -> None:
    for i, name in enumerate(columns):
        if row[f"present_{i}"] != row["n"]:
            missing = row["n"] - row[f"present_{i}"]
            raise ValueError(
                f"{name}: {missing} of {row['n']} values are missing; drop or fill them first"
            )


def _moments_of(
    row: dict[str, Any], columns: tuple[str, ...], pairs: list[tuple[int, int]]
) -> Moments:
    _refuse_missing(row, columns)
    k = len(columns)
    m2 = np.zeros((k, k))
    for i, j in pairs:
        m2[i, j] = m2[j, i] = row[f"cross_{i}_{j}"] * row["n"]
    mean = np.array([row[f"mean_{i}"] for i in range(k)], dtype=np.float64)
    return Moments(columns, int(row["n"]), mean, m2)


def _sums_of(rows: list[dict[str, Any]], cluster: str, columns: tuple[str, ...]) -> ClusterSums:
    for row in rows:
        _refuse_missing(row, columns)
    # The engine returns groups in any order; sums of floats depend on it.
    ordered = sorted(rows, key=lambda row: str(row[cluster]))
    sums = [[row[f"sum_{i}"] for i in range(len(columns))] for row in ordered]
    return ClusterSums(
        columns,
        np.array([row["n"] for row in ordered], dtype=np.int64),
        np.array(sums, dtype=np.float64).reshape(len(ordered), len(columns)),
    )
