"""A readout's numbers as the rows of its charts, each with its words for who cannot see it."""

from collections.abc import Mapping
from typing import Any

from analysis.answers import ChartData
from analysis.results import ComponentSplit, Estimate, MetricResult, Readout
from dashboards import formats, words

Titles = Mapping[str, str]  # variant key -> title
Z_95 = 1.96


def effect_chart(metric: MetricResult, titles: Titles) -> ChartData:
    """Estimates and intervals of all treatments for one metric."""
    known = _known(metric)
    rows = tuple(
        {
            **_about_metric(metric),
            "label": titles.get(estimate.variant, estimate.variant),
            "effect": estimate.effect,
            "low": estimate.low,
            "high": estimate.high,
        }
        for estimate in known
    )
    told = " ".join(words.effect_sentence(metric, estimate, titles) for estimate in known)
    return ChartData("forest", f"{metric.title}: effect and interval", rows, told)


def posterior_chart(metric: MetricResult, titles: Titles) -> ChartData:
    """What to believe about each treatment's effect on one metric."""
    known = _known(metric)
    rows = tuple(
        {
            **_about_metric(metric),
            "label": titles.get(estimate.variant, estimate.variant),
            "mean": estimate.posterior.mean,
            "sd": estimate.posterior.sd,
        }
        for estimate in known
        if estimate.posterior.sd > 0
    )
    told = " ".join(words.posterior_sentence(metric, estimate, titles) for estimate in known)
    return ChartData("posterior", f"{metric.title}: what to believe now", rows, told)


def trend_chart(readout: Readout, titles: Titles) -> ChartData:
    """The primary's estimate as it stood at the end of each day."""
    unit = readout.primary.unit_label
    rows = tuple(
        {
            "label": titles.get(point.variant, point.variant),
            "day": point.day,
            "effect": point.effect,
            "low": point.low,
            "high": point.high,
            "n": point.n,
            "unit": unit,
        }
        for point in readout.trend
    )
    told = ""
    if readout.trend:
        first, last = readout.trend[0], readout.trend[-1]
        decimals = formats.decimals_for(last.low, last.high)
        span = formats.interval(last.low, last.high, decimals)
        told = (
            f"From {formats.date(first.day)} to {formats.date(last.day)}; on the last day "
            f"{titles.get(last.variant, last.variant)} stood at "
            f"{formats.signed(last.effect, decimals)} ({span})."
        )
    return ChartData("trend", "The estimate, day by day", rows, told)


def split_chart(split: ComponentSplit, titles: Titles) -> ChartData:
    """One treatment's effect on the score, component by component."""
    rows = tuple(
        {
            "component": words.COMPONENTS.get(part.component, part.component),
            "effect": part.effect,
            "low": part.effect - Z_95 * part.se,
            "high": part.effect + Z_95 * part.se,
        }
        for part in split.components
    )
    title = f"{titles.get(split.variant, split.variant)}: score points by component"
    told = words.split_sentence(split, titles)
    return ChartData("component_split", title, rows, told)


def looks_chart(history: tuple[Readout, ...]) -> ChartData:
    """Each look's result against the bar that it had to pass."""
    looks = [readout.sequential for readout in history if readout.sequential is not None]
    rows = tuple(
        {
            "look": look.look,
            "z": look.z,
            "boundary": look.boundary_z,
            "crossed": look.crossed or look.harm,
        }
        for look in looks
    )
    told = " ".join(words.look_sentence(look) for look in looks[-1:])
    return ChartData("look_history", "Result and bar at each look", rows, told)


def _known(metric: MetricResult) -> list[Estimate]:
    return [estimate for estimate in metric.estimates if isinstance(estimate, Estimate)]


def _about_metric(metric: MetricResult) -> dict[str, Any]:
    return {
        "unit": metric.unit_label,
        "increase_is_good": metric.direction == "increase",
        "minimum_effect": metric.minimum_effect,
    }
