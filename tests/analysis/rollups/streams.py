"""Random streams of rows in random batches, as sealing would bring them; and exact comparisons."""

from dataclasses import fields, is_dataclass, replace
from datetime import timedelta
from itertools import count

import numpy as np

from analysis.plan import MetricPlan
from tests.analysis.lakes import day, description, event, exposure
from tests.analysis.test_collect import KINDS, METRICS, plan_of

REVENUE = MetricPlan(
    "revenue", "Revenue", "sum", event_kinds=("sale", "outcome:revenue"), window_days=10
)
CERTIFIED = MetricPlan(
    "certified", "Days to a course", "time_to_event", event_kinds=("course_completed",),
    window_days=14, direction="decrease",
)  # fmt: skip
MEDIAN = MetricPlan(
    "median", "Median sale", "quantile", event_kinds=("sale",), quantile=0.5, window_days=12
)
_ids = count(1)
FEW = (METRICS[0], METRICS[1], METRICS[4], METRICS[7])


def plan_with(*more, unit_kind="learner", **changes):
    """A plan with one metric of each way to tally, and more."""
    return plan_of(unit_kind, metrics=(*FEW, *more), **changes)


def learner_plan(**changes):
    """All that learners can be asked."""
    modelled = replace(METRICS[2], key="modelled", covariate="model")
    more = (REVENUE, CERTIFIED, MEDIAN, modelled)
    return plan_with(*more, take_up_kinds=("reward_claimed",), **changes)


class Stream:
    """What may still come: learners, repeated and earlier exposures, late events, corrections."""

    def __init__(self, seed, unit_kind="learner", n_learners=30):
        self.rng = np.random.default_rng(seed)
        self.unit_kind = unit_kind
        self.n_learners = n_learners

    def batch(self):
        """Rows of one sealing, by table; any of them may be empty."""
        some = self.rng.integers(0, 40, 3)
        return {
            "exposures": [self._exposure() for _ in range(some[0] // 3)],
            "events": [self._event() for _ in range(some[1] * 3)],
            "outcomes": [self._outcome() for _ in range(some[2] // 2)],
            "learners": [description(self._who()) for _ in range(some[2] % 2)],
        }

    def _who(self):
        return f"learner-{self.rng.integers(self.n_learners)}"

    def _exposure(self):
        number = int(self.rng.integers(self.n_learners))
        team = number % 6 if self.rng.random() < 0.9 else int(self.rng.integers(6))
        index = team if self.unit_kind == "team" else number
        variant = ("control", "double")[(index + (self.rng.random() < 0.02)) % 2]
        unit = f"team-{team}" if self.unit_kind == "team" else None
        # Whole days too, so that windows begin and end exactly at an event or at the look.
        at = day(float(self.rng.choice([self.rng.integers(0, 44), self.rng.uniform(0, 44)])))
        role = (None, "seller", "manager")[number % 3]
        return exposure(f"learner-{number}", variant, at, unit=unit, role=role)

    def _event(self):
        at = day(float(self.rng.choice([self.rng.integers(-20, 60), self.rng.uniform(-20, 60)])))
        value = None if self.rng.random() < 0.5 else float(np.round(self.rng.normal(20, 30), 3))
        late = at + timedelta(days=float(self.rng.uniform(0, 30)))
        kind = KINDS[self.rng.integers(len(KINDS))]
        return event(self._who(), kind, at, value, received_at=late)

    def _outcome(self):
        value = float(np.round(self.rng.gamma(2, 40), 2))
        received_at = day(float(self.rng.integers(0, 60)))
        return outcome(self._who(), int(self.rng.integers(0, 40)), value, received_at)


def outcome(learner, on_day, value, received_at):
    """One row of the outcomes table."""
    return {
        "event_id": f"o{next(_ids)}",
        "learner": learner,
        "name": "revenue",
        "day": day(on_day).date(),
        "value": value,
        "received_at": received_at,
    }


def exactly(found):
    """Everything in a result, down to the last bit, in a form that can be compared."""
    if is_dataclass(found):
        return {each.name: exactly(getattr(found, each.name)) for each in fields(found)}
    if isinstance(found, dict):
        return {str(key): exactly(value) for key, value in found.items()}
    if isinstance(found, np.ndarray):
        return exactly(found.tolist())
    if isinstance(found, list | tuple):
        return [exactly(each) for each in found]
    return found.hex() if isinstance(found, float) else found


def rows_of(rollup):
    """A roll-up's rows as sets: the order of a table's rows means nothing."""

    def as_set(table):
        return {tuple(row.items()) for row in table.to_pylist()}

    parts = {name: as_set(table) for name, table in rollup.rows.items()}
    return {"met": as_set(rollup.met), **parts, "received": dict(rollup.received)}
