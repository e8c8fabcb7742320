"""The states of an experiment and what leads from one to another. Pure."""

from enum import StrEnum
from typing import Final

from experiment_server.problems import conflict


class State(StrEnum):
    """Where an experiment stands."""

    DRAFT = "draft"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    ARCHIVED = "archived"


class Action(StrEnum):
    """What is done to an experiment."""

    EDIT = "edit"
    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"
    AFTER = "after"
    ARCHIVE = "archive"


TRANSITIONS: Final = {
    (State.DRAFT, Action.EDIT): State.DRAFT,
    (State.DRAFT, Action.START): State.RUNNING,
    (State.DRAFT, Action.ARCHIVE): State.ARCHIVED,
    (State.RUNNING, Action.PAUSE): State.PAUSED,
    (State.RUNNING, Action.STOP): State.STOPPED,
    (State.PAUSED, Action.RESUME): State.RUNNING,  # the same phase, the same buckets
    (State.PAUSED, Action.STOP): State.STOPPED,
    (State.STOPPED, Action.EDIT): State.STOPPED,
    (State.STOPPED, Action.START): State.RUNNING,  # as a new phase, with buckets of its own
    (State.STOPPED, Action.AFTER): State.STOPPED,  # another rule for what applies since
    (State.STOPPED, Action.ARCHIVE): State.ARCHIVED,
}


_SAID: Final = {action: f"{action} it" for action in Action} | {
    Action.AFTER: "say what applies after it"
}


def next_state(key: str, state: str, action: Action) -> State:
    """Where the action leads.

    Raises:
        Problem: 409, when the action is not possible in this state; it says which are.
    """
    found = TRANSITIONS.get((State(state), action))
    if found is None:
        possible = possible_actions(state)
        remedy = f"Possible now: {', '.join(possible)}." if possible else "Nothing is possible now."
        raise conflict(f"The experiment {key} is {state}, so you cannot {_SAID[action]}. {remedy}")
    return found


def possible_actions(state: str) -> tuple[str, ...]:
    """What can be done in a state."""
    return tuple(action.value for start, action in TRANSITIONS if start == state)
