"""Experiments: defining, starting, stopping, archiving."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlmodel import Session, col, select

from experiment_server.audit.service import record
from experiment_server.environments.models import Environment
from experiment_server.environments.service import touch_payload
from experiment_server.experiments.design import check_compiled, complete_design
from experiment_server.experiments.lifecycle import Action, State, next_state
from experiment_server.experiments.models import Experiment, ExperimentPhase
from experiment_server.flags.models import Flag
from experiment_server.metrics import service as metrics
from experiment_server.metrics.models import Metric
from experiment_server.problems import check_version, conflict, invalid, not_found, taken
from experiment_server.scores.models import ScoreVersion
from experiment_server.security.roles import Actor

EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
DESIGN: Final = (
    "unit_kind",
    "variants",
    "coverage",
    "condition",
    "namespace",
    "forced",
    "metrics",
    "analysis",
    "schedule",
)
FIELDS: Final = ("title", "hypothesis", "domain", *DESIGN)


def create_experiment(
    session: Session, actor: Actor, environment: Environment, wish: Mapping[str, Any], now: datetime
) -> Experiment:
    """A new draft; ``wish`` holds its key and the columns of ``FIELDS``.

    Raises:
        Problem: 422, naming every field that does not fit; 409 when the key is taken.
    """
    key = wish["key"]
    _check_key_is_free(session, environment, key)
    values = _whole(session, key, {name: wish[name] for name in FIELDS})
    experiment = Experiment(
        environment_id=_id(environment), key=key, created_at=now, updated_at=now, **values
    )
    session.add(experiment)
    session.flush()
    _note(session, actor, "create", experiment, before=None)
    return experiment


def change_experiment(
    session: Session,
    actor: Actor,
    experiment: Experiment,
    version: int,
    wish: Mapping[str, Any],
    now: datetime,
) -> Experiment:
    """Replace the definition of an experiment that does not run.

    Raises:
        Problem: 412 when ``version`` is not the current one; 409 while it runs; 422.
    """
    session.refresh(experiment, with_for_update=True)
    check_version(f"experiment {experiment.key}", version, experiment.version)
    next_state(experiment.key, experiment.state, Action.EDIT)
    before = plain(experiment)
    values = _whole(session, experiment.key, {name: wish[name] for name in FIELDS})
    for name, value in values.items():
        setattr(experiment, name, value)
    _move_on(experiment, now)
    _note(session, actor, "change", experiment, before)
    return experiment


def start_experiment(
    session: Session,
    actor: Actor,
    experiment: Experiment,
    now: datetime,
    started_at: datetime | None = None,
) -> ExperimentPhase:
    """Begin a phase: freeze the design, the metrics and the score's version, and deliver it.

    Args:
        session: of the transaction.
        actor: who starts it.
        experiment: a draft, or a stopped one, which begins a new phase with buckets of its own.
        now: the present.
        started_at: when it began, for importing history; the present if left out.

    Raises:
        Problem: 409 when it runs or is archived, or shares units with one that runs; 422 for a
            start in the future or before the last phase ended.
    """
    session.refresh(experiment, with_for_update=True)
    before = plain(experiment)
    experiment.state = next_state(experiment.key, experiment.state, Action.START)
    began = _check_start(session, experiment, started_at or now, now)
    _check_namespace(session, experiment)
    experiment.phase += 1
    experiment.score_version = latest_score_version(session, experiment.environment_id)
    _move_on(experiment, now)
    phase = ExperimentPhase(
        experiment_id=_id(experiment),
        number=experiment.phase,
        seed=f"{experiment.key}:{experiment.phase}",
        started_at=began,
        design=_frozen_design(session, experiment),
    )
    session.add(phase)
    session.flush()
    touch_payload(session, experiment.environment_id)
    _note(session, actor, "start", experiment, before)
    return phase


def stop_experiment(
    session: Session, actor: Actor, experiment: Experiment, reason: str, now: datetime
) -> ExperimentPhase:
    """End the running phase: SDKs then give every unit the control's payload by default.

    Raises:
        Problem: 409, when it does not run.
    """
    session.refresh(experiment, with_for_update=True)
    before = plain(experiment)
    experiment.state = next_state(experiment.key, experiment.state, Action.STOP)
    phase = load_phase(session, experiment)
    phase.stopped_at, phase.stop_reason = now, reason
    _move_on(experiment, now)
    touch_payload(session, experiment.environment_id)
    _note(session, actor, "stop", experiment, before)
    return phase


def archive_experiment(
    session: Session, actor: Actor, experiment: Experiment, now: datetime
) -> Experiment:
    """Put an experiment away for good; its readouts stay.

    Raises:
        Problem: 409, while it runs or when it is archived already.
    """
    session.refresh(experiment, with_for_update=True)
    before = plain(experiment)
    experiment.state = next_state(experiment.key, experiment.state, Action.ARCHIVE)
    _move_on(experiment, now)
    _note(session, actor, "archive", experiment, before)
    return experiment


def list_experiments(
    session: Session, environment_id: int, state: str | None = None
) -> Sequence[Experiment]:
    """An environment's experiments, the newest first."""
    query = select(Experiment).where(Experiment.environment_id == environment_id)
    if state is not None:
        query = query.where(Experiment.state == state)
    return session.exec(query.order_by(sa.desc(col(Experiment.id)))).all()


