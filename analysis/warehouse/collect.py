"""The pass over a warehouse: it runs there up to one row a learner.

That row, and nothing that it was made of, comes over into this process, where the statistics are
taken as they are from a lake. Only a quantile needs more: the values of its own kind of event, of
the learners that were exposed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from ibis.expr import types as ir

from analysis.collect import check_plan, collect_from, latest_received
from analysis.energize.norms import Norms
from analysis.engines.duckdb import open_session
from analysis.exposed import Exposed, exposed_of, exposures_of, first_meetings, units_first
from analysis.metrics import metric_kind
from analysis.plan import AnalysisPlan
from analysis.statistics.collected import Collected
from analysis.tallies import Reach, tally
from analysis.warehouse.connect import driver_errors
from analysis.warehouse.tables import EVENT_COLUMNS, between
from analysis.warehouse.warehouse import TIMES, Warehouse, bring


def collect(plan: AnalysisPlan, warehouse: Warehouse, norms: Norms | None = None) -> Collected:
    """What a warehouse knows about an experiment, as counts and sufficient statistics.

    Args:
        plan: what to compute, and as of when.
        warehouse: the tables.
        norms: the score's frozen scale; only plans with a score need it.

    Raises:
        ValueError: a metric cannot be computed as the plan says; names what to change.
        WarehouseError: the mapping does not fit, or a query failed or took too long.
    """
    check_plan(plan, norms)
    there = _There(plan, warehouse)
    with driver_errors():
        return collect_from(there, plan, there.here, norms)  # type: ignore[arg-type]


@dataclass(frozen=True)
class _There:
    """The warehouse as a source of exposures and tallies."""

    plan: AnalysisPlan
    warehouse: Warehouse

    def exposed(self) -> Exposed:
        """Who is in the experiment, from the first meetings of each learner, brought over."""
        return exposed_of(self.plan, self.here.bring("met", first_meetings(self._met)))

    def tallied(self, people: ir.Table) -> ir.Table:
        """The people with their tallies, which are counted in the warehouse."""
        exposed = units_first(self.plan, self._met)
        # A learner has one row here, so its id serves as the number of its place.
        placed = exposed.select("learner", "exposed_us", place="learner")
        # By their time, which a warehouse may have an index of; the lake knows days.
        earliest = self.plan.started_at - timedelta(days=Reach.of(self.plan).back)
        events = self.warehouse.table("events", since=earliest, until=self.plan.as_of)
        counted = tally(self.plan, events, placed)
        tallies = self.here.bring("tallies", counted).rename(who="place")
        found = [name for name in tallies.columns if name != "who"]
        joined = people.left_join(tallies, people.learner == tallies.who)
        return joined.select(*people.columns, *found)

    def latest_received(self) -> datetime | None:
        """When the youngest row arrived, of those that happened before the look."""
        return latest_received(self.plan, self.warehouse)  # type: ignore[arg-type]

    @property
    def _met(self) -> ir.Table:
        return exposures_of(self.plan, self.warehouse)  # type: ignore[arg-type]

    @cached_property
    def here(self) -> "_Here":
        """What is brought over."""
        return _Here(self.plan, self.warehouse, self._met.select("learner").distinct())


@dataclass(frozen=True)
class _Here:
    """A small lake in this process: descriptions and quantiles' values of exposed learners."""

    plan: AnalysisPlan
    warehouse: Warehouse
    exposed: ir.Table

    def bring(self, name: str, rows: ir.Table) -> ir.Table:
        """Rows of the warehouse as a table of this process."""
        batches = self.warehouse.batches(rows)
        return bring(self._session, name, batches, batches.schema)

    def table(
        self, name: str, since: datetime | None = None, until: datetime | None = None
    ) -> ir.Table:
        """The rows of exposed learners; of events, only those whose single values are needed."""
        rows = self._learners if name == "learners" else self._events
        return between(rows, TIMES[name], since, until)

    @cached_property
    def _learners(self) -> ir.Table:
        rows = self.warehouse.table("learners", until=self.plan.as_of)
        return self.bring("learners", rows.semi_join(self.exposed, "learner"))

    @cached_property
    def _events(self) -> ir.Table:
        kinds = sorted(
            {
                kind
                for metric in self.plan.metrics
                if metric_kind(metric.kind).collects == "quantile"
                for kind in metric.event_kinds
            }
        )
        rows = self.warehouse.table("events", since=self.plan.started_at, until=self.plan.as_of)
        rows = rows.filter(rows.kind.isin(kinds)).select(*EVENT_COLUMNS)
        return self.bring("events", rows.semi_join(self.exposed, "learner"))

    @cached_property
    def _session(self) -> Any:
        session = open_session()
        session.raw_sql("SET TimeZone = 'UTC'")
        return session
