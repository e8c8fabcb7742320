"""Facts of a warehouse beside the lake's own exposures and events.

A company's tables hold learners' ids, the lake holds pseudonyms. So facts are fetched batch by
batch, each id becomes its pseudonym in this process, and only those of exposed learners are held,
as a temporary table beside the lake's, until the readout is done.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import pyarrow as pa
from ibis.backends import BaseBackend
from ibis.expr import types as ir

from analysis.exposed import exposures_of
from analysis.lake.reader import Lake
from analysis.lake.schema import DAY
from analysis.plan import AnalysisPlan, MetricPlan
from analysis.predictions import wants_model
from analysis.tallies import Reach
from analysis.warehouse import tables
from analysis.warehouse.connect import WarehouseError, driver_errors
from analysis.warehouse.tables import EVENT_COLUMNS
from analysis.warehouse.warehouse import Warehouse, bring

FACTS: Final = "warehouse_facts"
EXPOSED: Final = "warehouse_exposed"
_ENGINE: Final = "duckdb"

Pseudonym = Callable[[str], str]


@dataclass(frozen=True)
class LakeWithFacts:
    """A lake whose events have a warehouse's beside them."""

    lake: Lake
    facts: ir.Table

    @property
    def version(self) -> Mapping[str, int]:
        """The lake's."""
        return self.lake.version

    def connect(self) -> BaseBackend:
        """The lake's session."""
        return self.lake.connect()

    def table(
        self, name: str, since: datetime | None = None, until: datetime | None = None
    ) -> ir.Table:
        """One table of the lake; of events, those of the warehouse as well.

        Args:
            name: of the lake's table.
            since: only rows of this time or later.
            until: only rows of before this time.
        """
        table = self.lake.table(name, since, until)
        if name != "events":
            return table
        facts = tables.between(self.facts, "occurred_at", since, until)
        facts = facts.mutate(**{DAY: facts.occurred_at.date()})
        return table.select(*facts.columns).union(facts)


def with_facts(
    plan: AnalysisPlan, lake: Lake, warehouse: Warehouse, pseudonym: Pseudonym
) -> LakeWithFacts:
    """The lake with the warehouse's facts of the plan's exposed learners.

    Args:
        plan: whose kinds of event, and whose time, are fetched, and nothing else.
        lake: with the exposures.
        warehouse: with the facts.
        pseudonym: what stands in the lake for a learner's id.

    Raises:
        WarehouseError: the lake is not read in this process, the mapping does not fit, or a query
            failed or took too long.
    """
    if lake.engine != _ENGINE:
        raise WarehouseError(
            "other_engine",
            f"The lake is not read by the engine {_ENGINE}, and facts of a warehouse stand beside "
            "the lake in this process.",
            f"Read with {_ENGINE}, write the facts into the lake, or map the exposures, too.",
        )
    session: Any = lake.connect()
    exposed = exposures_of(plan, lake).select("learner").distinct()
    session.create_table(EXPOSED, exposed, temp=True)
    rows = wanted_facts(plan, tables.events(warehouse.connection, warehouse.mapping))
    with driver_errors():
        batches = warehouse.batches(rows.select(*EVENT_COLUMNS))
    with driver_errors():
        facts = bring(
            session,
            FACTS,
            (_pseudonymous(batch, pseudonym) for batch in batches),
            batches.schema,
            where="learner IN (SELECT learner FROM warehouse_exposed)",
        )
    return LakeWithFacts(lake, facts)


def wanted_facts(plan: AnalysisPlan, events: ir.Table) -> ir.Table:
    """The events that may count: of the plan's kinds, within its longest windows."""
    earliest = plan.started_at - timedelta(days=Reach.of(plan).back)
    near = tables.between(events, "occurred_at", earliest, plan.as_of)
    kinds = set(plan.take_up_kinds)
    for metric in plan.metrics:
        if _looks_at_every_kind(metric):
            return near
        kinds |= {*metric.event_kinds, *metric.denominator_kinds}
    return near.filter(near.kind.isin(sorted(kinds)))


def _looks_at_every_kind(metric: MetricPlan) -> bool:
    """Whether any event shows that a learner was there, to the metric or to its covariate."""
    return not metric.event_kinds or wants_model(metric)


def _pseudonymous(batch: pa.RecordBatch, pseudonym: Pseudonym) -> pa.RecordBatch:
    at = batch.schema.get_field_index("learner")
    coded = batch.column(at).dictionary_encode()
    # Each id of a batch is hashed once, however many facts it has.
    known = pa.array([pseudonym(each) for each in coded.dictionary.to_pylist()], pa.string())
    return batch.set_column(at, "learner", known.take(coded.indices))