def load_experiment(session: Session, environment_id: int, key: str) -> Experiment:
    """The experiment of this key in an environment.

    Raises:
        Problem: 404.
    """
    found = session.exec(
        select(Experiment).where(Experiment.environment_id == environment_id, Experiment.key == key)
    ).first()
    if found is None:
        raise not_found("experiment", key)
    return found


def load_phase(
    session: Session, experiment: Experiment, number: int | None = None
) -> ExperimentPhase:
    """A phase of an experiment; the current or last one unless numbered.

    Raises:
        Problem: 404, when it was never started (so often).
    """
    wanted = experiment.phase if number is None else number
    found = session.exec(
        select(ExperimentPhase).where(
            ExperimentPhase.experiment_id == experiment.id, ExperimentPhase.number == wanted
        )
    ).first()
    if found is None:
        raise not_found(f"phase of the experiment {experiment.key}", wanted)
    return found


def list_phases(session: Session, experiment: Experiment) -> Sequence[ExperimentPhase]:
    """Every phase, the first one first."""
    query = select(ExperimentPhase).where(ExperimentPhase.experiment_id == experiment.id)
    return session.exec(query.order_by(col(ExperimentPhase.number))).all()


def list_running(
    session: Session, environment_id: int
) -> Sequence[tuple[Experiment, ExperimentPhase]]:
    """What runs in an environment, each with its current phase, by key."""
    query = (
        select(Experiment, ExperimentPhase)
        .where(
            Experiment.environment_id == environment_id,
            Experiment.state == State.RUNNING.value,
            ExperimentPhase.experiment_id == Experiment.id,
            ExperimentPhase.number == Experiment.phase,
        )
        .order_by(col(Experiment.key))
    )
    return session.exec(query).all()


def latest_score_version(session: Session, environment_id: int) -> str | None:
    """The newest calibration of an environment's Energize Score."""
    query = (
        select(ScoreVersion.version)
        .where(ScoreVersion.environment_id == environment_id)
        .order_by(sa.desc(col(ScoreVersion.id)))
    )
    return session.exec(query).first()


def plain(experiment: Experiment) -> dict[str, Any]:
    """An experiment's values as JSON."""
    values = {name: getattr(experiment, name) for name in FIELDS}
    return {
        "key": experiment.key,
        **values,
        "state": experiment.state,
        "phase": experiment.phase,
        "score_version": experiment.score_version,
        "version": experiment.version,
    }


def _whole(session: Session, key: str, values: dict[str, Any]) -> dict[str, Any]:
    named = [use["metric"] for use in values["metrics"]]
    whole = complete_design(values, metrics.load_metrics(session, named))
    check_compiled(key, whole["title"], whole)
    return whole


def _frozen_design(session: Session, experiment: Experiment) -> dict[str, Any]:
    """Everything that a readout depends on, as it is now: later edits change nothing of it."""
    design = {name: getattr(experiment, name) for name in DESIGN}
    definitions = metrics.load_metrics(session, [use["metric"] for use in design["metrics"]])
    design["metrics"] = [_frozen_metric(use, definitions) for use in design["metrics"]]
    design["score_version"] = experiment.score_version
    design["definition_version"] = experiment.version
    return design


def _frozen_metric(use: Mapping[str, Any], definitions: Mapping[str, Metric]) -> dict[str, Any]:
    definition = definitions[use["metric"]]
    effect = use.get("minimum_effect")
    return {
        **use,
        "minimum_effect": definition.minimum_effect if effect is None else effect,
        "definition": metrics.plain(definition),
    }


def _check_key_is_free(session: Session, environment: Environment, key: str) -> None:
    if session.exec(select(Flag).where(Flag.key == key)).first() is not None:
        raise taken("flag", key)
    found = session.exec(
        select(Experiment).where(Experiment.environment_id == environment.id, Experiment.key == key)
    ).first()
    if found is not None:
        raise taken("experiment", key)


def _check_start(
    session: Session, experiment: Experiment, started_at: datetime, now: datetime
) -> datetime:
    earliest = EARLIEST
    if experiment.phase:
        earliest = load_phase(session, experiment).stopped_at or EARLIEST
    if not earliest <= started_at <= now:
        raise invalid(
            "started_at",
            started_at.isoformat(),
            f"a time from {earliest.isoformat()} to now",
            "Leave it out to start now.",
        )
    return started_at


def _check_namespace(session: Session, experiment: Experiment) -> None:
    mine = experiment.namespace
    if mine is None:
        return
    for other, phase in list_running(session, experiment.environment_id):
        theirs = phase.design.get("namespace")
        if theirs is None or theirs["name"] != mine["name"]:
            continue
        if theirs["low"] < mine["high"] and mine["low"] < theirs["high"]:
            raise conflict(
                f"In the namespace {mine['name']} the experiment {other.key} already has "
                f"{theirs['low']} to {theirs['high']}. Choose a range beside it, or stop it first."
            )


def _move_on(experiment: Experiment, now: datetime) -> None:
    experiment.version += 1
    experiment.updated_at = now


def _note(
    session: Session,
    actor: Actor,
    verb: str,
    experiment: Experiment,
    before: dict[str, Any] | None,
) -> None:
    record(
        session,
        actor,
        f"experiment.{verb}",
        f"experiment:{experiment.key}",
        before=before,
        after=plain(experiment),
        environment_id=experiment.environment_id,
    )


def _id(row: Environment | Experiment) -> int:
    if row.id is None:
        raise ValueError(f"{row.key} is not stored yet")
    return row.id
