"""What can be done to an experiment besides defining, starting and stopping it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from experiment_server.environments.service import touch_payload
from experiment_server.experiments.after import check_after
from experiment_server.experiments.lifecycle import Action, State, next_state
from experiment_server.experiments.models import Experiment, ExperimentPhase
from experiment_server.experiments.pauses import Pause, close_last, read_pauses
from experiment_server.experiments.previews import check_previews
from experiment_server.experiments.service import load_phase, lock, move_on, note
from experiment_server.problems import conflict
from experiment_server.security.roles import Actor


def pause_experiment(
    session: Session, actor: Actor, experiment: Experiment, reason: str, now: datetime
) -> ExperimentPhase:
    """Give everybody the control for a while; the phase, its seed and its buckets stay.

    Raises:
        Problem: 409, when it does not run.
    """
    before = lock(session, experiment)
    experiment.state = next_state(experiment.key, experiment.state, Action.PAUSE)
    phase = load_phase(session, experiment)
    phase.pauses = [*phase.pauses, Pause(now, None, reason).plain()]
    _done(session, actor, "pause", experiment, before, now)
    return phase


def resume_experiment(
    session: Session, actor: Actor, experiment: Experiment, now: datetime
) -> ExperimentPhase:
    """Go on with the same phase: every unit has the variant that it had.

    Raises:
        Problem: 409, when it is not paused.
    """
    before = lock(session, experiment)
    experiment.state = next_state(experiment.key, experiment.state, Action.RESUME)
    phase = load_phase(session, experiment)
    phase.pauses = [pause.plain() for pause in close_last(read_pauses(phase.pauses), now)]
    _done(session, actor, "resume", experiment, before, now)
    return phase


def set_after(
    session: Session,
    actor: Actor,
    experiment: Experiment,
    version: int,
    wish: Mapping[str, Any],
    now: datetime,
) -> Experiment:
    """Say anew what applies after a stop.

    Raises:
        Problem: 412 when ``version`` is not the current one; 409 unless it is stopped; 422.
    """
    before = lock(session, experiment, version)
    experiment.state = next_state(experiment.key, experiment.state, Action.AFTER)
    experiment.after = check_after(wish, load_phase(session, experiment).design["variants"])
    _done(session, actor, "after", experiment, before, now)
    return experiment


def set_previews(
    session: Session,
    actor: Actor,
    experiment: Experiment,
    version: int,
    previews: Mapping[str, str],
    now: datetime,
) -> Experiment:
    """Say who sees which variant without being counted; ``previews`` is learner to variant.

    Raises:
        Problem: 412 when ``version`` is not the current one; 409 once it is stopped; 422.
    """
    before = lock(session, experiment, version)
    if experiment.state in (State.STOPPED, State.ARCHIVED):
        raise conflict(
            f"The experiment {experiment.key} is {experiment.state}: nobody can preview it. "
            "Say what applies after it instead."
        )
    check_previews(previews, experiment.variants)
    experiment.previews = dict(previews)
    _done(session, actor, "previews", experiment, before, now)
    return experiment


def _done(
    session: Session,
    actor: Actor,
    verb: str,
    experiment: Experiment,
    before: dict[str, Any],
    now: datetime,
) -> None:
    move_on(experiment, now)
    touch_payload(session, experiment.environment_id)
    note(session, actor, verb, experiment, before)
