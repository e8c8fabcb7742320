"""How far learners come in a course, and which step loses more of them than a step usually does."""

from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final

import ibis
from ibis.expr import types as ir

from analysis.learning.reading.history import MIN_CELL, History

_COURSES: Final = 6
_TIME_TO_FINISH_DAYS: Final = 28


@dataclass(frozen=True)
class Step:
    """One step of a course: how many came so far."""

    course: str
    step: int
    label: str
    n: int
    n_begun: int

    @property
    def share(self) -> float:
        """Share of those who began the course."""
        return self.n / self.n_begun


@dataclass(frozen=True)
class Loss:
    """Learners lost between two steps."""

    before: Step
    after: Step
    usual: float  # what the other steps of the course lose, median

    @property
    def share(self) -> float:
        """Share of those at the step before who did not reach the next."""
        return 1 - self.after.n / self.before.n

    @property
    def excess(self) -> float:
        """Learners lost beyond what a step of this course usually loses."""
        return self.before.n * (self.share - self.usual)


def read_funnels(history: History) -> tuple[tuple[Step, ...], ...]:
    """The funnel of each of the largest courses, the largest first.

    Only learners who began at least four weeks ago: the others may still be on their way.
    """
    events = history.events
    inside = events.filter(events.course.notnull())
    begun = inside.group_by(["course", "learner"]).aggregate(
        began=inside.day.min(),
        reached=inside.step.max(),
        completed=(inside.kind == "course_completed").any(),
    )
    old_enough = begun.filter(
        begun.began <= history.as_of_day - _TIME_TO_FINISH_DAYS,
        begun.reached.notnull() | begun.completed,
    )
    counts = old_enough.group_by(["course", "reached", "completed"]).aggregate(n=ibis._.count())
    rows: dict[str, list[tuple[int | None, bool, int]]] = {}
    for row in counts.to_pyarrow().to_pylist():
        rows.setdefault(row["course"], []).append(
            (row["reached"], bool(row["completed"]), int(row["n"]))
        )
    labels = _labels(inside)
    funnels = [_funnel(course, found, labels.get(course, {})) for course, found in rows.items()]
    shown = [funnel for funnel in funnels if len(funnel) > 1 and funnel[0].n_begun >= MIN_CELL]
    return tuple(sorted(shown, key=lambda steps: (-steps[0].n_begun, steps[0].course))[:_COURSES])


def worst_loss(funnels: tuple[tuple[Step, ...], ...]) -> Loss | None:
    """The step that loses most learners beyond what a step of its course usually loses."""
    losses = [loss for funnel in funnels for loss in _losses(funnel)]
    return max(losses, key=lambda loss: loss.excess, default=None)


def _losses(funnel: tuple[Step, ...]) -> list[Loss]:
    pairs = [(before, after) for before, after in pairwise(funnel) if before.n >= MIN_CELL]
    shares = [1 - after.n / before.n for before, after in pairs]
    losses = []
    for place, (before, after) in enumerate(pairs):
        others = shares[:place] + shares[place + 1 :]
        losses.append(Loss(before, after, median(others) if others else 0.0))
    return losses


def _labels(inside: ir.Table) -> dict[str, dict[int, str]]:
    """Course -> each of its steps and what it is called: the activity most often named with it."""
    steps = inside.filter(inside.step.notnull())
    counts = steps.group_by(["course", "step", "activity"]).aggregate(n=steps.count())
    best = ibis.window(
        group_by=["course", "step"],
        order_by=[counts.activity.isnull(), ibis.desc("n"), "activity"],
    )
    ranked = counts.mutate(place=ibis.row_number().over(best))
    labels: dict[str, dict[int, str]] = {}
    for row in ranked.filter(ranked.place == 0).to_pyarrow().to_pylist():
        label = row["activity"] or f"step {row['step']}"
        labels.setdefault(row["course"], {})[row["step"]] = label
    return labels


def _funnel(
    course: str, rows: list[tuple[int | None, bool, int]], labels: dict[int, str]
) -> tuple[Step, ...]:
    n_begun = sum(n for _, _, n in rows)
    furthest = max((reached for reached, _, _ in rows if reached is not None), default=0)
    found = [
        Step(
            course,
            step,
            labels[step],
            # Who finished the course has passed every step, logged or not.
            sum(n for reached, done, n in rows if done or (reached or 0) >= step),
            n_begun,
        )
        for step in sorted(labels)
        if step <= furthest
    ]
    n_completed = sum(n for _, done, n in rows if done)
    if n_completed:
        found.append(Step(course, furthest + 1, "completed", n_completed, n_begun))
    return tuple(found)
