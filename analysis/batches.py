"""The pass over the lake for a bandit: batch by batch, because shares depend on what came before.

Only learners whose window is complete when their batch ends count: later they may meet another
variant.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np

from .collect import collect
from .energize.norms import Norms
from .lake.reader import Lake
from .plan import AnalysisPlan
from .statistics.batches import Batches
from .statistics.collected import OUTCOME, Collected, Statistic
from .statistics.moments import Moments


def collect_batches(plan: AnalysisPlan, lake: Lake, norms: Norms | None = None) -> Collected:
    """What the lake knows about a bandit; ``plan.batches`` says when each batch was."""
    found = [
        collect(
            replace(plan, started_at=batch.started_at, as_of=min(batch.ended_at, plan.as_of)),
            lake,
            norms,
        )
        for batch in plan.batches
        if batch.started_at < plan.as_of
    ]
    return Collected(
        n_exposed=_added(plan, [each.n_exposed for each in found]),
        n_mature=_added(plan, [each.n_mature for each in found]),
        n_learners=_added(plan, [each.n_learners for each in found]),
        n_crossed=sum(each.n_crossed for each in found),
        metrics={
            metric.key: _batches(plan, [each.metrics[metric.key] for each in found])
            for metric in plan.metrics
        },
        latest_received_at=_latest([each.latest_received_at for each in found]),
        shares=_shares(plan, [sum(each.n_exposed.values()) for each in found]),
    )


def _batches(plan: AnalysisPlan, found: Sequence[Mapping[str, Statistic]]) -> dict[str, Statistic]:
    columns = (OUTCOME,)
    return {
        variant: Batches.of_parts(columns, [_outcome(each.get(variant)) for each in found])
        for variant in plan.variants
    }


def _outcome(statistic: Statistic | None) -> Moments:
    """The outcome alone: batches add up by their precision, so parts of it would not."""
    if not isinstance(statistic, Moments) or not statistic.n:
        return Moments.empty((OUTCOME,))
    at = [statistic.columns.index(OUTCOME)]
    return Moments((OUTCOME,), statistic.n, statistic.mean[at], statistic.m2[np.ix_(at, at)])


def _added(plan: AnalysisPlan, counts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    return {variant: sum(each[variant] for each in counts) for variant in plan.variants}


def _shares(plan: AnalysisPlan, n_exposed: Sequence[int]) -> tuple[float, ...]:
    """What share of all learners each variant should have, as the batches were planned."""
    total = sum(n_exposed)
    if not total:
        return plan.weights
    planned = [batch.shares for batch in plan.batches[: len(n_exposed)]]
    return tuple((np.array(n_exposed) @ np.array(planned) / total).tolist())


def _latest(times: Sequence[datetime | None]) -> datetime | None:
    return max((at for at in times if at is not None), default=None)
