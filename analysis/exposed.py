"""Who was exposed to what, and when first."""

from collections.abc import Sequence
from dataclasses import dataclass

import ibis
from ibis.expr import types as ir

from analysis.engines.functions import epoch_us
from analysis.lake.reader import Lake
from analysis.plan import AnalysisPlan

MET: tuple[str, ...] = (
    "event_id",
    "learner",
    "unit",
    "variant",
    "role",
    "region",
    "stratum",
    "exposed_us",
)
"""What is read of an exposure."""

PEOPLE: tuple[str, ...] = ("learner", "unit", "variant", "exposed_us", "role", "region", "stratum")
"""What is known of a learner who is in an experiment."""


def exposures_of(plan: AnalysisPlan, lake: Lake) -> ir.Table:
    """The experiment's exposures in this phase, up to the look."""
    return met_in(plan, lake.table("exposures", since=plan.started_at, until=plan.as_of))


def met_in(plan: AnalysisPlan, exposures: ir.Table) -> ir.Table:
    """Those of the exposures that are the experiment's."""
    return exposures.filter(
        exposures.experiment == plan.experiment, exposures.unit_kind == plan.unit_kind
    ).select(*MET[:-1], exposed_us=epoch_us(exposures.exposed_at))


def first_meetings(met: ir.Table) -> ir.Table:
    """The earliest exposure of each learner to each variant in each unit.

    Everything that is asked of exposures up to any time is answered alike by these.
    """
    return _earliest(met, ["learner", "unit", "variant"]).select(*MET)


def _earliest(met: ir.Table, by: Sequence[str]) -> ir.Table:
    order = ibis.window(group_by=list(by), order_by=["exposed_us", "event_id"])
    numbered = met.mutate(nth=ibis.row_number().over(order))
    return numbered.filter(numbered.nth == 0).drop("nth")


def units_first(plan: AnalysisPlan, met: ir.Table) -> ir.Table:
    """Each learner at its first exposure, with what was known of it then.

    Learners of units that met several variants are left out. A learner who changes team stays with
    the first team's variant.
    """
    joined = first_of_all(met).join(_units(met), "unit")
    kept = joined.filter((joined.unit_variants == 1) & joined.variant.isin(plan.variants))
    return kept.select(*PEOPLE)


def first_of_all(met: ir.Table) -> ir.Table:
    """Every learner at its first exposure."""
    return _earliest(met, ["learner"])


def _units(met: ir.Table) -> ir.Table:
    return met.group_by("unit").aggregate(
        unit_variants=met.variant.nunique(), unit_variant=met.variant.min()
    )


@dataclass(frozen=True)
class Units:
    """How many units met what."""

    n_exposed: dict[str, int]
    n_crossed: int


@dataclass(frozen=True)
class Exposed:
    """Who is in an experiment at a look.

    Attributes:
        units: how many.
        people: as ``units_first`` says.
    """

    units: Units
    people: ir.Table


def exposed_of(plan: AnalysisPlan, met: ir.Table) -> Exposed:
    """Who is in the experiment, from its exposures up to the look or ``first_meetings`` of them."""
    met = met.cache()
    return Exposed(count_units(plan, met), units_first(plan, met).cache())


def count_units(plan: AnalysisPlan, met: ir.Table) -> Units:
    """Units by the one variant they met, and those that met several."""
    units = _units(met)
    return count_apart(
        plan, units.select(variant=units.unit_variant, crossed=units.unit_variants > 1)
    )


def count_apart(plan: AnalysisPlan, units: ir.Table) -> Units:
    """The same, from one row a unit: ``variant``, and whether it ``crossed`` to another."""
    grouped = units.group_by(["crossed", "variant"]).aggregate(n=units.count())
    rows = grouped.to_pyarrow().to_pylist()
    straight = {row["variant"]: int(row["n"]) for row in rows if not row["crossed"]}
    return Units(
        n_exposed={variant: straight.get(variant, 0) for variant in plan.variants},
        n_crossed=sum(int(row["n"]) for row in rows if row["crossed"]),
    )
