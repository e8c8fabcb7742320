"""Which experiments matter at the moment: to namespaces, and to SDKs."""

from collections.abc import Sequence
from typing import Final

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import Select

from experiment_server.experiments.lifecycle import State
from experiment_server.experiments.models import Experiment, ExperimentPhase

OPEN: Final = (State.RUNNING.value, State.PAUSED.value)


def list_open(
    session: Session, environment_id: int
) -> Sequence[tuple[Experiment, ExperimentPhase]]:
    """What runs in an environment or is paused there, each with its current phase, by key."""
    query = _with_phase(environment_id).where(col(Experiment.state).in_(OPEN))
    return [(experiment, phase) for experiment, phase in session.exec(query)]


def list_deliverable(
    session: Session, environment_id: int
) -> Sequence[tuple[Experiment, ExperimentPhase | None]]:
    """All but archived experiments, each with its current or last phase, by key."""
    started = _with_phase(environment_id).where(Experiment.state != State.ARCHIVED.value)
    drafts = select(Experiment).where(
        Experiment.environment_id == environment_id, Experiment.state == State.DRAFT.value
    )
    found: list[tuple[Experiment, ExperimentPhase | None]] = [
        (experiment, phase) for experiment, phase in session.exec(started)
    ]
    found += [(draft, None) for draft in session.exec(drafts)]
    return sorted(found, key=lambda pair: pair[0].key)


def _with_phase(environment_id: int) -> Select[Experiment, ExperimentPhase]:
    return (
        select(Experiment, ExperimentPhase)
        .where(
            Experiment.environment_id == environment_id,
            ExperimentPhase.experiment_id == Experiment.id,
            ExperimentPhase.number == Experiment.phase,
        )
        .order_by(col(Experiment.key))
    )
