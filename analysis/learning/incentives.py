"""Which incentives drive engagement?"""

from dataclasses import dataclass
from typing import Any, Final

import ibis
from ibis.expr import types as ir

from analysis.answers import Answer, ChartData, TableData
from analysis.engines.functions import exact_sum
from analysis.learning.reading.history import (
    MIN_CELL,
    ExperimentEstimate,
    History,
    missing,
    percent,
)
from analysis.learning.reading.intervals import share
from analysis.learning.reading.randomised import say_experiments

NAME: Final = "incentives"
TITLE: Final = "Which incentives drive engagement?"
SPANS: Final = (7, 28)
_SHOWN: Final = 12
_REPEATS: Final = 8


@dataclass(frozen=True)
class Incentive:
    """One reward: who was offered it, who claimed, and who came back after the claim."""

    name: str
    n_offered: int
    n_offered_and_claimed: int
    n_claimed: int
    watched: dict[int, int]  # days -> learners whose first claim lies at least so long ago
    returned: dict[int, int]  # days -> those of them active within so many days, not the same day
    mean_cost: float | None  # of a claim, when claims carry a value

    @property
    def claim_rate(self) -> float | None:
        """Share of the learners offered it who claimed it; None: too few offers are logged."""
        return self.n_offered_and_claimed / self.n_offered if self.n_offered >= MIN_CELL else None

    def cost_per_returned(self) -> float | None:
        """Cost of the claims per learner back within 28 days; None: no cost or nobody back."""
        longest = SPANS[-1]
        if self.mean_cost is None or not self.returned[longest]:
            return None
        return self.mean_cost * self.watched[longest] / self.returned[longest]


def answer(history: History) -> Answer:
    """Which rewards are claimed and followed by a return, and how that fades."""
    incentives = read_incentives(history)
    tested = tuple(one for one in history.experiments if one.domain == "incentive")
    if not incentives:
        return missing(
            NAME,
            TITLE,
            f"No reward has been claimed by {MIN_CELL} learners yet: send reward_offered and "
            "reward_claimed with the property activity naming the reward (and value its cost)."
            + say_experiments(tested),
        )
    decay = _decay(history)
    charts = (_returns_chart(incentives), _decay_chart(decay))
    return Answer(
        NAME,
        TITLE,
        _sentence(incentives, decay) + say_experiments(tested),
        charts=tuple(chart for chart in charts if chart.rows),
        table=_table(incentives, tested),
        how=(
            "Each learner's first claim of each reward counts, when it lies at least 7 (28) days "
            "back. Returned: active on any of the 7 (28) days after the claim, the day of the "
            "claim left out. Claim rate: of the learners offered the reward, those who claimed it. "
            "Decay: the same 7-day return after a learner's first, second, ... day with a claim. "
            "Cost per returned learner: cost of the first claims / learners back within 28 days. "
            "Intervals: Wilson, 95%."
        ),
        caution=(
            "Rows marked observed are associations: who claims is more engaged to begin with, and "
            "who claims often even more so, which hides decay. Only rows marked experiment are "
            "effects."
        ),
    )


def read_incentives(history: History) -> list[Incentive]:
    """Every reward that enough learners claimed, the most claimed first."""
    first = _first_claims(history)
    measures: dict[str, ir.Value] = {
        "n_claimed": first.count(),
        "n_costed": first.cost.count(),
        "mean_cost": exact_sum(first.cost) / first.count(),
    }
    for days in SPANS:
        watched = first.day + days < history.as_of_day
        back = (first.gap <= days).fill_null(False)
        measures[f"watched_{days}"] = watched.sum()
        measures[f"returned_{days}"] = (watched & back).sum()
    rows = first.group_by("name").aggregate(**measures)
    most = rows.filter(rows.n_claimed >= MIN_CELL)
    found = most.order_by([most.n_claimed.desc(), "name"]).limit(_SHOWN).to_pyarrow().to_pylist()
    offers = _offers(history)
    return [_incentive(row, *offers.get(row["name"], (0, 0))) for row in found]


def _incentive(row: dict[str, Any], n_offered: int, n_offered_and_claimed: int) -> Incentive:
    costed = row["n_costed"] == row["n_claimed"]
    return Incentive(
        name=row["name"],
        n_offered=n_offered,
        n_offered_and_claimed=n_offered_and_claimed,
        n_claimed=int(row["n_claimed"]),
        watched={days: int(row[f"watched_{days}"]) for days in SPANS},
        returned={days: int(row[f"returned_{days}"]) for days in SPANS},
        mean_cost=float(row["mean_cost"]) if costed else None,
    )


def _rewards(history: History, kind: str) -> ir.Table:
    events = history.events
    found = events.filter(events.kind == kind)
    return found.mutate(name=found.activity.fill_null("reward"))


def _first_claims(history: History) -> ir.Table:
    """``name``, ``learner``, ``day``, ``cost``; ``gap``: days to the next active day, or null."""
    claims = _rewards(history, "reward_claimed")
    order = ibis.window(group_by=["name", "learner"], order_by=["occurred_at", "event_id"])
    first = claims.mutate(place=ibis.row_number().over(order))
    first = first.filter(first.place == 0).select("name", "learner", "day", cost=first.value)
    return first.left_join(_gaps(history), ["learner", "day"]).drop("learner_right", "day_right")


