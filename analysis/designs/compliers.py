"""Compliers: the effect on those who took a variant up because it was offered, labelled so."""

from dataclasses import replace

from analysis.designed import OnCompliers
from analysis.methods import complier
from analysis.plan import AnalysisPlan
from analysis.results import NotEstimable
from analysis.statistics.collected import TAKEN, Collected


def on_compliers(plan: AnalysisPlan, collected: Collected, z: float) -> tuple[OnCompliers, ...]:
    """Per treatment, on the primary; () when take-up was not collected.

    Args:
        plan: with ``take_up_kinds``.
        collected: outcome and take-up of every variant.
        z: how far intervals reach, as a normal score.
    """
    control = collected.take_up.get(plan.control)
    found = []
    for variant in plan.variants[1:]:
        treatment = collected.take_up.get(variant)
        if control is None or treatment is None:
            continue
        asked = OnCompliers(
            plan.primary.key, variant, control.mean_of(TAKEN), treatment.mean_of(TAKEN)
        )
        answer = complier.estimate(control, treatment, z)
        if isinstance(answer, NotEstimable):
            found.append(replace(asked, why_not=answer.reason))
        else:
            found.append(replace(asked, effect=answer.effect, low=answer.low, high=answer.high))
    return tuple(found)
