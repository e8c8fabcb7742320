"""What a metric's preview and a score's validation say, in sentences and as charts' rows."""

from typing import Final

from analysis.answers import ChartData, TableData
from analysis.previewed import Detection, Limits, Preview
from dashboards import formats
from dashboards.metric_views import PreviewView, ValidationInfo

DIRECTIONS: Final = {"increase": "More is better", "decrease": "Less is better"}
KIND_TITLES: Final = {
    "score": "Energize Score",
    "count": "Number of events",
    "sum": "Sum of values",
    "proportion": "Share of learners who did it",
    "retention": "Share who are still there at the end",
    "active_days": "Days with activity",
    "ratio": "Sum of values per event",
    "rate": "Events per event",
    "time_to_event": "Days until it happens",
    "quantile": "Quantile of values",
}
MISSING_PACE: Final = "at the present pace"


def spread_sentence(shown: PreviewView, found: Preview) -> str:
    """Where the metric lies, and how wide."""
    who = formats.counted(found.n_learners, "learner")
    when = f"the {found.window_days} days from {formats.date(found.exposed_at)}"
    if found.yes_or_no:
        return f"Of {who}, {formats.percent(found.mean, 1)} did so in {when}."
    unit = f" {shown.unit_label}" if shown.unit_label else ""
    zeros = (
        f" {formats.percent(found.share_of_zeros)} of them had none."
        if found.share_of_zeros
        else ""
    )
    return (
        f"{who} had {formats.number(found.mean)}{unit} on average in {when}, with a standard "
        f"deviation of {formats.number(found.sd)}.{zeros}"
    )


def past_sentence(found: Preview) -> str:
    """How much the window before tells, which is what adjusting takes off the waiting time."""
    if found.variance_reduction < 0.01:
        return (
            "What learners did in the window before tells next to nothing about it, so adjusting "
            "for it saves no time."
        )
    return (
        f"What learners did in the window before explains "
        f"{formats.percent(found.variance_reduction)} of the variance (correlation "
        f"{formats.measure(found.correlation, 2)}): adjusting for it takes as much off the number "
        "of learners."
    )


def detection_sentence(shown: PreviewView, found: Detection) -> str:
    """How many learners and days it takes to find one difference."""
    unit = f" {shown.unit_label}" if shown.unit_label else ""
    size = f"{formats.number(found.effect)}{unit}"
    share = "" if found.relative is None else f", {formats.percent(found.relative, 1)} of the mean"
    what = (
        f"A difference of {size} (2 % of the mean)"
        if found.what == "relative"
        else f"The smallest difference that matters ({size}{share})"
    )
    if found.n_learners is None:
        why = found.why_not
        return f"{what} cannot be planned for: {why.reason}; {why.remedy}." if why else f"{what}."
    many = formats.counted(found.n_learners, "learner")
    if found.days is None:
        never = found.why_not
        reason = f": {never.reason}; {never.remedy}" if never else ""
        return f"{what} takes {many} in two variants{reason}."
    return f"{what} takes {many} in two variants: {_days(found)}."


def limits_sentence(found: Limits, shown: PreviewView) -> str:
    """What floor and cap change."""
    unit = f" {shown.unit_label}" if shown.unit_label else ""
    parts = []
    if found.cap is not None:
        share = _touched(found.share_above)
        parts.append(f"The cap of {formats.number(found.cap)}{unit} touches {share}.")
    if found.floor is not None:
        share = _touched(found.share_below)
        parts.append(f"The floor of {formats.number(found.floor)}{unit} touches {share}.")
    parts.append(
        f"Without limits the mean is {formats.number(found.mean_without)}{unit} and the standard "
        f"deviation {formats.number(found.sd_without)}."
    )
    return " ".join(parts)


def teams_sentence(found: Preview) -> str:
    """What it costs when teams get variants; empty where too few are known."""
    teams = found.teams
    if teams is None:
        return ""
    return (
        f"When teams get variants it takes {formats.number(teams.design_effect, 2)} times as many "
        f"learners: those of one team are alike (ICC {formats.measure(teams.icc, 3)}, "
        f"{formats.counted(teams.n_teams, 'team')} of {formats.number(teams.mean_size, 2)})."
    )


def distribution_chart(shown: PreviewView, found: Preview) -> ChartData:
    """Learners by outcome."""
    rows = tuple(
        {
            "low": each.low,
            "high": each.high,
            "n": each.n,
            "unit": shown.unit_label,
            "mean": found.mean,
        }
        for each in found.bins
    )
    middle, far = found.quantiles["0.5"], found.quantiles["0.95"]
    told = (
        f"Half of the learners are at {formats.number(middle)} or below, 95 in 100 at "
        f"{formats.number(far)} or below. The dashed line is the mean, "
        f"{formats.number(found.mean)}."
    )
    if found.bins[-1].high is None:
        told += " The last bar, of another colour, holds all above."
    return ChartData("distribution", f"{shown.title}: how it is spread", rows, told)


def quantile_table(found: Preview) -> TableData:
    """The distribution at a glance."""
    columns = tuple(f"{float(share):.0%} at or below" for share in found.quantiles)
    return TableData(columns, (tuple(found.quantiles.values()),))


def calibration_chart(found: ValidationInfo) -> ChartData:
    """Chances that were told against what came."""
    rows = tuple(
        {"predicted": each.predicted, "observed": each.observed, "n": each.n}
        for each in found.calibration
    )
    worst = max(found.calibration, key=lambda each: abs(each.predicted - each.observed))
    told = (
        f"On the dashed line chances come true. Farthest from it: told "
        f"{formats.percent(worst.predicted)}, came back {formats.percent(worst.observed)}."
    )
    return ChartData("calibration", "Chance to return, as told and as it came", rows, told)


def brier_sentence(found: ValidationInfo) -> str:
    """How far the chances are off, against knowing nothing."""
    score = found.predictors[0].brier
    better = "less than" if score < found.brier_base else "no less than"
    return (
        f"Its chances are off by {formats.measure(score, 3)} on the square (Brier score), {better} "
        f"the {formats.measure(found.brier_base, 3)} of telling everybody the base rate of "
        f"{formats.percent(found.base_rate)}."
    )


def _days(found: Detection) -> str:
    days = formats.counted(round(found.days or 0), "day")
    if found.days_low is None:
        return days
    high = "never" if found.days_high is None else f"{found.days_high:,.0f}"
    return f"{days} {MISSING_PACE} ({found.days_low:,.0f} to {high})"


def _touched(share: float) -> str:
    return "no learner" if share == 0 else f"{formats.percent(share, 1)} of learners"
