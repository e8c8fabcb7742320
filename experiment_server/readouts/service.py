"""Stored readouts: what was found at each look, never changed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from analysis.plan import AnalysisPlan, PreviousLook
from analysis.results import Readout, Verdict
from experiment_server.environments.models import Environment
from experiment_server.experiments.models import Experiment
from experiment_server.problems import Problem, not_found
from experiment_server.readouts.models import StoredReadout

_WARNINGS: Final = frozenset({Verdict.ROLL_BACK, Verdict.DO_NOT_USE})  # valid at any time


def store(
    session: Session,
    experiment: Experiment,
    plan: AnalysisPlan,
    readout: Readout,
    now: datetime,
) -> StoredReadout:
    """A readout as a row, for good; ``plan.look`` 0 stands for one between the planned looks.

    Raises:
        Problem: 409, when the look was read before.
    """
    if experiment.id is None:
        raise ValueError(f"experiment {experiment.key!r} is not stored yet")
    row = StoredReadout(
        experiment_id=experiment.id,
        phase=plan.phase,
        look=plan.look or None,
        as_of=plan.as_of,
        verdict=str(readout.decision.verdict),
        plan=plan.to_json(),
        body=readout.to_json(),
        created_at=now,
    )
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:
        raise Problem(
            409,
            f"Look {plan.look} of phase {plan.phase} of {experiment.key!r} was read before. "
            "A readout is never changed; ask for one between the looks instead.",
        ) from error
    return row


def load(session: Session, readout_id: int) -> StoredReadout:
    """One stored readout.

    Raises:
        Problem: 404.
    """
    found = session.get(StoredReadout, readout_id)
    if found is None:
        raise not_found("readout", readout_id)
    return found


def list_readouts(
    session: Session, experiment: Experiment, phase: int | None = None
) -> Sequence[StoredReadout]:
    """An experiment's readouts, oldest first; of one phase, or of all."""
    query = select(StoredReadout).where(StoredReadout.experiment_id == experiment.id)
    if phase is not None:
        query = query.where(StoredReadout.phase == phase)
    return session.exec(query.order_by(col(StoredReadout.as_of), col(StoredReadout.id))).all()


def list_lake_versions(
    session: Session, environment: Environment, since: datetime
) -> list[dict[str, int]]:
    """The lake versions that an environment's readouts from a time on were computed from."""
    query = (
        select(StoredReadout.plan)
        .join(Experiment, col(StoredReadout.experiment_id) == col(Experiment.id))
        .where(Experiment.environment_id == environment.id)
        .where(StoredReadout.created_at >= since)
    )
    return [plan.get("lake_version", {}) for plan in session.exec(query)]


def headline(readouts: Sequence[StoredReadout]) -> StoredReadout | None:
    """The readout that speaks for an experiment, out of one phase's, oldest first.

    It is the latest planned look: a readout by hand names no winner and must not hide one. Only
    its warnings, which hold at any time, go before an older look: that of a harmful variant among
    others that go on, too.
    """
    speaking = [row for row in readouts if row.look is not None or _warns(row)]
    candidates = speaking or readouts
    return candidates[-1] if candidates else None


def _warns(row: StoredReadout) -> bool:
    return row.verdict in _WARNINGS or bool(row.body["decision"].get("take_out"))


def latest_look(session: Session, experiment: Experiment, until: datetime) -> StoredReadout | None:
    """The latest planned look of the current phase that was read as of this time or earlier."""
    return session.exec(
        select(StoredReadout)
        .where(StoredReadout.experiment_id == experiment.id)
        .where(StoredReadout.phase == experiment.phase)
        .where(col(StoredReadout.look).is_not(None))
        .where(StoredReadout.as_of <= until)
        .order_by(col(StoredReadout.as_of).desc(), col(StoredReadout.look).desc())
        .limit(1)
    ).first()


def list_previous_looks(
    session: Session, experiment: Experiment, phase: int
) -> tuple[PreviousLook, ...]:
    """What the phase's planned looks have spent so far."""
    found = []
    for row in list_readouts(session, experiment, phase):
        sequential = row.body.get("sequential")
        if row.look is not None and sequential is not None:
            found.append(
                PreviousLook(
                    look=row.look,
                    information_fraction=sequential["information_fraction"],
                    alpha_spent=sequential["alpha_spent"],
                    crossed=sequential["crossed"],
                    co_information={
                        each["metric"]: each["information_fraction"]
                        for each in sequential.get("co_primaries", ())
                    },
                    co_crossed=tuple(
                        each["metric"]
                        for each in sequential.get("co_primaries", ())
                        if each["crossed"]
                    ),
                )
            )
    return tuple(sorted(found, key=lambda look: look.look))


def to_readout(row: StoredReadout) -> Readout:
    """The readout that a row holds."""
    return Readout.from_json(row.body)


def summary(row: StoredReadout) -> dict[str, Any]:
    """A readout in a list: what was decided, and when."""
    decision = row.body["decision"]
    return {
        "id": row.id,
        "experiment": row.body["experiment"],
        "phase": row.phase,
        "look": row.look,
        "as_of": row.as_of.isoformat(),
        "verdict": row.verdict,
        "winner": decision["winner"],
        "reason": decision["reason"],
        "created_at": row.created_at.isoformat(),
    }
