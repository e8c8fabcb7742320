"""Enough units: can a standard error be trusted?"""

from analysis.statistics.clusters import ClusterSums
from analysis.statistics.collected import Statistic
from analysis.teams import FEW_TEAMS

from .trust import Finding, Trust

FEWEST = 2


def run(trust: Trust) -> Finding | None:
    """The number of randomised units with an outcome, in the variant that has fewest.

    Below two of them nothing can be estimated: at the last look that stops, before it warns. Below
    six teams a variant the estimate stands, with a wide interval, and names no winner.
    """
    counts = {variant: n_units(trust.primary.get(variant)) for variant in trust.variants}
    fewest = min(counts, key=lambda variant: counts[variant])
    details: dict[str, object] = {"n": counts}
    if counts[fewest] < FEWEST:
        return Finding(
            False,
            f"{fewest} has {counts[fewest]} {trust.units} with an outcome;"
            f" an estimate needs at least {FEWEST}.",
            details=details,
            severity="stop" if trust.final else "warn",
        )
    if trust.unit_kind == "team" and counts[fewest] < FEW_TEAMS:
        return Finding(
            False,
            f"Too few teams: {fewest} has {counts[fewest]}, and below {FEW_TEAMS} a variant the"
            " interval rests on little: no winner is named; randomise more teams.",
            details=details,
        )
    return Finding(
        True, f"Every variant has {counts[fewest]:,} {trust.units} or more.", None, details
    )


def n_units(statistic: Statistic | None) -> int:
    """How many randomised units a statistic describes."""
    if statistic is None:
        return 0
    return statistic.n_clusters if isinstance(statistic, ClusterSums) else statistic.n
