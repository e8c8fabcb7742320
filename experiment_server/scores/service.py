"""Energize Score versions: calibrated once, frozen, never changed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlmodel import Session, col, select

from analysis.energize.norms import Norms, history_begins, starting_norms
from analysis.energize.norms import calibrate as calibrate_norms
from analysis.energize.score import ScoreExplanation, explain_learner
from analysis.lake.reader import Lake
from experiment_server.audit.service import record
from experiment_server.environments.models import Environment
from experiment_server.problems import Problem, invalid, not_found
from experiment_server.scores.models import ScoreVersion
from experiment_server.security.roles import Actor

DEFAULT_WINDOW_DAYS = 28
_WEEKEND: Final = timedelta(days=3)  # nobody need have come on the window's first days


def find_norms(
    lake: Lake, until: datetime, window_days: int = DEFAULT_WINDOW_DAYS, *, now: datetime
) -> Norms:
    """The scale of the learners who were active before ``until``, to be kept for good.

    Raises:
        Problem: 422, when ``until`` is to come, nobody was active, or the history begins after the
            window does: days on which there was nothing to do would count as days of rest.
    """
    if until > now:
        remedy = "A scale is kept for good, so it waits for its whole window. Leave it out for now."
        raise invalid("until", until.isoformat(), "a time that is past", remedy)
    try:
        norms = calibrate_norms(lake, until, window_days)
    except ValueError as error:
        raise Problem(422, f"The score cannot be calibrated: {error}") from error
    _check_history(lake, until, window_days)
    return norms


def _check_history(lake: Lake, until: datetime, window_days: int) -> None:
    began = history_begins(lake)
    if began is None or began <= until - timedelta(days=window_days) + _WEEKEND:
        return
    raise invalid(
        "window_days",
        f"{window_days} days before {until.isoformat()}, with history from {began.isoformat()} on",
        "a window that the history fills",
        f"Send what happened before, calibrate later, or take a window of at most "
        f"{(until - began).days} days.",
    )


def find_or_start_norms(lake: Lake, until: datetime) -> Norms:
    """The scale before ``until``, or the published starting scale for a program without history."""
    try:
        return calibrate_norms(lake, until, DEFAULT_WINDOW_DAYS)
    except ValueError:
        return starting_norms(until)


def store_norms(
    session: Session, actor: Actor, environment: Environment, norms: Norms, now: datetime
) -> ScoreVersion:
    """A calibration as a row; the same calibration again gives the row that is there."""
    known = _find(session, environment.id, norms.version)
    if known is not None:
        return known
    version = ScoreVersion(
        environment_id=_id(environment),
        version=norms.version,
        norms=norms.to_json(),
        created_at=now,
    )
    session.add(version)
    session.flush()
    record(
        session,
        actor,
        "score.calibrate",
        f"score:{norms.version}",
        after=norms.to_json(),
        environment_id=environment.id,
    )
    return version


def keep_validation(
    session: Session,
    actor: Actor,
    environment: Environment,
    version: str,
    validation: dict[str, Any],
) -> ScoreVersion:
    """Keep how well a version foresees the next window; the norms stay as they are.

    Raises:
        Problem: 404.
    """
    row = load_version(session, environment, version)
    before, row.validation = row.validation, validation
    session.add(row)
    record(
        session,
        actor,
        "score.validate",
        f"score:{version}",
        before=before,
        after=validation,
        environment_id=environment.id,
    )
    return row


def list_versions(session: Session, environment: Environment) -> Sequence[ScoreVersion]:
    """The environment's calibrations, newest first."""
    return session.exec(
        select(ScoreVersion)
        .where(ScoreVersion.environment_id == environment.id)
        .order_by(col(ScoreVersion.id).desc())
    ).all()


def load_version(session: Session, environment: Environment, version: str) -> ScoreVersion:
    """One calibration.

    Raises:
        Problem: 404.
    """
    found = _find(session, environment.id, version)
    if found is None:
        raise not_found("score version", version)
    return found


def load_norms(session: Session, environment: Environment, version: str) -> Norms:
    """The frozen scale of one version.

    Raises:
        Problem: 404.
    """
    return norms_of(load_version(session, environment, version))


def norms_of(version: ScoreVersion) -> Norms:
    """The frozen scale of a stored version."""
    return Norms.from_json(version.norms)


def latest_norms(session: Session, environment: Environment) -> Norms | None:
    """The scale of the newest version; None: the score was never calibrated."""
    versions = list_versions(session, environment)
    return norms_of(versions[0]) if versions else None


def require_norms(session: Session, environment: Environment) -> Norms:
    """The scale of the newest version.

    Raises:
        Problem: 409, when the score was never calibrated; it says how to.
    """
    norms = latest_norms(session, environment)
    if norms is None:
        raise Problem(
            409,
            f"The environment {environment.key} has no Energize Score yet. Calibrate it first: "
            f"momentum energize calibrate --environment {environment.key}",
        )
    return norms


def explain(lake: Lake, norms: Norms, learner: str, as_of: datetime) -> ScoreExplanation:
    """Why a learner (a pseudonym) has the score it has.

    Raises:
        Problem: 404, when the lake has nothing about the learner.
    """
    found = explain_learner(lake, norms, learner, as_of)
    if found is None:
        raise Problem(
            404,
            "The lake has nothing about this learner before that time. Check the id (as your LMS "
            "sends it), the environment, and --as-of.",
        )
    return found


def _find(session: Session, environment_id: int | None, version: str) -> ScoreVersion | None:
    return session.exec(
        select(ScoreVersion)
        .where(ScoreVersion.environment_id == environment_id)
        .where(ScoreVersion.version == version)
    ).first()


def _id(environment: Environment) -> int:
    if environment.id is None:
        raise ValueError(f"environment {environment.key!r} is not stored yet")
    return environment.id
