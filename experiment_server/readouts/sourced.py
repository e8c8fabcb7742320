"""Reading an experiment from a source: its warehouse instead of the lake, or beside it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from analysis.lake.reader import Lake
from analysis.plan import AnalysisPlan
from analysis.warehouse.connect import WarehouseError
from analysis.warehouse.tables import Reading
from analysis.warehouse.warehouse import Warehouse
from experiment_server.environments.models import Environment
from experiment_server.ingest.place import open_lake
from experiment_server.ingest.pseudonyms import Pseudonyms
from experiment_server.sources import service as sources
from experiment_server.sources.models import Source
from experiment_server.state import State

READ_SECONDS: Final = 900.0  # of one query: as long as the lease of a scheduled look


@dataclass(frozen=True)
class SourcePlace:
    """An open source.

    Attributes:
        warehouse: its tables.
        said: what a readout says of where it was read from.
        lake: with the exposures, when the source has none.
        pseudonym: what stands in the lake for a learner's id.
    """

    warehouse: Warehouse
    said: Mapping[str, str]
    pseudonym: Callable[[str], str]
    lake: Lake | None = field(default=None)

    @property
    def history(self) -> Any:
        """What norms are calibrated on: everything that happened before the experiment."""
        return self.warehouse if self.lake is None else self.lake

    @property
    def lake_version(self) -> Mapping[str, int]:
        """Of the lake, when it was read."""
        return {} if self.lake is None else self.lake.version

    def for_plan(self, plan: AnalysisPlan) -> tuple[Any, Any]:
        """What the plan is read from, and the pass over it.

        Raises:
            WarehouseError: the mapping does not fit.
        """
        if self.lake is None:
            from analysis.warehouse.collect import collect as collect_there

            return self.warehouse, collect_there
        from analysis.collect import collect
        from analysis.warehouse.facts import with_facts

        return with_facts(plan, self.lake, self.warehouse, self.pseudonym), collect


@contextmanager
def open_source(
    state: State, environment: Environment, key: str, reading: Reading
) -> Iterator[SourcePlace]:
    """The source of this key, open until the block ends.

    Raises:
        Problem: 404 for a source that is not there; 422 when it cannot be read, with the finding.
    """
    with state.database.read() as session:
        source = sources.load_source(session, int(environment.id or 0), key)
    mapping = sources.parsed(source.mapping)
    try:
        limits = sources.limits_of(state.settings, READ_SECONDS)
        with Warehouse.open(sources.address_of(source), mapping, reading, limits) as warehouse:
            lake = None
            if mapping.exposures is None:
                lake = open_lake(state, environment, fresh=True)
            pseudonym = Pseudonyms(environment.pseudonym_key).learner
            said = _said(source, warehouse, state.clock())
            yield SourcePlace(warehouse, said, pseudonym, lake)
    except WarehouseError as error:
        raise sources.unreadable(key, error) from error


def _said(source: Source, warehouse: Warehouse, now: datetime) -> dict[str, str]:
    connection = warehouse.connection
    return {
        "key": source.key,
        "title": source.title,
        "version": str(source.version),
        "warehouse": connection.backend.name,
        "read_at": now.isoformat(),
        "snapshot": connection.snapshot,
    }
