"""Take-up: who used what they were offered, beside the primary's outcome."""

from typing import Final

from ibis.expr import types as ir

from analysis.engines.functions import DAY_US, epoch_us
from analysis.gathered import mature_learners, to_us
from analysis.lake.reader import Lake
from analysis.metrics import metric_kind
from analysis.plan import AnalysisPlan
from analysis.statistics.collected import OUTCOME, TAKEN
from analysis.statistics.gather import Wanted, gather_all
from analysis.statistics.moments import Moments

_ONE: Final = "take_up"


def gather_take_up(plan: AnalysisPlan, lake: Lake, learners: ir.Table) -> dict[str, Moments]:
    """By variant, outcome and take-up together; {} when the plan names no event that shows it.

    A learner took the variant up who has one of the events within the primary's window. With teams
    nobody can say which learner was offered what, and a ratio has no outcome by learner.

    Args:
        plan: with ``take_up_kinds``.
        lake: the events.
        learners: one row a learner, with the metrics' outcomes.
    """
    primary = plan.primary
    kind = metric_kind(primary.kind)
    if not plan.take_up_kinds or plan.unit_kind == "team":
        return {}
    if not kind.is_one_number:
        return {}
    mature = mature_learners(plan, learners, primary)
    outcome = mature[f"m{plan.metrics.index(primary)}_{OUTCOME}"]
    people = mature.select("learner", "variant", "exposed_us", outcome=outcome)
    events = lake.table("events")
    shown = events.filter(
        events.kind.isin(plan.take_up_kinds), epoch_us(events.occurred_at) < to_us(plan.as_of)
    ).select(taker="learner", at_us=epoch_us(events.occurred_at))
    joined = people.left_join(
        shown,
        [
            people.learner == shown.taker,
            shown.at_us >= people.exposed_us,
            shown.at_us < people.exposed_us + primary.window_days * DAY_US,
        ],
    )
    rows = joined.group_by(["learner", "variant", "outcome"]).aggregate(
        taken=joined.taker.notnull().any().cast("float64")
    )
    rows = rows.order_by("learner")
    found = gather_all(rows, ["variant"], {_ONE: Wanted({OUTCOME: "outcome", TAKEN: "taken"})})
    return {variant: group[_ONE] for (variant,), group in found.items()}
