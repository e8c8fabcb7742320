"""Are learners returning consistently?"""

from dataclasses import dataclass
from typing import Any, Final

import ibis
from ibis.expr import types as ir

from analysis.answers import Answer, ChartData, TableData
from analysis.learning.reading.history import MIN_CELL, History, missing, monday, percent
from analysis.learning.reading.intervals import share

NAME: Final = "returning"
TITLE: Final = "Are learners returning consistently?"
_COHORTS: Final = 16
_SHOWN_WEEKS: Final = 26
_MONTH: Final = 4  # weeks that stickiness divides by
STATES: Final = ("new", "retained", "resurrected", "churned")


@dataclass(frozen=True)
class Week:
    """One complete week: how many were active, and where they came from or went."""

    week: int
    n: dict[str, int]  # state -> learners; churned: active the week before, not in this one
    n_month: int  # learners active in this week or the three before

    @property
    def n_active(self) -> int:
        """Learners active in this week."""
        return self.n["new"] + self.n["retained"] + self.n["resurrected"]

    @property
    def n_before(self) -> int:
        """Learners active in the week before."""
        return self.n["retained"] + self.n["churned"]


def answer(history: History) -> Answer:
    """Whether learners come back: by cohort, from week to week, and within the month."""
    if history.n_weeks < 2:
        return missing(
            NAME,
            TITLE,
            "This needs at least two complete weeks of activity: send session_started, "
            "content_viewed and the like for every learner, and look again next Monday.",
        )
    weeks = read_weeks(history)
    charts = (_heatmap(history), _states(weeks), _stickiness(weeks))
    return Answer(
        NAME,
        TITLE,
        _sentence(weeks),
        charts=tuple(chart for chart in charts if chart.rows),
        table=_table(weeks),
        how=(
            "A learner is active in a week (Monday to Sunday, UTC) with at least one event that "
            "counts as presence. Retained: active in the week before too; resurrected: active "
            "earlier, but not in the week before; churned: active in the week before, not in this "
            "one. A cohort is who was first seen in the same week. Stickiness: active this week / "
            "active in the last four weeks. Intervals: Wilson, 95%."
        ),
        caution=(
            "The history's first cohort holds everybody who was there before the log began. "
            f"Figures about fewer than {MIN_CELL} learners are left out."
        ),
    )


def read_weeks(history: History) -> list[Week]:
    """Every complete week from the history's second on, oldest first."""
    rows = history.weeks
    of_learner = ibis.window(group_by="learner", order_by="week")
    seen = rows.mutate(
        before=rows.week.lag().over(of_learner), after=rows.week.lead().over(of_learner)
    )
    state = ibis.cases(
        (seen.before.isnull(), "new"),
        (seen.before == seen.week - 1, "retained"),
        else_="resurrected",
    )
    here = seen.select("week", state=state)
    left = seen.filter(seen.after.isnull() | (seen.after > seen.week + 1))
    gone = left.select(week=left.week + 1, state=ibis.literal("churned"))
    both = here.union(gone)
    counts = both.group_by(["week", "state"]).aggregate(n=both.count())
    n: dict[int, dict[str, int]] = {}
    for row in counts.to_pyarrow().to_pylist():
        n.setdefault(row["week"], {})[row["state"]] = int(row["n"])
    months = _active_in_month(rows)
    return [
        Week(
            week,
            {state: n.get(week, {}).get(state, 0) for state in STATES},
            months.get(week, 0),
        )
        for week in range(history.first_week + 1, history.end_week)
    ]


def _active_in_month(rows: ir.Table) -> dict[int, int]:
    later = [rows.select("learner", week=rows.week + offset) for offset in range(_MONTH)]
    reached = ibis.union(*later, distinct=True)
    counts = reached.group_by("week").aggregate(n=reached.count()).to_pyarrow().to_pylist()
    return {int(row["week"]): int(row["n"]) for row in counts}


