"""Collected statistics from arrays in memory: what the pass over a lake would bring back."""

from datetime import UTC, datetime, timedelta

import numpy as np

from analysis.plan import AnalysisPlan, MetricPlan
from analysis.statistics.clusters import ClusterSums
from analysis.statistics.collected import Collected
from analysis.statistics.moments import Moments

START = datetime(2026, 1, 5, tzinfo=UTC)
SCORE = MetricPlan(
    "energize",
    "Energize Score",
    kind="score",
    role="primary",
    minimum_effect=2.0,
    unit_label="points",
)


def plan(metrics=(SCORE,), variants=("control", "double"), days=56, **changes):
    values = {
        "experiment": "points",
        "title": "Double points",
        "domain": "incentive",
        "unit_kind": "learner",
        "variants": tuple(variants),
        "weights": tuple(1 / len(variants) for _ in variants),
        "metrics": tuple(metrics),
        "started_at": START,
        "as_of": START + timedelta(days=days),
        "final": True,
    }
    return AnalysisPlan(**{**values, **changes})


def moments(outcome, covariate=None):
    if covariate is None:
        return Moments.of(("outcome",), np.asarray(outcome, dtype=float)[:, None])
    return Moments.of(("outcome", "covariate"), np.column_stack([outcome, covariate]))


def learners(seed=0, n=1000, effects=(0.0,), sd=20.0, rho=0.6, variants=("control", "double")):
    """Arrays (outcome, covariate) of each variant; the control's effect is 0."""
    rng = np.random.default_rng(seed)
    arrays = {}
    for variant, effect in zip(variants, (0.0, *effects), strict=True):
        before = rng.normal(50, sd, n)
        after = 50 + rho * (before - 50) + rng.normal(0, sd * (1 - rho**2) ** 0.5, n)
        arrays[variant] = (after + effect, before)
    return arrays


def collected(metrics, trend=None, n_exposed=None, n_crossed=0, received=None):
    """``metrics``: key -> variant -> statistic; counts follow the first of them."""
    first = next(iter(metrics.values()))
    units = {
        variant: s.n_clusters if isinstance(s, ClusterSums) else s.n for variant, s in first.items()
    }
    n_learners = {
        variant: s.n_learners if isinstance(s, ClusterSums) else s.n for variant, s in first.items()
    }
    return Collected(
        n_exposed=n_exposed or units,
        n_mature=units,
        n_learners=n_learners,
        n_crossed=n_crossed,
        metrics=metrics,
        trend=trend or {},
        latest_received_at=received or START + timedelta(days=400),
    )


def teams(rng, n_teams, size=15, effect=0.0, icc=0.1, sd=20.0, rho=0.6):
    """ClusterSums of ``n_teams`` teams, sizes around ``size``."""
    n = rng.integers(max(2, size // 2), size * 2, n_teams)
    level = rng.normal(0, sd * icc**0.5, n_teams)
    rows = []
    for count, at in zip(n, level, strict=True):
        before = rng.normal(50 + at, sd * (1 - icc) ** 0.5, count)
        after = 50 + effect + at + rho * (before - 50 - at)
        after += rng.normal(0, sd * ((1 - icc) * (1 - rho**2)) ** 0.5, count)
        rows.append([after.sum(), before.sum()])
    return ClusterSums(("outcome", "covariate"), n, np.array(rows))
