"""Sentences about what experiments that are over say together, with what they assume."""

from typing import Final

from analysis.across.results import (
    AcrossReport,
    DomainEffect,
    KpiSlope,
    Measure,
    PooledEffect,
    SurrogateSlope,
)
from analysis.answers import ChartData
from analysis.results import NotEstimable
from dashboards import formats, words

POOLED_ASSUMES: Final = (
    "Each experiment counts once, with the readout that speaks for it; readouts that may not be "
    "used are left out. True effects may differ from experiment to experiment, and those that were "
    "run stand for those to come. Experiments that were stopped early at a win overstate a little."
)
SLOPE_ASSUMES: Final = (
    "Each experiment moved the score at random, so this is not the mere fact that eager learners "
    "do better. It holds only as far as what experiments did to the KPI in other ways is unrelated "
    "to how much they moved the score: a pay rise that comes with a course breaks it. The errors "
    "of both estimates come from the same learners; how they go together is not stored and taken "
    "as 0, which draws the slope towards what holds among learners, the more so the less the "
    "score was moved."
)
MISFIT_FROM: Final = 0.05


def pooled_sentence(metric: Measure, found: PooledEffect | NotEstimable, title: str = "") -> str:
    """What one domain's experiments did on average, and what one more may do."""
    name = f"{title}: " if title else ""
    if isinstance(found, NotEstimable):
        return f"{name}{_cannot(found)}"
    decimals = formats.decimals_for(found.low, found.high)
    unit = f" {metric.unit_label}" if metric.unit_label else ""
    span = formats.interval(found.low, found.high, decimals)
    mean = formats.signed(found.mean, decimals)
    following = formats.interval(found.next_low, found.next_high, decimals)
    clear = "" if found.low > 0 or found.high < 0 else "No effect is clear on average: "
    number = formats.counted(found.n_experiments, "experiment")
    return (
        f"{name}{clear}{number} moved it by {mean}{unit} on average ({span}). "
        f"One more such experiment may do {following}."
    )


def slope_sentence(metric: Measure, slope: KpiSlope) -> str:
    """Whether moving the metric moved the KPI, and how far to trust that."""
    kpi, found = slope.kpi, slope.found
    if isinstance(found, NotEstimable):
        return f"{kpi.title}: {_cannot(found)}"
    unit = f" {kpi.unit_label}" if kpi.unit_label else ""
    size = formats.number(found.slope, 2).replace(formats.MINUS, "")
    way = "rose" if found.slope > 0 else "fell"
    text = (
        f"{kpi.title}: over {formats.counted(found.n_experiments, 'experiment')}, it {way} by "
        f"{size}{unit} for each {_one(metric)} more of {metric.title} ({_span(found)})."
    )
    return " ".join(
        part for part in (text, _clear(found), _strength(metric, found), _misfit(found)) if part
    )


def domain_chart(report: AcrossReport) -> ChartData:
    """The pooled effect of every domain that has one, all together last."""
    rows = [
        _row(report.metric, words.DOMAINS.get(each.domain, each.domain), each.found)
        for each in (*report.domains, DomainEffect("All together", report.overall))
        if isinstance(each.found, PooledEffect)
    ]
    told = " ".join(
        pooled_sentence(report.metric, each.found, words.DOMAINS.get(each.domain, each.domain))
        for each in report.domains
    )
    return ChartData("forest", f"{report.metric.title}: mean effect by domain", tuple(rows), told)


def report_lines(report: AcrossReport) -> list[str]:
    """The whole report as lines of text."""
    metric = report.metric
    lines = [f"{metric.title}: {formats.counted(len(report.experiments), 'experiment')} over."]
    lines += [
        "  " + pooled_sentence(metric, each.found, words.DOMAINS.get(each.domain, each.domain))
        for each in report.domains
    ]
    lines += ["  " + pooled_sentence(metric, report.overall, "All together"), POOLED_ASSUMES]
    if report.kpis:
        lines += ["", f"Has moving {metric.title} moved the KPIs?"]
        lines += ["  " + slope_sentence(metric, each) for each in report.kpis]
        lines.append(SLOPE_ASSUMES)
    return lines


def _row(metric: Measure, label: str, found: PooledEffect) -> dict[str, object]:
    return {
        "unit": metric.unit_label,
        "increase_is_good": metric.direction == "increase",
        "minimum_effect": None,
        "label": label,
        "effect": found.mean,
        "low": found.low,
        "high": found.high,
    }


def _cannot(found: NotEstimable) -> str:
    return f"Cannot tell. {words.sentence(found.reason)} {words.sentence(found.remedy)}"


def _one(metric: Measure) -> str:
    return {"points": "point"}.get(metric.unit_label, metric.unit_label or "unit")


def _span(found: SurrogateSlope) -> str:
    low = "without a bound below" if found.low is None else formats.number(found.low, 2)
    high = "without a bound above" if found.high is None else formats.number(found.high, 2)
    return f"{low} to {high}"


def _clear(found: SurrogateSlope) -> str:
    if found.low is not None and found.high is not None and not found.low <= 0 <= found.high:
        return ""
    return "That it did nothing is not excluded."


def _strength(metric: Measure, found: SurrogateSlope) -> str:
    if found.is_strong:
        return ""
    strength = formats.number(found.strength, 2)
    return (
        f"The experiments hardly moved {metric.title} (mean F {strength}, wanted 10 or more): do "
        "not use the slope."
    )


def _misfit(found: SurrogateSlope) -> str:
    if found.misfit_p_value >= MISFIT_FROM:
        return ""
    return (
        "One line does not fit all experiments: some moved the KPI in other ways, and the interval "
        "allows for that."
    )
