"""Are engaged learners outperforming their peers?"""

from dataclasses import dataclass
from datetime import timedelta
from math import sqrt
from typing import Any, Final

import ibis
from ibis.expr import types as ir

from analysis.answers import Answer, ChartData, TableData
from analysis.energize.facts import events_between
from analysis.energize.norms import Norms
from analysis.energize.score import score_window
from analysis.engines.functions import exact_sum
from analysis.kinds import KINDS, KINDS_BY_NAME
from analysis.learning.reading.history import MIN_CELL, ExperimentEstimate, History, missing
from analysis.learning.reading.intervals import Interval
from analysis.learning.reading.randomised import say_experiments
from analysis.normal import Z95

NAME: Final = "outperforming"
TITLE: Final = "Are engaged learners outperforming their peers?"
_QUINTILES: Final = range(1, 6)


@dataclass(frozen=True)
class Quintile:
    """One fifth of the learners by score inside their peer group, and their business outcome."""

    quintile: int  # 1: least engaged, 5: most
    mean: float  # as if every fifth had the same mixture of peer groups
    se: float
    n: int


@dataclass(frozen=True)
class Outcome:
    """One business outcome by fifth of the score."""

    kind: str
    n: int
    n_groups: int
    quintiles: tuple[Quintile, ...]
    standardised: Interval | None  # most against least engaged fifth, in standard deviations

    @property
    def title(self) -> str:
        """What the outcome is called in a sentence."""
        return self.kind.replace("_", " ")


def answer(history: History) -> Answer:
    """Whether those who engage more do better later than peers of the same role and region."""
    tested = history.experiments
    kinds = _kinds_present(history)
    if not kinds:
        return missing(
            NAME,
            TITLE,
            "No business outcomes are there yet: send sale, quota_attainment or call_quality "
            "events with a value for each learner, by API or file." + say_experiments(tested),
        )
    if history.norms is None:
        return missing(
            NAME,
            TITLE,
            "The Energize Score is not calibrated: run `momentum energize calibrate` first."
            + say_experiments(tested),
        )
    found = [read_outcome(history, history.norms, kind) for kind in kinds]
    outcomes = [one for one in found if one.quintiles]
    if not outcomes:
        days = history.norms.window_days
        return missing(
            NAME,
            TITLE,
            f"This needs two windows of {days} days: engagement in the first, outcomes in the "
            f"second, by at least {MIN_CELL} learners in each fifth; describe learners with role "
            "and region so that peers are compared." + say_experiments(tested),
        )
    return Answer(
        NAME,
        TITLE,
        _sentence(max(outcomes, key=lambda one: one.n)) + say_experiments(tested),
        charts=tuple(_chart(outcome) for outcome in outcomes),
        table=_table(outcomes, tested),
        how=(
            "Learners are ranked by the Energize Score of one window inside their peer group (role "
            "x region x first year or later, where known) and cut into fifths; the outcome is that "
            "of the window after, so that it cannot have caused the score. Outcomes are compared "
            "inside peer groups and shown as if all fifths had the same mixture of groups. Sales "
            "are summed (none: 0, in groups that sell at all); ratings and attainment are averaged "
            "over who has any. The standardised difference is that of the upper and lower fifth, "
            "in standard deviations within groups. Intervals: normal, 95%."
        ),
        caution=(
            "An association: able and motivated people may both learn more and sell more. Only "
            "rows marked experiment are effects."
        ),
    )


