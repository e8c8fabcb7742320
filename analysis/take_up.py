"""Take-up: who used what they were offered, beside the primary's outcome."""

from typing import Final

from ibis.expr import types as ir

from analysis.gathered import mature_learners
from analysis.metrics import metric_kind
from analysis.plan import AnalysisPlan
from analysis.statistics.collected import OUTCOME, TAKEN
from analysis.statistics.gather import Wanted, gather_all
from analysis.statistics.moments import Moments
from analysis.tallies import TAKEN as TAKEN_UP

_ONE: Final = "take_up"


def gather_take_up(plan: AnalysisPlan, learners: ir.Table) -> dict[str, Moments]:
    """By variant, outcome and take-up together; {} when the plan names no event that shows it.

    A learner took the variant up who has one of the events within the primary's window. With teams
    nobody can say which learner was offered what, and a ratio has no outcome by learner.

    Args:
        plan: with ``take_up_kinds``.
        learners: one row a learner, with the metrics' outcomes and whether it took the variant up.
    """
    primary = plan.primary
    if not plan.take_up_kinds or plan.unit_kind == "team":
        return {}
    if not metric_kind(primary.kind).is_one_number:
        return {}
    mature = mature_learners(plan, learners, primary)
    outcome = f"m{plan.metrics.index(primary)}_{OUTCOME}"
    wanted = {_ONE: Wanted({OUTCOME: outcome, TAKEN: TAKEN_UP})}
    found = gather_all(mature, ["variant"], wanted)
    return {variant: group[_ONE] for (variant,), group in found.items()}
