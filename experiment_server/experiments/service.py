"""Experiments: defining, starting, stopping, archiving."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlmodel import Session, col, select

from experiment_server.audit.service import record
from experiment_server.environments.models import Environment
from experiment_server.environments.service import touch_payload
from experiment_server.experiments import listed
from experiment_server.experiments.after import check_after
from experiment_server.experiments.current import list_open
from experiment_server.experiments.design import (
    check_compiled,
    co_primary_errors,
    complete_design,
    unit_errors,
)
from experiment_server.experiments.lifecycle import Action, next_state
from experiment_server.experiments.measuring import check_measurable, measuring
from experiment_server.experiments.models import Experiment, ExperimentPhase
from experiment_server.experiments.namespaces import check_free, taken_of
from experiment_server.experiments.pauses import close_last, read_pauses
from experiment_server.experiments.previews import check_previews
from experiment_server.experiments.sourced import check_source
from experiment_server.flags.models import Flag
from experiment_server.holdouts.service import load_holdout
from experiment_server.metrics import service as metrics
from experiment_server.metrics.models import Metric
from experiment_server.problems import check_version, invalid, invalid_fields, not_found, taken
from experiment_server.scores.models import ScoreVersion
from experiment_server.security.roles import Actor
from experiment_server.times import EARLIEST

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
    "factors",
    "crossover",
    "source",
)
FIELDS: Final = ("title", "hypothesis", "domain", "holdout_key", *DESIGN)
UNSAID: Final[Mapping[str, Any]] = {
    "holdout_key": None,
    "factors": [],
    "crossover": None,
    "source": None,
}  # when a wish leaves it out


def create_experiment(
    session: Session, actor: Actor, environment: Environment, wish: Mapping[str, Any], now: datetime
) -> Experiment:
    """A new draft; ``wish`` holds its key and the columns of ``FIELDS``.

    Raises:
        Problem: 422, naming every field that does not fit; 409 when the key is taken.
    """
    key = wish["key"]
    _check_key_is_free(session, environment, key)
    values = _whole(session, environment.id, key, _wished(wish))
    experiment = Experiment(
        environment_id=_id(environment), key=key, created_at=now, updated_at=now, **values
    )
    session.add(experiment)
    session.flush()
    note(session, actor, "create", experiment, before=None)
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
    before = lock(session, experiment, version)
    next_state(experiment.key, experiment.state, Action.EDIT)
    values = _wished(wish)
    values = _whole(session, experiment.environment_id, experiment.key, values)
    check_previews(experiment.previews, values["variants"])
    listed.check_kept(session, experiment, values)
    for name, value in values.items():
        setattr(experiment, name, value)
    move_on(experiment, now)
    note(session, actor, "change", experiment, before)
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
    before = lock(session, experiment)
    experiment.state = next_state(experiment.key, experiment.state, Action.START)
    began = _check_start(session, experiment, started_at or now, now)
    _check_namespace(session, experiment)
    experiment.phase += 1
    experiment.score_version = score_version_before(session, experiment.environment_id, began)
    experiment.after = None
    move_on(experiment, now)
    phase = ExperimentPhase(
        experiment_id=_id(experiment),
        number=experiment.phase,
        seed=_seed(session, experiment),
        started_at=began,
        design=_frozen_design(session, experiment),
    )
    session.add(phase)
    session.flush()
    touch_payload(session, experiment.environment_id)
    note(session, actor, "start", experiment, before)
    return phase


def stop_experiment(
    session: Session,
    actor: Actor,
    experiment: Experiment,
    reason: str,
    now: datetime,
    after: Mapping[str, Any] | None = None,
) -> ExperimentPhase:
    """End the phase; ``after`` says what applies from then on, everybody's control by default.

    Raises:
        Problem: 409, when it neither runs nor is paused; 422 for an ``after`` that does not fit.
    """
    before = lock(session, experiment)
    experiment.state = next_state(experiment.key, experiment.state, Action.STOP)
    phase = load_phase(session, experiment)
    experiment.after = check_after(after, phase.design["variants"])
    phase.stopped_at, phase.stop_reason = now, reason
    phase.pauses = [pause.plain() for pause in close_last(read_pauses(phase.pauses), now)]
    move_on(experiment, now)
    touch_payload(session, experiment.environment_id)
    note(session, actor, "stop", experiment, before)
    return phase


def archive_experiment(
    session: Session, actor: Actor, experiment: Experiment, now: datetime
) -> Experiment:
    """Put an experiment away for good: SDKs hear no more of it, its readouts stay.

    Raises:
        Problem: 409, while it runs or when it is archived already.
    """
    before = lock(session, experiment)
    experiment.state = next_state(experiment.key, experiment.state, Action.ARCHIVE)
    move_on(experiment, now)
    touch_payload(session, experiment.environment_id)
    note(session, actor, "archive", experiment, before)
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


def score_version_before(session: Session, environment_id: int, at: datetime) -> str | None:
    """The calibration of the latest time that rests on nothing from ``at`` on.

    No treatment moved its scale; of two of the same time it is the newer one. None: there is none,
    and the first look makes one from the time before the start.
    """
    query = select(ScoreVersion).where(ScoreVersion.environment_id == environment_id)
    made = {
        (datetime.fromisoformat(row.norms["calibrated_to"]), row.id or 0): row.version
        for row in session.exec(query)
    }
    newest = max((when for when in made if when[0] <= at), default=None)
    return None if newest is None else made[newest]


def plain(experiment: Experiment) -> dict[str, Any]:
    """An experiment's values as JSON."""
    values = {name: getattr(experiment, name) for name in FIELDS}
    return {
        "key": experiment.key,
        **values,
        "allocation": experiment.allocation,
        "state": experiment.state,
        "phase": experiment.phase,
        "score_version": experiment.score_version,
        "after": experiment.after,
        "previews": experiment.previews,
        "version": experiment.version,
    }