def read_outcome(history: History, norms: Norms, kind: str) -> Outcome:
    """One business outcome of the latest window, by fifth of the score of the window before."""
    people = _people(history, norms, kind)
    group = ibis.window(group_by="peers")
    placed = people.mutate(
        n_peers=people.count().over(group),
        group_mean=people.outcome.mean().over(group),
        group_total=people.outcome.sum().over(group),
        lowest=ibis.rank().over(ibis.window(group_by="peers", order_by="score")),
        tied=people.count().over(ibis.window(group_by=["peers", "score"])),
    )
    # Peer groups without any such outcome do other work; small ones could point at a person.
    placed = placed.filter(placed.n_peers >= MIN_CELL, placed.group_total != 0)
    middle = (placed.lowest + placed.tied / 2) / placed.n_peers
    fifth = ibis.least((middle * 5).floor().cast("int64"), 4) + 1
    placed = placed.mutate(quintile=fifth, within=placed.outcome - placed.group_mean)
    cells = placed.group_by(["peers", "quintile"]).aggregate(
        n=placed.count(),
        mean=placed.outcome.mean(),
        spread=placed.outcome.var(how="pop"),
        within=placed.within.mean(),
    )
    rows = cells.order_by(["peers", "quintile"]).to_pyarrow().to_pylist()
    # The engine adds floats in any order: beyond ten digits two runs need not agree.
    return _summarise(kind, [{name: _ten_digits(it) for name, it in row.items()} for row in rows])


def _ten_digits(value: Any) -> Any:
    return float(f"{value:.10g}") if isinstance(value, float) else value


def _kinds_present(history: History) -> list[str]:
    outcomes = [kind.name for kind in KINDS if kind.outcome]
    events = history.events
    counts = events.filter(events.kind.isin(outcomes)).group_by("kind")
    found = counts.aggregate(n=ibis._.learner.nunique()).to_pyarrow().to_pylist()
    enough = {row["kind"] for row in found if row["n"] >= MIN_CELL}
    return [kind for kind in outcomes if kind in enough]


def _people(history: History, norms: Norms, kind: str) -> ir.Table:
    """Learners with a score, then an outcome: ``peers``, ``score``, ``outcome``."""
    middle = history.as_of - timedelta(days=norms.window_days)
    scored = score_window(history.lake, norms, middle - timedelta(days=norms.window_days))
    scored = scored.select("learner", "score")
    facts = events_between(history.lake, middle, history.as_of)
    facts = facts.filter(facts.kind == kind)
    summed = KINDS_BY_NAME[kind].summary == "sum"
    total, n_valued = exact_sum(facts.value), facts.value.count()
    each = facts.group_by("learner").aggregate(
        outcome=total.fill_null(0.0) if summed else total / n_valued.nullif(0)
    )
    joined = scored.left_join(each, "learner").drop("learner_right")
    if summed:
        joined = joined.mutate(outcome=joined.outcome.fill_null(0.0))
    joined = joined.filter(joined.outcome.notnull())
    described = joined.left_join(_peers(history), "learner").drop("learner_right")
    named = described.mutate(peers=described.peers.fill_null("not described"))
    return named.order_by("learner").cache()


def _peers(history: History) -> ir.Table:
    """Each learner's peer group by its latest description."""
    rows = history.lake.table("learners")
    rows = rows.filter(rows.described_at < ibis.literal(history.as_of))
    latest = ibis.window(
        group_by="learner", order_by=[ibis.desc("described_at"), ibis.desc("event_id")]
    )
    rows = rows.mutate(place=ibis.row_number().over(latest))
    rows = rows.filter(rows.place == 0)
    a_year_ago = ibis.literal((history.as_of - timedelta(days=365)).date())
    tenure = ibis.cases(
        (rows.started_on.isnull(), "tenure unknown"),
        (rows.started_on > a_year_ago, "first year"),
        else_="later",
    )
    role, region = rows.role.fill_null("no role"), rows.region.fill_null("no region")
    return rows.select("learner", peers=role + " / " + region + " / " + tenure)


def _summarise(kind: str, cells: list[dict[str, Any]]) -> Outcome:
    n = sum(cell["n"] for cell in cells)
    groups = {cell["peers"] for cell in cells}
    by_fifth = {
        fifth: [cell for cell in cells if cell["quintile"] == fifth] for fifth in _QUINTILES
    }
    if not n or min(sum(c["n"] for c in by_fifth[fifth]) for fifth in (1, 5)) < MIN_CELL:
        return Outcome(kind, n, len(groups), (), None)
    overall = sum(cell["mean"] * cell["n"] for cell in cells) / n
    quintiles = tuple(
        _quintile(fifth, by_fifth[fifth], overall)
        for fifth in _QUINTILES
        if sum(cell["n"] for cell in by_fifth[fifth]) >= MIN_CELL
    )
    return Outcome(kind, n, len(groups), quintiles, _standardised(cells))


