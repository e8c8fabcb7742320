"""Where do drop-offs occur?"""

from typing import Any, Final

import ibis

from analysis.answers import Answer, ChartData, TableData
from analysis.learning.reading.funnels import Loss, Step, read_funnels, worst_loss
from analysis.learning.reading.history import MIN_CELL, History, missing, percent
from analysis.learning.reading.intervals import share
from analysis.learning.reading.survival import Ended, SurvivalPoint, kaplan_meier, median_week

NAME: Final = "drop_off"
TITLE: Final = "Where do drop-offs occur?"
_SILENCE: Final = 4  # complete weeks without activity: dropped off
_MANY: Final = 0.1  # of the learners at the start


def answer(history: History) -> Answer:
    """When learners stop coming, and at which step of which course."""
    points = tuple(point for point in read_survival(history) if point.at_risk >= MIN_CELL)
    funnels = read_funnels(history)
    if not points and not funnels:
        return missing(
            NAME,
            TITLE,
            f"This needs {_SILENCE + 1} complete weeks of activity by at least {MIN_CELL} "
            "learners; for funnels send course_progressed events with the properties course and "
            "step (a number from 1 up).",
        )
    worst = worst_loss(funnels)
    charts = (_survival_chart(points), _funnel_chart(funnels))
    return Answer(
        NAME,
        TITLE,
        " ".join(part for part in (_when(points), _where(worst, funnels)) if part),
        charts=tuple(chart for chart in charts if chart.rows),
        table=_table(points),
        how=(
            f"A learner has dropped off after its last active week when {_SILENCE} complete weeks "
            "without activity follow. The curve is Kaplan-Meier from the first active week on: "
            "learners who came later are watched only so far as a drop could have been seen; "
            "intervals by Greenwood's variance on the log(-log) scale, 95%. A funnel counts who "
            "reached each step or a later one, among learners who began the course at least four "
            "weeks ago; the usual loss is the median over the course's other steps."
        ),
        caution=(
            "Learners who were there before the log began count from its first week, so the curve "
            "may flatter the first weeks."
        ),
    )


def read_survival(history: History) -> tuple[SurvivalPoint, ...]:
    """The share of learners still active by weeks since their first."""
    weeks = history.weeks
    span = weeks.group_by("learner").aggregate(first=weeks.week.min(), last=weeks.week.max())
    lasted = span.last - span.first + 1
    # The last week after which a drop of this learner could have been seen by now.
    watched = history.end_week - span.first - _SILENCE
    ends = span.select(lasted=lasted, watched=watched).filter(ibis._.watched > 0)
    ends = ends.select(
        time=ibis.least(ends.lasted, ends.watched), dropped=ends.lasted <= ends.watched
    )
    counts = ends.group_by("time").aggregate(n=ends.count(), dropped=ends.dropped.sum())
    return kaplan_meier(
        {
            int(row["time"]): Ended(int(row["dropped"]), int(row["n"] - row["dropped"]))
            for row in counts.to_pyarrow().to_pylist()
        }
    )


def _when(points: tuple[SurvivalPoint, ...]) -> str:
    if not points:
        return ""
    shown = points[min(8, len(points)) - 1]
    still = (
        f"{percent(shown.survival)} of learners are still active {shown.week} weeks after their "
        f"first (95% interval {percent(shown.low)} to {percent(shown.high)})"
    )
    # Where few are left to watch, a handful of learners would make the steepest week.
    many = [point for point in points if point.at_risk >= points[0].at_risk * _MANY]
    hardest = max(many, key=lambda point: point.hazard)
    half = median_week(points)
    lost = "" if half is None else f"; half are gone after {half} weeks"
    if not hardest.dropped:
        return f"{still}; nobody has dropped off yet."
    return f"{still}{lost}; most leave after week {hardest.week} ({percent(hardest.hazard)})."


def _where(worst: Loss | None, funnels: tuple[tuple[Step, ...], ...]) -> str:
    if worst is None:
        return (
            "" if funnels else "For courses, send course_progressed with course and step as well."
        )
    lost = worst.before.n - worst.after.n
    found = share(lost, worst.before.n)
    where = f"{worst.before.label} to {worst.after.label}"
    if found.low <= worst.usual:
        return f"In courses no step loses noticeably more learners than the others ({where} most)."
    return (
        f"The step that loses most is {where} in {worst.before.course}: {percent(found.estimate)} "
        f"of {worst.before.n} learners stop there (95% interval {percent(found.low)} to "
        f"{percent(found.high)}), where a step of that course usually loses "
        f"{percent(worst.usual)}."
    )


def _survival_chart(points: tuple[SurvivalPoint, ...]) -> ChartData:
    rows: tuple[dict[str, Any], ...] = tuple(
        {
            "week": point.week,
            "survival": point.survival,
            "low": point.low,
            "high": point.high,
            "at_risk": point.at_risk,
        }
        for point in points
    )
    if rows:
        start = {"week": 0, "survival": 1.0, "low": 1.0, "high": 1.0}
        rows = ({**start, "at_risk": points[0].at_risk}, *rows)
    return ChartData(
        "survival",
        "Share of learners still active, by weeks since their first",
        rows,
        "; ".join(f"week {row['week']}: {percent(row['survival'])}" for row in rows) + ".",
    )


def _funnel_chart(funnels: tuple[tuple[Step, ...], ...]) -> ChartData:
    shown = [step for funnel in funnels for step in funnel if step.n >= MIN_CELL]
    return ChartData(
        "funnel",
        "How far learners come in each course",
        tuple(
            {
                "course": step.course,
                "step": step.step,
                "label": step.label,
                "n": step.n,
                "share": step.share,
            }
            for step in shown
        ),
        "; ".join(f"{one.course}, {one.label}: {percent(one.share)}" for one in shown) + ".",
    )


def _table(points: tuple[SurvivalPoint, ...]) -> TableData | None:
    if not points:
        return None
    rows = tuple(
        (
            point.week,
            point.at_risk,
            point.dropped,
            point.hazard,
            point.survival,
            point.low,
            point.high,
        )
        for point in points
    )
    return TableData(
        ("week", "at risk", "dropped off", "hazard", "still active", "low", "high"), rows
    )
