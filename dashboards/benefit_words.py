"""Sentences and rows about who benefits: honest about how little segments tell."""

from collections.abc import Mapping
from typing import Final

from analysis.answers import ChartData
from analysis.results import Benefit, BenefitLevel, MetricResult
from dashboards import formats, words

Titles = Mapping[str, str]  # variant key -> title

DIFFER_BELOW: Final = 0.05
MOST_DRAWN: Final = 12  # levels in one chart: those with most learners
MEASURED: Final = "as measured"
POOLED: Final = "drawn towards the others"
PLURALS: Final = {
    "role": "roles",
    "region": "regions",
    "tenure": "lengths of tenure",
    "prior_engagement": "levels of prior engagement",
}
HOW: Final = (
    "One test a segment asks whether the effect differs at all, and these tests allow for each "
    "other. Small segments swing widely by chance alone, so each is also shown drawn towards the "
    "others, as far as they agree. Prior engagement is what a learner did in the window before it "
    "met a variant. This is for ideas: a difference that is found here wants an "
    "experiment of its own."
)


def benefit_sentence(metric: MetricResult, benefit: Benefit, titles: Titles) -> str:
    """Whether some learners benefit more from a treatment, in words that promise nothing."""
    name = PLURALS.get(benefit.segment, benefit.segment)
    treatment = titles.get(benefit.variant, benefit.variant)
    if benefit.p_adjusted is None or not benefit.levels:
        return f"Cannot tell whether {name} differ: {benefit.why_not}."
    p = _p(benefit.p_adjusted)
    if benefit.p_adjusted >= DIFFER_BELOW:
        return f"{treatment}: no evidence that {name} differ ({p}): read the overall effect."
    sign = 1 if metric.direction == "increase" else -1
    ranked = sorted(benefit.levels, key=lambda level: -sign * level.pooled)
    return (
        f"{treatment}: {name} differ ({p}). Most benefits {_level(metric, ranked[0])}, least "
        f"{_level(metric, ranked[-1])}, each drawn towards the others."
    )


def left_out_sentence(benefit: Benefit) -> str:
    """Which levels had too few learners; empty when none."""
    if not benefit.left_out:
        return ""
    return f"Too few learners to tell: {formats.joined(list(benefit.left_out))}."


def benefit_chart(metric: MetricResult, benefit: Benefit, titles: Titles) -> ChartData:
    """Each level's effect, as measured and drawn towards the others."""
    largest = sorted(benefit.levels, key=lambda level: -level.n)[:MOST_DRAWN]
    shown = [level for level in benefit.levels if level in largest]
    about = {"unit": metric.unit_label}
    rows = tuple(
        {**about, "label": level.level, "which": which, "effect": effect, "low": low, "high": high}
        for level in shown
        for which, effect, low, high in (
            (MEASURED, level.effect, level.low, level.high),
            (POOLED, level.pooled, level.pooled_low, level.pooled_high),
        )
    )
    told = " ".join(
        [benefit_sentence(metric, benefit, titles)]
        + [f"{words.sentence(_level(metric, level))}" for level in shown]
    )
    treatment = titles.get(benefit.variant, benefit.variant)
    by = benefit.segment.replace("_", " ")
    return ChartData("segments", f"{treatment}, by {by}", rows, told)


def _level(metric: MetricResult, level: BenefitLevel) -> str:
    decimals = formats.decimals_for(level.pooled_low, level.pooled_high)
    unit = f" {metric.unit_label}" if metric.unit_label else ""
    span = formats.interval(level.pooled_low, level.pooled_high, decimals)
    return f"{level.level} ({formats.signed(level.pooled, decimals)}{unit}, {span})"


def _p(p: float) -> str:
    return f"p {formats.p_value(p)}" if p < 0.001 else f"p = {formats.p_value(p)}"
