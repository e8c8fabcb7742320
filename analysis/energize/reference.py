"""The score in plain Python, from single events: the formula as a person would read it.

The engine computes the same with bitmaps over millions of rows (``facts``, ``components``); tests
hold the two together. Slow and obvious on purpose.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from analysis.energize.facts import follow_days, weeks_in
from analysis.energize.norms import COMPONENTS, PARTS, Norms
from analysis.kinds import KINDS_BY_NAME, OUTCOME_PREFIX


@dataclass(frozen=True)
class Happening:
    """One event of one learner, on a day of the window."""

    day: int  # from 0; outside 0..window_days-1 it does not count
    kind: str
    value: float | None = None


@dataclass(frozen=True)
class Score:
    """One learner's score in one window."""

    score: float  # 0-100
    points: dict[str, float]  # component -> points; they add up to the score
    components: dict[str, float]  # component -> 0..1, of the components that the program has
    without_incentive: float  # 0-100, the other components alone
    facts: dict[str, float]  # what was counted


def saturate(amount: float, constant: float) -> float:
    """``1 - 2^(-x/k)``: 0 at nothing, one half at the constant, never above 1."""
    return float(1.0 - 2.0 ** (-amount / constant))


def score_learner(
    happenings: Iterable[Happening], norms: Norms, window_days: int | None = None
) -> Score:
    """One learner's score from what happened in the window.

    Args:
        happenings: the learner's events.
        norms: the frozen scale.
        window_days: the window's length; None: the norms' own.
    """
    days = window_days or norms.window_days
    facts = count_facts(happenings, days)
    components = score_components(facts, norms, days)
    points = {name: 100.0 * norms.weights[name] * components.get(name, 0.0) for name in COMPONENTS}
    rest = 1.0 - norms.weights["incentive"]
    others = sum(points.values()) - points["incentive"]
    return Score(
        score=sum(points.values()),
        points=points,
        components=components,
        without_incentive=others / rest if rest > 0 else 0.0,
        facts=facts,
    )


def count_facts(happenings: Iterable[Happening], window_days: int) -> dict[str, float]:
    """What the learner did in the window."""
    inside = [one for one in happenings if 0 <= one.day < window_days]
    present = {one.day for one in inside if _is_presence(one.kind)}
    claims = [one.day for one in inside if _part(one.kind) == "claims"]
    watched = follow_days(window_days)
    judged = {day for day in claims if day + watched < window_days}
    followed = {
        day for day in judged if any(day + later in present for later in range(1, watched + 1))
    }
    return {
        "active_days": float(len(present)),
        "active_weeks": float(len({day // 7 for day in present})),
        "challenges": float(sum(_part(one.kind) == "challenges" for one in inside)),
        "course_units": sum((_units(one) for one in inside), 0.0),
        "claims": float(len(claims)),
        "peer_actions": sum((_peer_weight(one.kind) for one in inside), 0.0),
        "judged_claim_days": float(len(judged)),
        "followed_claim_days": float(len(followed)),
    }


def score_components(facts: dict[str, float], norms: Norms, window_days: int) -> dict[str, float]:
    """Each component that the program has, in 0..1."""
    filled = {
        name: saturate(facts[name], norms.constant(name, window_days))
        for component in COMPONENTS
        for name in PARTS[component]
        if name in norms.half_saturation
    }
    judged = facts["judged_claim_days"]
    share = facts["followed_claim_days"] / judged if judged else 0.0
    activity = [filled[name] for name in PARTS["activity"] if name in filled]
    values = {
        "retention": 0.5 * facts["active_weeks"] / weeks_in(window_days)
        + 0.5 * filled["active_days"],
        "activity": sum(activity) / len(activity) if activity else 0.0,
        "incentive": 0.5 * filled.get("claims", 0.0) + 0.5 * share,
        "community": filled.get("peer_actions", 0.0),
    }
    return {name: values[name] for name in norms.components}


def _is_presence(kind: str) -> bool:
    known = KINDS_BY_NAME.get(kind)
    return known.presence if known else not kind.startswith(OUTCOME_PREFIX)


def _part(kind: str) -> str | None:
    known = KINDS_BY_NAME.get(kind)
    return None if known is None else known.part


def _peer_weight(kind: str) -> float:
    known = KINDS_BY_NAME.get(kind)
    return 0.0 if known is None else known.peer_weight


def _units(one: Happening) -> float:
    if _part(one.kind) != "course_units":
        return 0.0
    if one.kind == "course_completed" or one.value is None:
        return 1.0
    return max(one.value, 0.0)
