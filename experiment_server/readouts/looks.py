"""Which looks an experiment has, and which of them are due. Arithmetic on its schedule."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlmodel import Session, col, select

from experiment_server.environments.models import Environment
from experiment_server.experiments.models import Experiment, ExperimentPhase
from experiment_server.experiments.plans import look_times
from experiment_server.readouts.models import StoredReadout

READ_STATES: Final = ("running", "stopped")  # an archived experiment is read no more


@dataclass(frozen=True)
class Look:
    """One planned time of reading."""

    number: int  # from 1
    at: datetime
    final: bool  # the last one: it spends all alpha that is left


def plan_looks(experiment: Experiment, phase: ExperimentPhase) -> list[Look]:
    """Every look of a phase, in order.

    A phase that was stopped early has its last look where it stopped: nobody new was exposed after.
    """
    times = look_times(experiment, phase)
    n_planned = phase.design["schedule"]["looks"]
    looks = []
    for number, at in enumerate(times, start=1):
        if phase.stopped_at is not None and at >= phase.stopped_at:
            looks.append(Look(number, phase.stopped_at, final=True))
            break
        looks.append(Look(number, at, final=number == n_planned))
    return looks


@dataclass(frozen=True)
class DueLook:
    """A look that nobody has read yet, although its time has come."""

    environment: Environment
    experiment: Experiment
    phase: ExperimentPhase
    look: Look

    @property
    def scope(self) -> str:
        """The look's experiment, as a slot names it."""
        return f"{self.environment.key}/{self.experiment.key}"


def list_due(session: Session, now: datetime) -> list[DueLook]:
    """The next unread look of every experiment, where its time has come."""
    found = session.exec(
        select(Experiment, ExperimentPhase, Environment)
        .where(ExperimentPhase.experiment_id == Experiment.id)
        .where(ExperimentPhase.number == Experiment.phase)
        .where(Environment.id == Experiment.environment_id)
        .where(col(Experiment.state).in_(READ_STATES))
        .order_by(col(Experiment.id))
    )
    due = []
    for experiment, phase, environment in found:
        look = next_look(session, experiment, phase)
        if look is not None and look.at <= now:
            due.append(DueLook(environment, experiment, phase, look))
    return due


def next_look(session: Session, experiment: Experiment, phase: ExperimentPhase) -> Look | None:
    """The first look that is not read yet; None: all are."""
    read = set(
        session.exec(
            select(StoredReadout.look)
            .where(StoredReadout.experiment_id == experiment.id)
            .where(StoredReadout.phase == phase.number)
            .where(col(StoredReadout.look).is_not(None))
        )
    )
    return next((look for look in plan_looks(experiment, phase) if look.number not in read), None)