def _gaps(history: History) -> ir.Table:
    """Days from each active day to the learner's next one: ``learner``, ``day``, ``gap``."""
    days = history.days
    following = days.day.lead().over(ibis.window(group_by="learner", order_by="day"))
    return days.select("learner", "day", gap=following - days.day)


def _offers(history: History) -> dict[str, tuple[int, int]]:
    """Reward -> learners offered it, and those of them who claimed it."""
    offered = _rewards(history, "reward_offered").select("name", "learner").distinct()
    claimed = _rewards(history, "reward_claimed").select("name", "learner").distinct()
    both = offered.left_join(claimed.mutate(claimed=True), ["name", "learner"])
    counts = both.group_by("name").aggregate(n=both.count(), n_claimed=both.claimed.count())
    return {
        row["name"]: (int(row["n"]), int(row["n_claimed"]))
        for row in counts.to_pyarrow().to_pylist()
    }


def _decay(history: History) -> list[tuple[int, int, int]]:
    """(repeat, learners watched, returned within 7 days), by number of the claim day."""
    claims = _rewards(history, "reward_claimed").select("learner", "day").distinct()
    number = ibis.row_number().over(ibis.window(group_by="learner", order_by="day")) + 1
    numbered = claims.mutate(repeat=number)
    joined = numbered.left_join(_gaps(history), ["learner", "day"])
    watched = joined.filter(joined.day + SPANS[0] < history.as_of_day, joined.repeat <= _REPEATS)
    counts = watched.group_by("repeat").aggregate(
        n=watched.count(), returned=(watched.gap <= SPANS[0]).fill_null(False).sum()
    )
    rows = counts.order_by("repeat").to_pyarrow().to_pylist()
    return [
        (int(row["repeat"]), int(row["n"]), int(row["returned"]))
        for row in rows
        if row["n"] >= MIN_CELL
    ]


def _returns_chart(incentives: list[Incentive]) -> ChartData:
    rows = []
    for one in incentives:
        for days in SPANS:
            if one.watched[days] < MIN_CELL:
                continue
            found = share(one.returned[days], one.watched[days])
            rows.append(
                {
                    "incentive": one.name,
                    "within_days": days,
                    "share": found.estimate,
                    "low": found.low,
                    "high": found.high,
                    "n": one.watched[days],
                }
            )
    words = (f"{row['incentive']}, {row['within_days']} days: {row['share']:.0%}" for row in rows)
    return ChartData(
        "incentive_returns",
        "Active again after a claim, within 7 and 28 days",
        tuple(rows),
        "; ".join(words) + ".",
    )


def _decay_chart(decay: list[tuple[int, int, int]]) -> ChartData:
    rows = []
    for repeat, n, returned in decay:
        found = share(returned, n)
        rows.append(
            {
                "repeat": repeat,
                "share": found.estimate,
                "low": found.low,
                "high": found.high,
                "n": n,
            }
        )
    words = (f"claim {row['repeat']}: {row['share']:.0%}" for row in rows)
    return ChartData(
        "claim_decay",
        "Active again within 7 days, by number of the claim",
        tuple(rows),
        "; ".join(words) + ".",
    )


def _sentence(incentives: list[Incentive], decay: list[tuple[int, int, int]]) -> str:
    judged = [one for one in incentives if one.watched[SPANS[0]] >= MIN_CELL]
    if not judged:
        return "Rewards are being claimed, but the claims are too recent to see who comes back."
    shares = [(one, share(one.returned[SPANS[0]], one.watched[SPANS[0]])) for one in judged]
    # By the lower end: a reward that few claimed leads by chance too easily.
    best, found = max(shares, key=lambda pair: pair[1].low)
    rate = best.claim_rate
    offered = "" if rate is None else f" (claimed by {percent(rate)} of those offered it)"
    text = (
        f"After claiming {best.name}{offered}, {percent(found.estimate)} of {best.watched[7]} "
        f"learners were active again within a week (95% interval {percent(found.low)} to "
        f"{percent(found.high)})"
    )
    text += ", the surest of all rewards." if len(judged) > 1 else "."
    return text + _fading(decay)


def _fading(decay: list[tuple[int, int, int]]) -> str:
    if len(decay) < 2:
        return ""
    (_, n_first, back_first), (last, n_last, back_last) = decay[0], decay[-1]
    first, later = share(back_first, n_first), share(back_last, n_last)
    change = f"{percent(first.estimate)} after the first claim, {percent(later.estimate)}"
    if later.high < first.low:
        return f" The pull fades: {change} after claim {last}."
    return f" It does not visibly fade: {change} after claim {last}."


def _table(incentives: list[Incentive], tested: tuple[ExperimentEstimate, ...]) -> TableData:
    columns = (
        "basis",
        "incentive",
        "learners",
        "claim rate",
        "back in 7 days",
        "back in 28 days",
        "cost per returned learner",
        "effect",
        "low",
        "high",
    )
    rows: list[tuple[Any, ...]] = []
    for one in incentives:
        back = (
            one.returned[days] / one.watched[days] if one.watched[days] >= MIN_CELL else None
            for days in SPANS
        )
        figures = (one.claim_rate, *back, one.cost_per_returned(), None, None, None)
        rows.append(("observed", one.name, one.n_claimed, *figures))
    for found in tested:
        effect = (found.effect, found.low, found.high)
        rows.append(("experiment", found.title, None, None, None, None, None, *effect))
    return TableData(columns, tuple(rows))
