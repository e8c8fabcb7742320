"""The readouts that speak for experiments that are over."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlmodel import Session, col, select

from experiment_server.experiments.models import Experiment, ExperimentPhase
from experiment_server.readouts.models import StoredReadout
from experiment_server.readouts.service import headline

_OVER: Final = ("stopped", "archived")
_UNUSABLE: Final = "DO NOT USE"


@dataclass(frozen=True)
class PastReadout:
    """An experiment that is over, with the readout that speaks for it."""

    experiment: Experiment
    row: StoredReadout


def estimated(metric: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """Of a stored readout's metric: treatment -> effect and standard error, where there is one."""
    return {
        estimate["variant"]: (estimate["effect"], estimate["se"])
        for estimate in metric["estimates"]
        if "remedy" not in estimate and estimate["se"] > 0
    }


def past_readouts(
    session: Session,
    environment_id: int | None,
    *,
    over_by: datetime | None = None,
    but: int | None = None,
) -> list[PastReadout]:
    """Every experiment of an environment that is over, oldest first.

    A readout that may not be used, such as one with a broken split, says nothing.

    Args:
        session: of the transaction.
        environment_id: whose experiments.
        over_by: only what had ended, and was read, by then; None: up to now.
        but: the id of an experiment to leave out.
    """
    query = (
        select(Experiment, StoredReadout)
        .join(ExperimentPhase, col(ExperimentPhase.experiment_id) == col(Experiment.id))
        .join(StoredReadout, col(StoredReadout.experiment_id) == col(Experiment.id))
        .where(Experiment.environment_id == environment_id)
        .where(col(Experiment.state).in_(_OVER))
        .where(ExperimentPhase.number == Experiment.phase)
        .where(StoredReadout.phase == Experiment.phase)
        .order_by(col(Experiment.id), col(StoredReadout.as_of), col(StoredReadout.id))
    )
    if over_by is not None:
        query = query.where(col(ExperimentPhase.stopped_at) <= over_by)
        query = query.where(col(StoredReadout.as_of) <= over_by)
    if but is not None:
        query = query.where(Experiment.id != but)
    experiments: dict[int, Experiment] = {}
    readouts: dict[int, list[StoredReadout]] = {}
    for experiment, row in session.exec(query):
        experiments[row.experiment_id] = experiment
        readouts.setdefault(row.experiment_id, []).append(row)
    speaking = {number: headline(rows) for number, rows in readouts.items()}
    return [
        PastReadout(experiments[number], row)
        for number, row in speaking.items()
        if row is not None and row.verdict != _UNUSABLE
    ]