def _heatmap(history: History) -> ChartData:
    rows = history.weeks
    first = rows.group_by("learner").aggregate(cohort=rows.week.min())
    joined = rows.join(first, "learner")
    counts = joined.mutate(since=joined.week - joined.cohort).group_by(["cohort", "since"])
    found = counts.aggregate(n=ibis._.count()).order_by(["cohort", "since"])
    cells: dict[int, dict[int, int]] = {}
    for row in found.to_pyarrow().to_pylist():
        cells.setdefault(row["cohort"], {})[row["since"]] = int(row["n"])
    shown = [cohort for cohort, by_week in cells.items() if by_week[0] >= MIN_CELL][-_COHORTS:]
    data = tuple(
        {
            "cohort": monday(cohort),
            "week": since,
            "share": cells[cohort].get(since, 0) / cells[cohort][0],
            "n": cells[cohort][0],
        }
        for cohort in shown
        for since in range(min(history.end_week - cohort, _SHOWN_WEEKS))
    )
    return ChartData(
        "retention_heatmap",
        "Share of each cohort still active, by weeks since its first",
        data,
        f"{len(shown)} weekly cohorts; each row shows the share of the cohort active in the weeks "
        "after its first.",
    )


def _states(weeks: list[Week]) -> ChartData:
    data = tuple(
        {"week": monday(one.week), "state": state, "n": one.n[state]}
        for one in weeks[-_SHOWN_WEEKS:]
        for state in STATES
        if one.n_active + one.n["churned"] >= MIN_CELL
    )
    last = weeks[-1]
    return ChartData(
        "weekly_states",
        "Learners by week: new, retained, resurrected, churned",
        data,
        f"In the week of {monday(last.week)}: "
        + ", ".join(f"{last.n[state]} {state}" for state in STATES)
        + ".",
    )


def _stickiness(weeks: list[Week]) -> ChartData:
    # Before four weeks have passed the "month" is shorter, and the share would flatter.
    whole = [one for one in weeks[_MONTH - 2 :] if one.n_month >= MIN_CELL][-_SHOWN_WEEKS:]
    data = tuple({"week": monday(one.week), "share": one.n_active / one.n_month} for one in whole)
    latest = whole[-1].n_active / whole[-1].n_month if whole else 0.0
    return ChartData(
        "stickiness",
        "Active this week, of those active in four weeks",
        data,
        f"{percent(latest)} in the latest week.",
    )


def _sentence(weeks: list[Week]) -> str:
    last = weeks[-1]
    if last.n_before < MIN_CELL:
        return (
            f"Fewer than {MIN_CELL} learners were active in the week before "
            f"{monday(last.week)}: too few to say whether learners return."
        )
    now = share(last.n["retained"], last.n_before)
    text = (
        f"{percent(now.estimate)} of the {last.n_before} learners active in the week before came "
        f"back in the week of {monday(last.week)} (95% interval {percent(now.low)} to "
        f"{percent(now.high)})"
    )
    earlier = weeks[-5:-1]
    n_before = sum(one.n_before for one in earlier)
    if n_before < MIN_CELL:
        return f"{text}; {last.n['resurrected']} returned after a pause."
    usual = share(sum(one.n["retained"] for one in earlier), n_before)
    return (
        f"{text}, {_against(now.low, now.high, usual.estimate)} the {percent(usual.estimate)} of "
        f"the {len(earlier)} weeks before; {last.n['resurrected']} returned after a pause and "
        f"{last.n['churned']} stayed away."
    )


def _against(low: float, high: float, usual: float) -> str:
    if low > usual:
        return "above"
    return "below" if high < usual else "in line with"


def _table(weeks: list[Week]) -> TableData:
    rows: list[tuple[Any, ...]] = []
    for one in weeks[-_SHOWN_WEEKS:]:
        if one.n_active < MIN_CELL:
            continue
        back = one.n["retained"] / one.n_before if one.n_before >= MIN_CELL else None
        states = tuple(one.n[state] for state in STATES)
        rows.append((monday(one.week), one.n_active, back, *states, one.n_active / one.n_month))
    columns = ("week", "active", "came back", *STATES, "stickiness")
    return TableData(columns, tuple(rows))
