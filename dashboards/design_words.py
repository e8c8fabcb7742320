"""Sentences about what only some designs have: factors, take-up."""

from collections.abc import Mapping
from typing import Final

from analysis.designed import FactorEffect, OnCompliers
from analysis.results import MetricResult, Readout
from dashboards import formats

FACTORS: Final = (
    "Every learner takes part in all factors, so each line below counts everybody: the mean over "
    "one level of a factor against another, the other factors' levels weighing the same. Each "
    "interval stands by itself; the decision above is about the combinations."
)


def factor_rows(readout: Readout) -> list[tuple[MetricResult, list[str]]]:
    """Each metric with its sentences, main effects first."""
    known = {metric.key: metric for metric in readout.metrics}
    found: dict[str, list[str]] = {}
    for effect in readout.factor_effects:
        if effect.metric in known:
            said = factor_sentence(known[effect.metric], effect)
            found.setdefault(effect.metric, []).append(said)
    return [(known[key], sentences) for key, sentences in found.items()]


def complier_sentence(metric: MetricResult, found: OnCompliers, titles: Mapping[str, str]) -> str:
    """What a treatment did for those who took it up, and what that number assumes."""
    title = titles.get(found.variant, found.variant)
    shares = f"{formats.percent(found.take_up)} took {title} up"
    shares += f" ({formats.percent(found.take_up_control)} in the control)"
    if found.effect is None:
        return f"{shares}: the effect on them alone cannot be told, because {found.why_not}."
    unit = f" {metric.unit_label}" if metric.unit_label else ""
    if found.low is None or found.high is None:
        span = "too few took it up for an interval"
    else:
        span = f"interval {formats.interval(found.low, found.high)}"
    return (
        f"{shares}. On those who took it up because it was offered: "
        f"{formats.signed(found.effect)}{unit} ({span}). This assumes that the offer works through "
        "take-up alone and puts nobody off. What shipping changes is the effect on all, above."
    )


def factor_sentence(metric: MetricResult, effect: FactorEffect) -> str:
    """What one factor does, or how two change each other."""
    if effect.effect is None or effect.low is None or effect.high is None:
        return f"{_asked(effect)}: cannot tell, because {effect.why_not}."
    decimals = formats.decimals_for(effect.low, effect.high)
    unit = f" {metric.unit_label}" if metric.unit_label else ""
    size = f"{formats.signed(effect.effect, decimals)}{unit}"
    span = f"interval {formats.interval(effect.low, effect.high, decimals)}"
    clear = effect.low > 0 or effect.high < 0
    if len(effect.factors) == 1:
        verdict = "" if clear else "; no clear difference"
        return f"{_asked(effect)}: {size} ({span}{verdict})."
    meaning = "they change each other's effect" if clear else "nothing says that they do not add up"
    return f"{_asked(effect)}: {size} on top of both alone ({span}); {meaning}."


def _asked(effect: FactorEffect) -> str:
    parts = [
        f"{factor} {level} instead of {reference}"
        for factor, level, reference in zip(
            effect.factors, effect.levels, effect.references, strict=True
        )
    ]
    return parts[0] if len(parts) == 1 else f"Together, {formats.joined(parts)}"
