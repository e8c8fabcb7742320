"""Setting and clearing the list of units that an experiment assigns itself."""

from datetime import datetime

from sqlmodel import Session

from experiment_server.experiments import listed
from experiment_server.experiments.bandit_errors import bandit_of
from experiment_server.experiments.lifecycle import Action, next_state
from experiment_server.experiments.models import Experiment
from experiment_server.experiments.service import lock, move_on, note
from experiment_server.problems import conflict, invalid_fields
from experiment_server.security.roles import Actor


def set_allocation(
    session: Session,
    actor: Actor,
    experiment: Experiment,
    version: int,
    items: listed.Listing,
    now: datetime,
) -> Experiment:
    """Assign these units by list; all others are left to the hash. It replaces an earlier list.

    Args:
        session: of the transaction.
        actor: who does it.
        experiment: one that does not run.
        version: the experiment's version that the caller has read.
        items: {unit, variant, stratum} of each unit.
        now: the present.

    Raises:
        Problem: 412 when ``version`` is not the current one; 409 while it runs; 422, naming every
            entry that does not fit.
    """
    before = _open(session, experiment, version)
    if experiment.holdout_key is not None:
        raise conflict("It measures a holdout, whose units the holdout chose: no list can.")
    if bandit_of({"schedule": experiment.schedule}) is not None:
        raise conflict("It is a bandit, whose shares move: listed units would stay where they are.")
    errors = listed.check_items(items, listed.experiment_design(experiment))
    if errors:
        raise invalid_fields(errors)
    experiment.allocation = listed.store(session, experiment, items)
    listed.forget_unused(session, experiment)
    move_on(experiment, now)
    note(session, actor, "allocate", experiment, before)
    return experiment


def clear_allocation(
    session: Session, actor: Actor, experiment: Experiment, version: int, now: datetime
) -> Experiment:
    """Leave all units to the hash. Lists of phases that ran are kept for their readouts.

    Raises:
        Problem: 412 when ``version`` is not the current one; 409 while it runs.
    """
    before = _open(session, experiment, version)
    experiment.allocation = None
    listed.forget_unused(session, experiment)
    move_on(experiment, now)
    note(session, actor, "allocate", experiment, before)
    return experiment


def _open(session: Session, experiment: Experiment, version: int) -> dict[str, object]:
    before = lock(session, experiment, version)
    next_state(experiment.key, experiment.state, Action.EDIT)
    return before
