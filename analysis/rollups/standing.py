"""What each first meeting means at any look, worked out once, when a roll-up is made.

A look knows the meetings up to its time. Of these a learner's first is its first of all, if that
lies before the look; and a unit met several variants if the second of them came before the look. So
neither has to be looked for again.
"""

from typing import Final

import ibis
from ibis.expr import types as ir

from analysis.exposed import MET, Exposed, count_apart
from analysis.plan import AnalysisPlan

STANDING: Final = ("is_learners_first", "is_units_first", "crossed_us")


def with_standing(met: ir.Table) -> ir.Table:
    """First meetings (``exposed.first_meetings``), with what they mean.

    Adds ``is_learners_first`` and ``is_units_first``, true of one row for each learner and each
    unit: of the earliest; and ``crossed_us``: when the unit met a second variant, null if never.
    """
    order = [met.exposed_us, met.event_id, met.learner, met.variant]
    of_learner = ibis.row_number().over(group_by="learner", order_by=order[:2])
    of_unit = ibis.row_number().over(group_by="unit", order_by=order)
    crossed = _crossed(met)
    joined = met.left_join(crossed, met.unit == crossed.of_unit)
    return joined.select(
        *(joined[name] for name in MET),
        is_learners_first=of_learner == 0,
        is_units_first=of_unit == 0,
        crossed_us=joined.crossed_us,
    )


def _crossed(met: ir.Table) -> ir.Table:
    """The units that met several variants, and when the second came: a few."""
    several = met.group_by("unit").having(met.variant.nunique() > 1).aggregate(n=met.count())
    among = met.semi_join(several, "unit")
    by_variant = among.group_by(["unit", "variant"]).aggregate(at_us=among.exposed_us.min())
    nth = ibis.row_number().over(group_by="unit", order_by=["at_us", "variant"])
    placed = by_variant.mutate(nth=nth)
    second = placed.filter(placed.nth == 1)
    return second.select(of_unit="unit", crossed_us="at_us")


def exposed_at(plan: AnalysisPlan, units: ir.Table, people: ir.Table, as_of_us: int) -> Exposed:
    """Who is in the experiment at a look: what ``exposed.exposed_of`` says of the meetings.

    Args:
        plan: its variants.
        units: first meetings ``with_standing``: each unit's first.
        people: the same: each learner's first; further columns are left as they are.
        as_of_us: the look, in microseconds.
    """
    units = _before(units, as_of_us).select("variant", "crossed")
    people = _before(people, as_of_us)
    people = people.filter(~people.crossed, people.variant.isin(plan.variants))
    return Exposed(count_apart(plan, units), people.drop(*STANDING, "crossed"))


def _before(met: ir.Table, as_of_us: int) -> ir.Table:
    known = met.filter(met.exposed_us < as_of_us)
    return known.mutate(crossed=known.crossed_us.notnull() & (known.crossed_us < as_of_us))
