"""Novelty: is the effect on those who came late the one on those who came first?"""

from datetime import date

import numpy as np
from scipy.special import ndtr

from analysis.contrast import Contrast
from analysis.methods import compare
from analysis.statistics.collected import Statistic
from analysis.statistics.moments import Moments
from analysis.statistics.strata import Strata

from .trust import Finding, Trust

ALARM = 0.01
"""Shared by the treatments."""
FEWEST = 30
"""Learners of a variant in each half."""
APART = 7
"""Days; halves that came closer together are one."""


def run(trust: Trust) -> Finding | None:
    """The effect on the half of the learners whose window was complete first, against the rest.

    An effect that wears off, or that comes only once people know of it, differs between them; so
    does one that some other change met half-way. Not of teams, whose learners are in both halves.
    """
    halves = _halves(trust)
    if halves is None:
        return None
    early, late, last_early = halves
    p_values, effects = {}, {}
    for variant in trust.variants[1:]:
        first = compare(early[trust.variants[0]], early[variant])
        then = compare(late[trust.variants[0]], late[variant])
        if isinstance(first, Contrast) and isinstance(then, Contrast):
            z = (then.effect - first.effect) / (first.se**2 + then.se**2) ** 0.5
            p_values[variant] = float(2 * ndtr(-abs(z)))
            effects[variant] = {"early": first.effect, "late": then.effect}
    if not p_values:
        return None
    worst = min(p_values, key=lambda variant: p_values[variant])
    p_value = min(1.0, p_values[worst] * len(p_values))
    details: dict[str, object] = {"effects": effects, "complete_until": last_early}
    if p_value >= ALARM:
        return Finding(
            True, "No sign that the effect on early and late learners differs.", p_value, details
        )
    found = effects[worst]
    return Finding(
        False,
        f"The effect of {worst} was {found['early']:.3g} on learners who came first and"
        f" {found['late']:.3g} on those who came later: it may wear off or build up, so the average"
        " of both need not be what stays.",
        p_value,
        details,
    )


def _halves(trust: Trust) -> tuple[dict[str, Moments], dict[str, Moments], str] | None:
    """Moments of both halves and the day that parts them; None without two real halves."""
    days = sorted(trust.trend)
    if not days or not all(_plain(trust.trend[days[-1]].get(v)) for v in trust.variants):
        return None
    whole = _moments(trust, days[-1])
    total = sum(each.n for each in whole.values())
    sizes = {day: sum(each.n for each in _moments(trust, day).values()) for day in days}
    middle = min(days, key=lambda day: abs(sizes[day] - total / 2))
    first_day = next(day for day in days if sizes[day])
    if (date.fromisoformat(days[-1]) - date.fromisoformat(first_day)).days < APART:
        return None
    early = _moments(trust, middle)
    late = {variant: without(whole[variant], early[variant]) for variant in trust.variants}
    if min(each.n for half in (early, late) for each in half.values()) < FEWEST:
        return None
    return early, late, middle


def without(whole: Moments, part: Moments) -> Moments:
    """The moments of the units that are in the whole but not in the part: ``+`` undone."""
    n = whole.n - part.n
    if n == 0 or part.n == 0:
        return Moments.empty(whole.columns) if n == 0 else whole
    mean = (whole.n * whole.mean - part.n * part.mean) / n
    gap = mean - part.mean
    m2 = whole.m2 - part.m2 - np.outer(gap, gap) * (part.n * n / whole.n)
    return Moments(whole.columns, n, mean, m2)


def _plain(statistic: Statistic | None) -> bool:
    return isinstance(statistic, Moments) and not isinstance(statistic, Strata)


def _moments(trust: Trust, day: str) -> dict[str, Moments]:
    found = trust.trend[day]
    return {v: each for v in trust.variants if isinstance(each := found.get(v), Moments)}
