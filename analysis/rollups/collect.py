"""The pass over the lake, from a roll-up: the same numbers, without reading history."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final

import pyarrow as pa
from ibis.expr import types as ir

from analysis.collect import check_plan, collect_from, latest_received
from analysis.collect import collect as collect_history
from analysis.energize.norms import Norms
from analysis.engines import DEFAULT_ENGINE
from analysis.exposed import Exposed
from analysis.gathered import to_us
from analysis.lake.reader import Lake
from analysis.plan import AnalysisPlan
from analysis.statistics.collected import Collected

from .refresh import Refreshed, refresh
from .rollup import PEOPLE_SCHEMA, Rollup, add_up, in_engine, of_everybody, those
from .standing import exposed_at

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def is_rolled_up(plan: AnalysisPlan, lake: Lake) -> bool:
    """Whether a roll-up is kept for such a plan.

    A crossover's windows are those of the calendar, and a bandit is read batch by batch. What runs
    on another engine than the one in the process is read there, where the rows are.
    """
    return plan.crossover is None and not plan.batches and lake.engine == DEFAULT_ENGINE


def collect(
    plan: AnalysisPlan,
    lake: Lake,
    norms: Norms | None = None,
    tell: Callable[[Refreshed], None] | None = None,
) -> Collected:
    """What ``analysis.collect.collect`` says of the lake, to the bit, from the plan's roll-up.

    Args:
        plan: what to compute, and as of when; one that ``is_rolled_up``.
        lake: the events, pinned at a version.
        norms: the score's frozen scale; only plans with a score need it.
        tell: is told what was done to the roll-up.

    Raises:
        ValueError: a metric cannot be computed as the plan says; names what to change.
    """
    check_plan(plan, norms)
    refreshed = refresh(plan, lake)
    if tell is not None:
        tell(refreshed)
    if refreshed.rollup is None:
        return collect_history(plan, lake, norms)
    return collect_from(RolledUp(plan, lake, refreshed.rollup), plan, lake, norms)


@dataclass(frozen=True)
class RolledUp:
    """The source that reads a roll-up, as of the plan's look.

    Rows of after the look are in a roll-up, too. They change nothing: whose window is complete by
    then has no later event in it, and first exposures are known with their times.
    """

    plan: AnalysisPlan
    lake: Lake
    rollup: Rollup

    def exposed(self) -> Exposed:
        """Who is in the experiment, from the first exposures that happened before the look."""
        met = self.rollup.met.drop_columns(["event_id"])
        people = those(met, "is_learners_first")
        tallies = self._rows.drop_columns(PEOPLE_SCHEMA.names)
        for name, column in zip(tallies.column_names, tallies.columns, strict=True):
            people = people.append_column(name, column)
        units = those(met, "is_units_first")
        return exposed_at(
            self.plan,
            in_engine(self.lake, units.select(["variant", "exposed_us", "crossed_us"])),
            in_engine(self.lake, people),
            to_us(self.plan.as_of),
        )

    def tallied(self, people: ir.Table) -> ir.Table:
        """The people: they have the tallies that are kept of them beside them already."""
        return people

    def latest_received(self) -> datetime | None:
        """When the youngest row arrived, of those that happened before the look."""
        as_of = self.plan.as_of.astimezone(UTC)
        days = [at for day, at in self.rollup.received.items() if day < as_of.date()]
        whole = [_EPOCH + timedelta(microseconds=at) for at in days]
        midnight = datetime.combine(as_of.date(), time(), UTC)
        if midnight < as_of:
            of_the_day = latest_received(self.plan, self.lake, since=midnight)
            whole += [] if of_the_day is None else [of_the_day]
        return max(whole, default=None)

    @property
    def _rows(self) -> pa.Table:
        """The tallies of all parts together, in the order of learners' first exposures."""
        first, *more = self.rollup.rows.values()
        if not more:
            return first
        parts = in_engine(self.lake, pa.concat_tables([first, *more]))
        whole = add_up(self.plan, parts).to_pyarrow().cast(first.schema)
        return of_everybody(first, whole)
