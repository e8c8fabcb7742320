"""Kinds of event: the one table that says what each means to the Energize Score.

A kind outside the table must carry a prefix. ``custom:<name>`` counts as presence and nothing else;
``outcome:<name>`` is how the lake shows a KPI fact of that name: neither presence nor score.
"""

from dataclasses import dataclass
from typing import Final, Literal

CUSTOM_PREFIX: Final = "custom:"
OUTCOME_PREFIX: Final = "outcome:"

Component = Literal["retention", "activity", "incentive", "community"]
Part = Literal["challenges", "course_units", "claims", "peer_actions"]


@dataclass(frozen=True)
class EventKind:
    """What one kind of event counts for."""

    name: str
    meaning: str
    presence: bool = True  # a day with such an event is an active day
    outcome: bool = False  # a business outcome (KPI fact), never engagement
    peer_weight: float = 0.0  # weight among peer actions
    part: Part | None = None  # which count of the Energize Score it adds to, besides presence
    default_value: float = 0.0  # what an event without a value adds to a sum of values
    summary: Literal["sum", "mean"] = "sum"  # how a learner's outcomes of a window become one


KINDS: Final = (
    EventKind("session_started", "opened the program"),
    EventKind("content_viewed", "looked at a piece of content"),
    EventKind(
        "course_progressed",
        "advanced in a course; value: progress units (default 1)",
        part="course_units",
        default_value=1.0,
    ),
    EventKind("course_completed", "finished a course", part="course_units", default_value=1.0),
    EventKind("challenge_started", "began a challenge"),
    EventKind(
        "challenge_completed", "finished a challenge; value: result, if any", part="challenges"
    ),
    EventKind("reward_offered", "was shown a reward", presence=False),
    EventKind("reward_claimed", "claimed a reward; value: its cost, if any", part="claims"),
    EventKind("peer_post", "wrote a post", peer_weight=2.0, part="peer_actions"),
    EventKind("peer_comment", "commented on a post", peer_weight=1.0, part="peer_actions"),
    EventKind("peer_reaction", "reacted to a post", peer_weight=0.5, part="peer_actions"),
    EventKind("recognition_given", "recognised a peer", peer_weight=1.5, part="peer_actions"),
    EventKind("message_sent", "was sent a message", presence=False),
    EventKind("message_opened", "opened a message"),
    EventKind("sale", "sold; value: amount", presence=False, outcome=True),
    EventKind(
        "quota_attainment", "quota met; value: share", presence=False, outcome=True, summary="mean"
    ),
    EventKind(
        "call_quality", "call rated; value: rating", presence=False, outcome=True, summary="mean"
    ),
)

KINDS_BY_NAME: Final = {kind.name: kind for kind in KINDS}
NOT_PRESENCE: Final = tuple(kind.name for kind in KINDS if not kind.presence)
OUTCOMES: Final = tuple(kind.name for kind in KINDS if kind.outcome)
DEFAULT_VALUES: Final = {kind.name: kind.default_value for kind in KINDS if kind.default_value}
PEER_WEIGHTS: Final = {kind.name: kind.peer_weight for kind in KINDS if kind.peer_weight}


def kinds_of_part(part: Part) -> tuple[str, ...]:
    """The kinds that add to one count of the Energize Score."""
    return tuple(kind.name for kind in KINDS if kind.part == part)


def is_known(kind: str) -> bool:
    """Whether metrics and questions may name this kind."""
    return kind in KINDS_BY_NAME or any(
        kind.startswith(prefix) and len(kind) > len(prefix)
        for prefix in (CUSTOM_PREFIX, OUTCOME_PREFIX)
    )


def may_be_sent(kind: str) -> bool:
    """Whether an event of this kind is accepted; outcomes come as facts, never as events."""
    return is_known(kind) and not kind.startswith(OUTCOME_PREFIX)
