"""A lived program with an experiment of each design, in one small lake, for engines to agree on."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from analysis.lake.reader import Lake
from analysis.plan import AnalysisPlan, BatchPlan, CrossoverPlan, MetricPlan
from tests.analysis.lakes import (
    REGIONS,
    ROLES,
    Population,
    day,
    event,
    exposure,
    population_lake,
    write_lake,
)

N_LEARNERS = 160
TODAY = day(84)
METRICS = (
    MetricPlan("energize", "Energize Score", "score", "primary", window_days=28),
    MetricPlan("sales", "Sales", "sum", event_kinds=("sale",), window_days=21, cap=400.0),
    MetricPlan(
        "amount",
        "Amount",
        "sum",
        event_kinds=("sale",),
        window_days=14,
        cap_quantile=0.9,
        floor=5.0,
    ),
    MetricPlan(
        "revenue",
        "Revenue",
        "sum",
        event_kinds=("outcome:revenue",),
        window_days=20,
        role="secondary",
    ),
    MetricPlan("posts", "Posts", "count", event_kinds=("peer_post", "peer_comment"), window_days=7),
    MetricPlan("sold", "Sold", "proportion", event_kinds=("sale",), window_days=14),
    MetricPlan("still", "Still there", "retention", "guardrail", window_days=21, margin=0.1),
    MetricPlan("days", "Active days", "active_days", window_days=14, covariate="model"),
    MetricPlan("long", "Active days, long", "active_days", window_days=63),
    MetricPlan(
        "worth",
        "Worth of a session",
        "ratio",
        event_kinds=("sale", "course_progressed"),
        denominator_kinds=("session_started",),
        window_days=12,
    ),
    MetricPlan(
        "replies",
        "Comments a post",
        "rate",
        event_kinds=("peer_comment",),
        denominator_kinds=("peer_post",),
        window_days=16,
    ),
    MetricPlan("first", "Days to a sale", "time_to_event", event_kinds=("sale",), window_days=20),
    MetricPlan("typical", "Sale", "quantile", event_kinds=("sale",), quantile=0.5, window_days=18),
)
FOR_TEAMS = tuple(
    metric for metric in METRICS if metric.kind != "time_to_event" and metric.covariate != "model"
)
IN_PERIODS = tuple(
    MetricPlan(**{**vars(metric), "window_days": 7, "covariate": "window"})
    for metric in METRICS
    if metric.key in ("energize", "sales", "posts", "days")
)
ORDERS = {"order-1": ("text", "video"), "order-2": ("video", "text")}
PLACES = {f"{key}/{at}": (key, at) for key in ORDERS for at in (1, 2)}


def _plan(experiment: str, **changes: Any) -> AnalysisPlan:
    given = {
        "experiment": experiment,
        "title": experiment.title(),
        "domain": "incentive",
        "unit_kind": "learner",
        "variants": ("control", "double"),
        "weights": (0.5, 0.5),
        "metrics": METRICS,
        "started_at": day(42),
        "as_of": TODAY,
        "final": True,
        "score_version": "test",
    }
    return AnalysisPlan(**{**given, **changes})


PLANS = {
    "learners": _plan("points", strata=("role", "stratum"), take_up_kinds=("reward_claimed",)),
    "teams": _plan("teams", unit_kind="team", metrics=FOR_TEAMS),
    "crossover": _plan(
        "order",
        variants=("text", "video"),
        metrics=IN_PERIODS,
        crossover=CrossoverPlan(14, 2, ORDERS, PLACES),
    ),
    "bandit": _plan(
        "bandit",
        metrics=IN_PERIODS[:1],
        batches=tuple(BatchPlan(day(at), day(at + 14), (0.5, 0.5)) for at in (42, 56)),
    ),
}


def lived_program(root: Path) -> Lake:
    """The lake, seeded: it is the same each time."""
    population_lake(
        root, Population(n_learners=N_LEARNERS, days=84, seed=11, sales_per_propensity=6.0)
    )
    rng = np.random.default_rng(5)
    events = [
        event(f"learner-{n:05d}", "reward_claimed", day(float(at)), value=3.5, activity="mug")
        for n in range(0, N_LEARNERS, 2)
        for at in (44 + rng.random(), 57 + rng.random())  # on two days: each is a file
    ]
    # Another commit, so that tables are several files; an enormous amount, twice, that must not
    # overflow anything.
    events += [event("learner-00001", "sale", day(60.5 + n), value=1e15) for n in range(2)]
    return write_lake(
        root, events=events, exposures=list(_exposures(rng)), outcomes=list(_outcomes(rng))
    )


def _exposures(rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    for n in range(N_LEARNERS):
        learner = f"learner-{n:05d}"
        known = {"role": ROLES[n % 3] if n % 7 else None, "region": REGIONS[n % 2]}
        at = float(rng.choice([rng.integers(42, 60), rng.uniform(42, 60)]))
        stratum = f"list-{n % 4}" if n % 5 else None
        variant = ("control", "double")[(n // 2) % 2]
        yield exposure(learner, variant, day(at), stratum=stratum, **known)
        if n % 20 == 3:  # crossed over: left out
            yield exposure(learner, "double", day(at + 1), **known)
        team = n // 8
        yield exposure(
            learner,
            ("control", "double")[team % 2],
            day(at),
            unit=f"team-{team:03d}",
            experiment="teams",
            **known,
        )
        order = f"order-{1 + n % 2}"
        for period in (1, 2):
            begins = 42 + 14 * (period - 1) + float(rng.uniform(0, 3))
            yield exposure(learner, f"{order}/{period}", day(begins), experiment="order", **known)
        batch = 42 + 14 * (n % 2)
        yield exposure(
            learner, variant, day(batch + float(rng.uniform(0, 4))), experiment="bandit", **known
        )


def _outcomes(rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Revenue by day; some facts are corrected a day later, twice at once."""
    for n in range(0, N_LEARNERS, 2):
        for offset in range(2, 84, 7):
            on: date = day(float(offset)).date()
            for repeat in range(3 if (n + offset) % 9 < 2 else 1):
                yield {
                    "event_id": f"o-{n}-{offset}-{repeat}",
                    "learner": f"learner-{n:05d}",
                    "name": "revenue",
                    "day": on,
                    "value": float(rng.gamma(2.0, 50.0)),
                    "received_at": day(float(offset)) + timedelta(days=1 + min(repeat, 1)),
                }
