"""What the host gets back."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Variant:
    """One learner's variant of one experiment.

    Attributes:
        key: the variant's key, such as "control".
        payload: the variant's JSON value; yours to change, each call gives a fresh copy.
        in_experiment: whether the learner was randomised; only then an exposure is logged.
        reason: why, in one word: "split" in the experiment; outside "forced", "preview",
            "held_out", "paused", "kept", "shipped", "reverted", "not_targeted", "not_covered",
            "no_unit", "unknown_flag", "not_ready" or "error".
    """

    key: str
    payload: Any
    in_experiment: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Status:
    """What the client decides by at the moment.

    Attributes:
        source: where the definitions came from: "server"; "file", kept by payload_file; "given",
            by payload=; "none".
        is_stale: whether the server has not confirmed them for a while. They apply all the same.
        age_s: seconds since the server last confirmed them; None if it never did.
        environment: the environment's key, "" if unknown.
        version: counts the environment's changes, 0 if unknown.
    """

    source: str
    is_stale: bool
    age_s: float | None
    environment: str
    version: int


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the events: handed = delivered + refused + dropped + waiting."""

    handed: int  # by the host
    delivered: int  # the server has them for good
    refused: int  # by the server, as wrong
    dropped: int  # the queue was full, the item could not be sent, or the process ended
    waiting: int  # in memory or in spool_dir


def fresh(value: Any) -> Any:
    """A JSON value that the host may change without changing it for the next learner."""
    if isinstance(value, dict):
        return {name: fresh(part) for name, part in value.items()}
    if isinstance(value, list):
        return [fresh(part) for part in value]
    return value


def same_kind(value: Any, default: Any) -> bool:
    """Whether a flag's value is of the JSON type that the host's default shows it expects."""
    if default is None:
        return True
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    if isinstance(default, int | float):
        return isinstance(value, int | float)
    kind = next((kind for kind in (str, list, dict) if isinstance(default, kind)), object)
    return isinstance(value, kind)
