"""A warehouse where an analysis expects a lake: its tables, and what is brought over of them."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Final

import pyarrow as pa
from ibis.backends import BaseBackend
from ibis.expr import types as ir

from analysis.lake.schema import DAY
from analysis.warehouse import tables
from analysis.warehouse.connect import Connection, Limits, WarehouseError, open_connection
from analysis.warehouse.mapping import SourceMapping
from analysis.warehouse.tables import Reading

TIMES: Final = {"events": "occurred_at", "exposures": "exposed_at", "learners": "described_at"}
"""Each table's time."""

ROWS_AT_ONCE: Final = 50_000


@dataclass(frozen=True)
class Warehouse:
    """Existing tables, read where they are.

    Attributes:
        connection: an open warehouse.
        mapping: what its tables say.
        reading: the experiment that reads.
        version: always empty: a warehouse counts no versions.
    """

    connection: Connection
    mapping: SourceMapping
    reading: Reading
    version: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def open(
        cls, url: str, mapping: SourceMapping, reading: Reading, limits: Limits
    ) -> "Iterator[Warehouse]":
        """The warehouse at an address, until the block ends.

        Raises:
            WarehouseError: nobody answers there, or the mapping does not fit.
        """
        connection = open_connection(url, limits)
        try:
            yield cls(connection, mapping, reading)
        finally:
            connection.close()

    def connect(self) -> BaseBackend:
        """The warehouse's session."""
        return self.connection.backend

    def table(
        self, name: str, since: datetime | None = None, until: datetime | None = None
    ) -> ir.Table:
        """One table in the shape of the lake's, with the columns that a readout needs.

        Args:
            name: exposures, events or learners.
            since: only rows of this time or later.
            until: only rows of before this time.

        Raises:
            WarehouseError: the mapping does not fit the table.
        """
        return tables.between(self._tables[name], TIMES[name], since, until)

    def batches(self, rows: ir.Table, at_once: int = ROWS_AT_ONCE) -> pa.RecordBatchReader:
        """Rows computed in the warehouse, as they arrive.

        Args:
            rows: made of this warehouse's tables.
            at_once: how many rows a batch holds.
        """
        backend: Any = self.connection.backend
        if self.connection.scheme == "duckdb":
            # Ibis asks for batches by a name that DuckDB has given up.
            return backend.raw_sql(backend.compile(rows)).to_arrow_reader(at_once)
        return rows.to_pyarrow_batches(chunk_size=at_once)

    @cached_property
    def _tables(self) -> dict[str, ir.Table]:
        part = self.mapping.exposures
        if part is None:
            raise WarehouseError(
                "no_exposures",
                "The mapping says nothing of exposures.",
                "Name the table of who met which variant when, or use those of the lake.",
                "exposures",
            )
        found = {
            "exposures": tables.exposures(self.connection, part, self.reading),
            "events": tables.events(self.connection, self.mapping),
            "learners": tables.learners(self.connection, self.mapping),
        }
        # The lake's tables have days; as they do here, whoever asks for them.
        return {
            name: table.mutate(**{DAY: table[TIMES[name]].date()}) for name, table in found.items()
        }


def bring(
    session: Any, name: str, batches: Iterable[pa.RecordBatch], schema: pa.Schema, where: str = ""
) -> ir.Table:
    """Rows as a new temporary table of a DuckDB session, batch by batch.

    Args:
        session: Ibis' backend.
        name: of the table.
        batches: the rows.
        schema: their columns.
        where: a condition in the session's SQL; rows that do not fulfil it are left out.
    """
    # Nullable, whatever the warehouse says of its columns: a join may leave gaps.
    nullable = pa.schema([each.with_nullable(True) for each in schema])
    session.create_table(name, nullable.empty_table(), temp=True)
    chosen = f"WHERE {where}" if where else ""
    for batch in batches:
        session.con.register("arriving", pa.Table.from_batches([batch]).cast(nullable))
        session.raw_sql(f'INSERT INTO "{name}" SELECT * FROM arriving {chosen}')  # noqa: S608  (ours)
        session.con.unregister("arriving")
    found: ir.Table = session.table(name)
    return found
