"""Bandits for messages: batches with shares of their own, each a phase of the experiment.

Every batch hashes anew, so that within it the split is an honest experiment. What a batch's phase
knows of the ones before stands in its design: ``batches`` [{started_at, ended_at, shares}], oldest
first, of those that are over.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session

from analysis.plan import BatchPlan
from experiment_server.environments.service import touch_payload
from experiment_server.experiments.bandit_errors import bandit_of
from experiment_server.experiments.models import Experiment, ExperimentPhase
from experiment_server.experiments.pauses import read_pauses, shifted
from experiment_server.experiments.service import move_on, note, plain
from experiment_server.security.roles import SYSTEM

NEXT_BATCH: Final = "The next batch began."


def batch_ends_at(phase: ExperimentPhase) -> datetime | None:
    """When the current batch is over; None while nobody can know, or when it is no bandit.

    Once the experiment's one look is due, no other batch follows.
    """
    bandit = bandit_of(phase.design)
    if bandit is None:
        return None
    end = shifted(
        phase.started_at + timedelta(days=bandit["every_days"]), read_pauses(phase.pauses)
    )
    return end if end is not None and end < read_at(phase) else None


def read_at(phase: ExperimentPhase) -> datetime:
    """When a bandit's one look is due: nothing moves from then on."""
    return began_at(phase) + timedelta(days=phase.design["schedule"]["first_after_days"])


def began_at(phase: ExperimentPhase) -> datetime:
    """When the first batch began; of an experiment that is no bandit, when its phase did."""
    batches = phase.design.get("batches")
    return datetime.fromisoformat(batches[0]["started_at"]) if batches else phase.started_at


def batches_of(phase: ExperimentPhase) -> tuple[BatchPlan, ...]:
    """Every batch so far; the one that runs ends when it is read. () for what is no bandit."""
    if bandit_of(phase.design) is None:
        return ()
    past = tuple(
        BatchPlan(
            datetime.fromisoformat(each["started_at"]),
            datetime.fromisoformat(each["ended_at"]),
            tuple(each["shares"]),
        )
        for each in phase.design.get("batches", ())
    )
    until = phase.stopped_at or datetime.max.replace(tzinfo=phase.started_at.tzinfo)
    return (*past, BatchPlan(phase.started_at, until, _shares(phase)))


def begin_next_batch(
    session: Session, experiment: Experiment, phase: ExperimentPhase,
    shares: Mapping[str, float], now: datetime,
) -> ExperimentPhase:  # fmt: skip
    """End a batch and begin the next one, with a seed and shares of its own."""
    before = plain(experiment)
    over = {
        "started_at": phase.started_at.isoformat(),
        "ended_at": now.isoformat(),
        "shares": list(_shares(phase)),
    }
    variants = [
        {**variant, "weight": shares[variant["key"]]} for variant in phase.design["variants"]
    ]
    phase.stopped_at, phase.stop_reason = now, NEXT_BATCH
    experiment.phase += 1
    move_on(experiment, now)
    following = ExperimentPhase(
        experiment_id=phase.experiment_id,
        number=experiment.phase,
        seed=f"{experiment.key}:{experiment.phase}",
        started_at=now,
        design={
            **phase.design,
            "variants": variants,
            "batches": [*phase.design.get("batches", ()), over],
        },
    )
    session.add(following)
    session.flush()
    touch_payload(session, experiment.environment_id)
    note(session, SYSTEM, "next_batch", experiment, before)
    return following


def _shares(phase: ExperimentPhase) -> tuple[float, ...]:
    return tuple(variant["weight"] for variant in phase.design["variants"])
