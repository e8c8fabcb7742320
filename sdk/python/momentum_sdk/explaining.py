"""Why a learner gets what it gets, with what the client alone knows of it."""

from ._assignment.explaining import Explanation
from .answers import Status


def explain(flag: str, told: Explanation | None, status: Status) -> str:
    """The sentences for one evaluation; None stands for no definitions."""
    if told is None:
        return f"{flag}: No definitions are known yet, so your default applies."
    details = "".join(f" {detail}" for detail in told.details)
    exposure = " Asking for the variant logs an exposure." if told.evaluation.in_experiment else ""
    return f"{flag}: {told.text}{details}{exposure} {_definitions(status)}"


def _definitions(status: Status) -> str:
    place = f" of {status.environment}" if status.environment else ""
    told = f"Decided by version {status.version}{place}"
    if not status.is_stale:
        return told + "."
    return told + ", which the server has not confirmed for a while."
