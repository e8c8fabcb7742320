"""A small program with one experiment and learners who lived through it, through the real door."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from experiment_server.environments.models import Environment
from experiment_server.experiments import service as experiments
from experiment_server.experiments.models import Experiment
from experiment_server.ingest.service import receive
from experiment_server.metrics import service as metrics
from experiment_server.security.roles import SYSTEM
from experiment_server.state import State
from tests.factories import make_environment

START = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday
DAY = timedelta(days=1)
WINDOW_DAYS = 7
KEY = "streak-bonus"


@dataclass(frozen=True)
class Lived:
    """The state of a server, and what happened there."""

    state: State
    environment: Environment
    experiment: Experiment


class Clock:
    """A clock that stands where a test put it."""

    def __init__(self, now):
        self.now = now

    def __call__(self):
        return self.now


def live(
    settings, database, *, n_learners=400, better=0.0, metric="challenges", co_primaries=()
) -> Lived:
    """Learners in two variants over three weeks; the treatment does ``better`` challenges more.

    Three looks are planned, after 14, 21 and 28 days; the clock stands at day 40.
    """
    state = State(settings=settings, database=database, clock=Clock(START + 40 * DAY))
    environment = make_environment(database)
    roles = {metric: "primary", **dict.fromkeys(co_primaries, "co_primary")}
    experiment = _define(state, environment, roles)
    items = lives(n_learners, better)
    for first in range(0, len(items), 1_000):
        receipt = receive(
            database, environment.id, items[first : first + 1_000], state.clock(), may_describe=True
        )
        assert not receipt.refused, receipt.refused[0]
    return Lived(state, environment, experiment)


def lives(n_learners, better=0.0):
    """What the learners' LMS sends: exposures and events."""
    rng = np.random.default_rng(7)
    items = []
    for n in range(n_learners):
        items += _life(rng, n, better)
    return items


def _define(state, environment, roles):
    now = START - DAY
    with state.database.write() as session:
        for key, kind, kinds in (
            ("challenges", "count", ["challenge_completed"]),
            ("energy", "score", []),
        ):
            values = {
                "title": key.title(),
                "description": "",
                "kind": kind,
                "event_kinds": kinds,
                "direction": "increase",
                "window_days": WINDOW_DAYS,
                "minimum_effect": 0.5 if key == "challenges" else 3.0,
                "cap": None,
                "unit_label": key,
            }
            metrics.create_metric(session, SYSTEM, key, values, now)
        wish = {
            "key": KEY,
            "title": "Streak bonus",
            "hypothesis": "A bonus for streaks brings people back.",
            "domain": "incentive",
            "unit_kind": "learner",
            "variants": [
                {"key": "plain", "title": "Plain", "weight": 1, "payload": None},
                {"key": "bonus", "title": "Bonus", "weight": 1, "payload": None},
            ],
            "coverage": 1.0,
            "condition": {},
            "namespace": None,
            "forced": {},
            "metrics": [
                {"metric": metric, "role": role, "minimum_effect": None}
                for metric, role in roles.items()
            ],
            "analysis": {},
            "schedule": {"looks": 3, "first_after_days": 14, "every_days": 7},
        }
        experiment = experiments.create_experiment(session, SYSTEM, environment, wish, now)
        experiments.start_experiment(session, SYSTEM, experiment, now, START - DAY)
    return experiment


def _life(rng, n, better):
    learner = f"learner-{n}"
    variant = ("plain", "bonus")[n % 2]
    met_at = START + float(rng.uniform(0, 20)) * DAY
    rate = 2.0 + (better if variant == "bonus" else 0.0)
    yield {
        "type": "exposure",
        "id": f"x-{n}",
        "experiment": KEY,
        "variant": variant,
        "learner": learner,
        "at": met_at.isoformat(),
    }
    yield from _week(rng, n, "before", met_at - WINDOW_DAYS * DAY, 2.0)
    yield from _week(rng, n, "after", met_at, rate)


def _week(rng, n, part, start, rate):
    for k in range(int(rng.poisson(rate))):
        at = start + float(rng.uniform(0, WINDOW_DAYS)) * DAY
        yield {
            "type": "event",
            "id": f"e-{n}-{part}-{k}",
            "kind": "challenge_completed",
            "learner": f"learner-{n}",
            "at": at.isoformat(),
        }
