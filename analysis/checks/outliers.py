"""Outliers: would another cap on enormous outcomes change what the primary says?"""

from analysis.contrast import Contrast
from analysis.methods import compare
from analysis.statistics.collected import OTHER_CAP, Statistic

from .trust import Finding, Trust

NEAR = 0.5
"""Normal scores: a bar that is passed by one and missed by the other this narrowly says nothing."""


def run(trust: Trust) -> Finding | None:
    """Whether a treatment passes the look's bar with one cap and misses it with the other.

    Outcomes without a cap are compared once more with one at a usual quantile, outcomes with a cap
    once more without it. A verdict that hangs on a few learners' enormous outcomes is none.
    """
    control = trust.primary.get(trust.variants[0])
    if control is None or OTHER_CAP not in control.columns:
        return None
    scores, changed = {}, []
    for variant in trust.variants[1:]:
        found = _both(control, trust.primary.get(variant))
        if found is None:
            continue
        scores[variant] = dict(zip(("as_planned", "other_cap"), found, strict=True))
        if _differ(*found, trust.boundary_z):
            changed.append(variant)
    if not scores:
        return None
    details: dict[str, object] = {"z": scores, "boundary_z": trust.boundary_z}
    if not changed:
        return Finding(True, "A few enormous outcomes do not decide.", None, details)
    return Finding(
        False,
        f"A few enormous outcomes decide about {', '.join(changed)}: with another cap the primary"
        " says something else. Look at the largest outcomes, and plan the next experiment with a"
        " cap.",
        None,
        details,
    )


def _both(control: Statistic, treatment: Statistic | None) -> tuple[float, float] | None:
    if treatment is None:
        return None
    planned, other = compare(control, treatment), compare(control, treatment, OTHER_CAP)
    if not isinstance(planned, Contrast) or not isinstance(other, Contrast):
        return None
    return planned.z, other.z


def _differ(planned: float, other: float, bar: float) -> bool:
    verdicts = [(abs(z) > bar) * (1 if z > 0 else -1) for z in (planned, other)]
    return verdicts[0] != verdicts[1] and abs(planned - other) >= NEAR
