"""Which activities sustain participation?"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Final

import ibis
from ibis.expr import types as ir

from analysis.answers import Answer, ChartData, TableData
from analysis.energize.facts import is_presence
from analysis.learning.reading.history import MIN_CELL, History, missing, percent, points, week_of
from analysis.learning.reading.intervals import Interval, Stratum, difference_of_shares
from analysis.normal import Z95

NAME: Final = "sustaining"
TITLE: Final = "Which activities sustain participation?"
_WEEKS: Final = 12
_SHOWN: Final = 15
# Opening the program, a message or a reward is no activity of learning; rewards have their own
# question.
_NOT_ACTIVITIES: Final = ("session_started", "message_opened", "reward_claimed")


@dataclass(frozen=True)
class Followed:
    """One activity: who did it, how often, and whether they came back more than their likes."""

    name: str
    n: int  # learners who did it
    reach: float  # share of the active learners
    repeat_rate: float  # share of them who did it on several days
    difference: Interval | None = None  # next-week return, against similar who did not


def answer(history: History) -> Answer:
    """What learners come back after, once alike learners are compared."""
    by_activity = follow(history, "activity")
    by_topic = follow(history, "topic")
    if not by_activity and not by_topic:
        return missing(
            NAME,
            TITLE,
            f"This needs at least three complete weeks in which {MIN_CELL} learners did the same "
            "thing: send content_viewed, course_progressed, challenge_completed and the like, with "
            "the properties activity and topic.",
        )
    charts = tuple(
        _chart(title, found)
        for title, found in (("By activity", by_activity), ("By topic", by_topic))
        if any(one.difference for one in found)
    )
    return Answer(
        NAME,
        TITLE,
        _sentence(by_activity or by_topic),
        charts=charts,
        table=_table({"activity": by_activity, "topic": by_topic}),
        how=(
            f"Of each learner one active week of the last {_WEEKS} is taken. Those who did the "
            "activity in it are compared with learners who were active on equally many days of "
            "that week and of the week before, but did not: how many of each came back in the week "
            "after (Mantel-Haenszel difference over the strata, 95% interval by Sato, "
            "Greenland and Robins). Reach: share of the active learners who did it. Repeat rate: "
            "share of them who did it on more than one day."
        ),
        caution=(
            "An association among similar learners, not an effect: who picks an activity may "
            "differ in ways that the log does not show. Of many intervals some miss by chance, so "
            "the sentence names an activity only when it clears the bar for all of them together. "
            "An experiment can tell."
        ),
    )


def follow(history: History, column: str) -> list[Followed]:
    """Each activity (or topic), the most reached first."""
    first = max(history.first_week + 1, history.end_week - 1 - _WEEKS)
    # The last complete week is needed to see who came back.
    last = history.end_week - 1
    if last <= first:
        return []
    did = _did(history, column, first, last).cache()
    reached = _reach(did, history, first, last)
    strata = _strata(_one_week_each(history, first, last), did)
    return [
        replace(one, difference=difference_of_shares(strata.get(one.name, ()))) for one in reached
    ]


def _did(history: History, column: str, first: int, last: int) -> ir.Table:
    """Who did what in which week: ``learner``, ``week``, ``name``, ``n_days``."""
    events = history.events
    events = events.filter(is_presence(events.kind), events.kind.notin(_NOT_ACTIVITIES))
    events = events.mutate(week=week_of(events.day))
    readable = events.kind.replace("_", " ")
    name = events.activity.coalesce(readable) if column == "activity" else events[column]
    events = events.filter(events.week >= first, events.week < last, name.notnull())
    events = events.mutate(name=name)
    return events.group_by(["learner", "week", "name"]).aggregate(n_days=events.day.nunique())


def _reach(did: ir.Table, history: History, first: int, last: int) -> list[Followed]:
    weeks = history.weeks
    active = weeks.filter(weeks.week >= first, weeks.week < last)
    n_active = int(active.learner.nunique().to_pyarrow().as_py())
    each = did.group_by(["name", "learner"]).aggregate(n_days=did.n_days.sum())
    counts = each.group_by("name").aggregate(
        n=each.count(), repeated=(each.n_days > 1).cast("int64").sum()
    )
    most = counts.filter(counts.n >= MIN_CELL).order_by([counts.n.desc(), "name"]).limit(_SHOWN)
    return [
        Followed(row["name"], int(row["n"]), row["n"] / n_active, row["repeated"] / row["n"])
        for row in most.to_pyarrow().to_pylist()
    ]


def _one_week_each(history: History, first: int, last: int) -> ir.Table:
    """One active week of each learner: rows of one learner are not independent, these are.

    Columns: ``learner``, ``week``, ``stratum``, ``back`` (active in the week after).
    """
    weeks = history.weeks
    of_learner = ibis.window(group_by="learner", order_by="week")
    lined = weeks.mutate(
        before=weeks.week.lag().over(of_learner),
        before_days=weeks.n_days.lag().over(of_learner),
        after=weeks.week.lead().over(of_learner),
    )
    lined = lined.filter(lined.week >= first, lined.week < last)
    lined = lined.mutate(
        number=ibis.row_number().over(ibis.window(group_by="learner", order_by="week")),
        n_weeks=lined.count().over(ibis.window(group_by="learner")),
        # A number per learner that repeats when the readout does, unlike a random draw.
        turn=ibis.dense_rank().over(ibis.window(order_by="learner")),
    )
    picked = lined.filter(lined.number == lined.turn % lined.n_weeks)
    days_before = ibis.ifelse(picked.before == picked.week - 1, picked.before_days, 0).fill_null(0)
    bucket = ibis.cases(
        (days_before == 0, 0), (days_before <= 2, 1), (days_before <= 4, 2), else_=3
    )
    return picked.select(
        "learner",
        "week",
        stratum=picked.n_days * 4 + bucket,
        back=(picked.after == picked.week + 1).fill_null(False).cast("int64"),
    ).cache()


def _strata(one_week: ir.Table, did: ir.Table) -> dict[str, list[Stratum]]:
    alike = one_week.group_by("stratum").aggregate(n=one_week.count(), back=one_week.back.sum())
    everybody = {row["stratum"]: row for row in alike.to_pyarrow().to_pylist()}
    doing = one_week.join(did, ["learner", "week"])
    counts = doing.group_by(["name", "stratum"]).aggregate(n=doing.count(), back=doing.back.sum())
    strata: dict[str, list[Stratum]] = {}
    # In a fixed order, so that sums of floats come out the same whenever they are computed again.
    for row in counts.order_by(["name", "stratum"]).to_pyarrow().to_pylist():
        total = everybody[row["stratum"]]
        n_did, back_did = int(row["n"]), int(row["back"])
        strata.setdefault(row["name"], []).append(
            Stratum(n_did, back_did, int(total["n"]) - n_did, int(total["back"]) - back_did)
        )
    return strata


def _chart(title: str, found: list[Followed]) -> ChartData:
    compared = [(one, one.difference) for one in found if one.difference]
    rows = tuple(
        {
            "activity": one.name,
            "reach": one.reach,
            "repeat_rate": one.repeat_rate,
            "difference": gap.estimate,
            "low": gap.low,
            "high": gap.high,
            "n": one.n,
        }
        for one, gap in compared
    )
    return ChartData(
        "activity_return",
        f"{title}: next-week return against similar learners",
        rows,
        "; ".join(f"{one.name} {points(gap.estimate)}" for one, gap in compared) + ".",
    )


def _sentence(found: list[Followed]) -> str:
    compared = [(one, one.difference) for one in found if one.difference]
    if not compared:
        return (
            f"{found[0].name} reaches most learners ({percent(found[0].reach)}), but every similar "
            "learner did it too: there is nobody to compare with."
        )
    one, gap = max(compared, key=lambda pair: pair[1].low)
    figures = (
        f"{points(gap.estimate)} in next-week return (95% interval {points(gap.low)} to "
        f"{points(gap.high)}; {one.n} learners)"
    )
    # The best of many: it must clear the bar that all of them together would rarely pass by chance.
    bar = NormalDist().inv_cdf(1 - 0.025 / len(compared))
    if gap.estimate > bar * (gap.high - gap.low) / (2 * Z95):
        return (
            f"{one.name} goes with coming back most: {figures}, against learners who were as "
            "active but did not do it."
        )
    return (
        f"No activity stands out: among equally active learners even the leading one, {one.name}, "
        f"cannot be told from none, {figures}."
    )


def _table(found: Mapping[str, list[Followed]]) -> TableData:
    columns = ("by", "name", "learners", "reach", "repeat rate", "difference", "low", "high")
    rows = []
    for by, several in found.items():
        for one in several:
            gap = one.difference
            figures = (gap.estimate, gap.low, gap.high) if gap else (None, None, None)
            rows.append((by, one.name, one.n, one.reach, one.repeat_rate, *figures))
    return TableData(columns, tuple(rows))