def _quintile(fifth: int, cells: list[dict[str, Any]], overall: float) -> Quintile:
    n = sum(cell["n"] for cell in cells)
    within = sum(cell["within"] * cell["n"] for cell in cells) / n
    squares = sum(cell["spread"] * cell["n"] for cell in cells)
    freedom = max(1, n - len(cells))
    return Quintile(fifth, overall + within, sqrt(squares / freedom / n), int(n))


def _standardised(cells: list[dict[str, Any]]) -> Interval | None:
    """Upper against lower fifth inside groups, weighted by precision, over the pooled spread."""
    ends: dict[str, dict[int, dict[str, Any]]] = {}
    for cell in cells:
        if cell["quintile"] in (1, 5):
            ends.setdefault(cell["peers"], {})[cell["quintile"]] = cell
    pairs = [(pair[5], pair[1]) for pair in ends.values() if len(pair) == 2]
    used = [cell for pair in pairs for cell in pair]
    freedom = sum(cell["n"] for cell in used) - len(used)
    if freedom < 1:
        return None
    spread = sqrt(sum(cell["spread"] * cell["n"] for cell in used) / freedom)
    if not spread:
        return None
    weights = [top["n"] * low["n"] / (top["n"] + low["n"]) for top, low in pairs]
    gaps = [top["mean"] - low["mean"] for top, low in pairs]
    weighed = sum(weight * gap for weight, gap in zip(weights, gaps, strict=True))
    d = weighed / sum(weights) / spread
    # Variance of a standardised difference (Hedges, Olkin 1985), its first term pooled over groups.
    half = Z95 * sqrt(1 / sum(weights) + d**2 / (2 * freedom))
    return Interval(d, d - half, d + half)


def _sentence(outcome: Outcome) -> str:
    low, high = outcome.quintiles[0], outcome.quintiles[-1]
    figures = (
        f"{outcome.title} {high.mean:,.1f} against {low.mean:,.1f} among {outcome.n} learners in "
        f"{outcome.n_groups} peer groups"
    )
    gap = outcome.standardised
    if gap is None:
        return f"Most against least engaged fifth: {figures}; the spread is too small to judge."
    size = (
        f"{gap.estimate:+.2f} standard deviations, 95% interval {gap.low:+.2f} to {gap.high:+.2f}"
    )
    if gap.low > 0:
        ahead = "the most engaged fifth is ahead of its peers"
        return f"Yes, as an association: {ahead} ({figures}; {size})."
    if gap.high < 0:
        return f"No: the most engaged fifth is behind its peers ({figures}; {size})."
    return f"Cannot tell: the most and least engaged fifths are alike so far ({figures}; {size})."


def _chart(outcome: Outcome) -> ChartData:
    rows = tuple(
        {
            "quintile": one.quintile,
            "mean": one.mean,
            "low": one.mean - Z95 * one.se,
            "high": one.mean + Z95 * one.se,
            "n": one.n,
        }
        for one in outcome.quintiles
    )
    return ChartData(
        "quintile_outcomes",
        f"{outcome.title.capitalize()} by fifth of the Energize Score, within peer groups",
        rows,
        "; ".join(f"fifth {row['quintile']}: {row['mean']:,.1f}" for row in rows) + ".",
    )


def _table(outcomes: list[Outcome], tested: tuple[ExperimentEstimate, ...]) -> TableData:
    columns = ("basis", "what", "fifth", "learners", "mean or effect", "low", "high")
    rows: list[tuple[Any, ...]] = []
    for outcome in outcomes:
        for one in outcome.quintiles:
            half = Z95 * one.se
            figures = (one.mean, one.mean - half, one.mean + half)
            rows.append(("observed", outcome.title, one.quintile, one.n, *figures))
    for found in tested:
        what = f"{found.title}: {found.metric}"
        figures = (found.effect, found.low, found.high)
        rows.append(("experiment", what, None, None, *figures))
    return TableData(columns, tuple(rows))
