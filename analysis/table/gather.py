"""Gather: each outcome's sufficient statistics, by variant and by segment."""

from collections.abc import Sequence
from typing import Any

import ibis

from analysis.quantiles import no_values, quantiles_of
from analysis.statistics.clusters import ClusterSums
from analysis.statistics.collected import COVARIATE, DENOMINATOR, OUTCOME, TAKEN, Statistic
from analysis.statistics.gather import gather_cluster_sums, gather_moments
from analysis.statistics.life import LifeTable
from analysis.statistics.moments import Moments
from analysis.statistics.strata import Strata

from .request import Outcome, TableRequest

BySegment = dict[str, dict[str, Statistic]]  # level -> variant -> statistic


def gather_outcome(
    rows: ibis.Table,
    outcome: Outcome,
    labels: dict[str, str],
    variants: tuple[str, ...],
    request: TableRequest,
) -> dict[str, Statistic]:
    """One outcome's statistic of each variant.

    Args:
        rows: one row a unit, with ``variant``, ``cluster`` and the numbers.
        outcome: what to gather.
        labels: the file's name of each number -> its column in ``rows``.
        variants: each gets a statistic, if an empty one.
        request: covariates, clusters, strata.
    """
    if outcome.kind == "quantile":
        return _quantiles(rows, outcome, labels, variants)
    if outcome.kind == "survival":
        lives = _lives(rows, outcome, labels, ["variant"], variants)
        nobody = LifeTable.of(1.0, ())
        return {variant: lives.get((variant,), nobody) for variant in variants}
    used, names = _used(rows, outcome, labels, request)
    if request.cluster is not None:
        teams = gather_cluster_sums(used, ["variant"], "cluster", names)
        return {v: teams.get((v,), ClusterSums.empty(names)) for v in variants}
    if request.strata and outcome.kind == "mean":
        return _strata(used, names, variants, request)
    moments = gather_moments(used, ["variant"], names)
    return {v: moments.get((v,), Moments.empty(names)) for v in variants}


def gather_take_up(
    rows: ibis.Table, labels: dict[str, str], variants: tuple[str, ...], request: TableRequest
) -> dict[str, Moments]:
    """The primary's outcome and who took the variant up, of each variant; {}: it is not asked."""
    if request.took is None:
        return {}
    values = {
        OUTCOME: rows[labels[request.primary.columns[0]]],
        TAKEN: rows[labels[request.took]],
    }
    used = rows.select("variant", **values).drop_null(list(values))
    found = gather_moments(used, ["variant"], tuple(values))
    return {variant: found.get((variant,), Moments.empty(tuple(values))) for variant in variants}


def gather_by_segment(
    rows: ibis.Table, outcome: Outcome, labels: dict[str, str], by: str, request: TableRequest
) -> BySegment:
    """One outcome's statistic of each level of a segment and each variant, in one query."""
    cells: dict[Any, Any]
    if outcome.kind == "survival":
        every = [
            row["variant"] for row in rows.select("variant").distinct().to_pyarrow().to_pylist()
        ]
        cells = _lives(rows, outcome, labels, ["variant", by], every)
    else:
        used, names = _used(rows, outcome, labels, request)
        cells = gather_moments(used, ["variant", by], names)
    found: BySegment = {}
    for variant, level in sorted(cells):
        found.setdefault(level, {})[variant] = cells[variant, level]
    return found


def covariate_names(request: TableRequest) -> tuple[str, ...]:
    """The statistic's columns of the covariates: one is CUPED's, several are numbered."""
    if len(request.covariates) < 2:
        return (COVARIATE,) * len(request.covariates)
    return tuple(f"{COVARIATE}_{at}" for at in range(len(request.covariates)))


def _used(
    rows: ibis.Table, outcome: Outcome, labels: dict[str, str], request: TableRequest
) -> tuple[ibis.Table, tuple[str, ...]]:
    """The rows without a gap, and the columns that the statistic gets."""
    values = {OUTCOME: rows[labels[outcome.columns[0]]]}
    if outcome.kind == "ratio":
        values[DENOMINATOR] = rows[labels[outcome.columns[1]]]
    else:
        pairs = zip(covariate_names(request), request.covariates, strict=True)
        values |= {name: rows[labels[column]] for name, column in pairs}
    keys = [f"s{at}" for at in range(len(request.strata))]
    keys += [f"g{at}" for at in range(len(request.segments))]
    used = rows.select("variant", "cluster", *keys, **values).drop_null(list(values))
    return used, tuple(values)


def _strata(
    used: ibis.Table, names: tuple[str, ...], variants: tuple[str, ...], request: TableRequest
) -> dict[str, Statistic]:
    keys = [f"s{at}" for at in range(len(request.strata))]
    cells = gather_moments(used, ["variant", *keys], names)
    found: dict[str, Statistic] = {}
    for variant in variants:
        parts = {
            ", ".join(f"{name}={level}" for name, level in zip(request.strata, key, strict=True)): m
            for (mine, *key), m in sorted(cells.items())
            if mine == variant
        }
        found[variant] = Strata.of_parts(names, parts)
    return found


def _quantiles(
    rows: ibis.Table, outcome: Outcome, labels: dict[str, str], variants: tuple[str, ...]
) -> dict[str, Statistic]:
    value = rows[labels[outcome.columns[0]]]
    values = rows.select("variant", unit=rows.cluster, learner=rows.unit, value=value)
    found = quantiles_of(values.drop_null(["value"]).cache(), outcome.share)
    return {variant: found.get(variant, no_values(outcome.share)) for variant in variants}


def _lives(
    rows: ibis.Table,
    outcome: Outcome,
    labels: dict[str, str],
    by: list[str],
    variants: Sequence[str],
) -> dict[tuple[Any, ...], LifeTable]:
    """Life tables up to the horizon; without one, as far as every variant was watched."""
    duration, event = (rows[labels[name]] for name in outcome.columns)
    lives = rows.select(*by, time=duration, event=event).drop_null(["time", "event"])
    counted = lives.group_by([*by, "time", "event"]).aggregate(n=lives.count())
    groups: dict[tuple[Any, ...], list[tuple[float, bool, int]]] = {}
    for row in counted.to_pyarrow().to_pylist():
        entry = (row["time"], row["event"] == 1, int(row["n"]))
        groups.setdefault(tuple(row[name] for name in by), []).append(entry)
    longest = dict.fromkeys(variants, 0.0)
    for key, entries in groups.items():
        longest[key[0]] = max(longest[key[0]], *(time for time, *_ in entries))
    horizon = outcome.horizon or min(longest.values()) or 1.0
    return {key: LifeTable.of(horizon, entries) for key, entries in groups.items()}