def _wished(wish: Mapping[str, Any]) -> dict[str, Any]:
    return {name: wish[name] if name in wish else UNSAID[name] for name in FIELDS}


def _whole(
    session: Session, environment_id: int | None, key: str, values: dict[str, Any]
) -> dict[str, Any]:
    named = [use["metric"] for use in values["metrics"]]
    if values["holdout_key"] is not None:
        holdout = load_holdout(session, int(environment_id or 0), values["holdout_key"])
        values = measuring(values, holdout)
    check_source(session, environment_id, values)
    whole = complete_design(values, metrics.load_metrics(session, named))
    check_compiled(key, whole["title"], whole)
    return whole


def _frozen_design(session: Session, experiment: Experiment) -> dict[str, Any]:
    """Everything that a readout depends on, as it is now: later edits change nothing of it."""
    design = {name: getattr(experiment, name) for name in DESIGN}
    definitions = metrics.load_metrics(session, [use["metric"] for use in design["metrics"]])
    # a metric may have changed since the definition
    misfits = unit_errors(design, definitions) + co_primary_errors(design["metrics"], definitions)
    if misfits:
        raise invalid_fields(misfits)
    design["metrics"] = [_frozen_metric(use, definitions) for use in design["metrics"]]
    design["allocation"] = experiment.allocation
    design["score_version"] = experiment.score_version
    design["definition_version"] = experiment.version
    return design


def _frozen_metric(use: Mapping[str, Any], definitions: Mapping[str, Metric]) -> dict[str, Any]:
    definition = definitions[use["metric"]]
    effect = use.get("minimum_effect")
    return {
        **use,
        "minimum_effect": definition.minimum_effect if effect is None else effect,
        "definition": {**metrics.plain(definition), "version": definition.version},
    }


def _check_key_is_free(session: Session, environment: Environment, key: str) -> None:
    if session.exec(select(Flag).where(Flag.key == key)).first() is not None:
        raise taken("flag", key)
    found = session.exec(
        select(Experiment).where(Experiment.environment_id == environment.id, Experiment.key == key)
    ).first()
    if found is not None:
        raise taken("experiment", key)


def _seed(session: Session, experiment: Experiment) -> str:
    """What the phase hashes with: its own seed, or that of the holdout that it measures."""
    if experiment.holdout_key is None:
        return f"{experiment.key}:{experiment.phase}"
    holdout = load_holdout(session, experiment.environment_id, experiment.holdout_key)
    check_measurable(experiment.variants, holdout)
    return holdout.seed


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
    if experiment.namespace:
        spaces = [
            (one.key, one.state, phase.design.get("namespace"))
            for one, phase in list_open(session, experiment.environment_id)
        ]
        check_free(experiment.namespace, taken_of(spaces, experiment.namespace["name"]))


def lock(session: Session, experiment: Experiment, version: int | None = None) -> dict[str, Any]:
    """Hold an experiment until the transaction ends; what it is before it is changed.

    Raises:
        Problem: 412 when ``version`` is given and not the current one.
    """
    session.refresh(experiment, with_for_update=True)
    if version is not None:
        check_version(f"experiment {experiment.key}", version, experiment.version)
    return plain(experiment)


def move_on(experiment: Experiment, now: datetime) -> None:
    """Count a change."""
    experiment.version += 1
    experiment.updated_at = now


def note(
    session: Session,
    actor: Actor,
    verb: str,
    experiment: Experiment,
    before: dict[str, Any] | None,
) -> None:
    """Write into the audit log what was done to an experiment."""
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
