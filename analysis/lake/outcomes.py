"""Outcomes (KPI facts) as events: so that every metric, question and tool sees them."""

from datetime import timedelta
from typing import Final

import ibis
from ibis.expr import types as ir

from analysis.kinds import OUTCOME_PREFIX
from analysis.lake.schema import DAY

_NOON: Final = timedelta(hours=12)


def current_outcomes(outcomes: ir.Table) -> ir.Table:
    """The outcomes that count: of one learner, name and day the row that was received latest.

    Of rows received at the same moment, the one with the larger ``event_id``.
    """
    newest_first = ibis.window(
        group_by=["learner", "name", DAY],
        order_by=[outcomes.received_at.desc(), outcomes.event_id.desc()],
    )
    ranked = outcomes.mutate(superseded_by=ibis.row_number().over(newest_first))
    return ranked.filter(ranked.superseded_by == 0).drop("superseded_by")


def outcome_events(outcomes: ir.Table, like: ibis.Schema) -> ir.Table:
    """Each current outcome as an event at noon UTC of its day, with the columns of ``like``."""
    current = current_outcomes(outcomes)
    given = {
        "event_id": current.event_id,
        "learner": current.learner,
        "kind": ibis.literal(OUTCOME_PREFIX) + current.name,
        "occurred_at": current[DAY].cast("timestamp('UTC')") + ibis.literal(_NOON),
        "received_at": current.received_at,
        "value": current.value,
        DAY: current[DAY],
    }
    return current.select(
        **{
            name: given[name].cast(type_) if name in given else ibis.null(type_)
            for name, type_ in like.items()
        }
    )
