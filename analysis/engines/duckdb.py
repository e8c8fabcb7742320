"""DuckDB in the process: the default engine."""

from collections.abc import Mapping, Sequence

import ibis
import pyarrow as pa
from ibis.backends import BaseBackend


def connect(files: Mapping[str, Sequence[str]], schemas: Mapping[str, pa.Schema]) -> BaseBackend:
    """A session with one view per table over its Parquet files.

    Args:
        files: table name -> the files that hold it; a table without files is empty.
        schemas: table name -> its columns and types.
    """
    backend = ibis.duckdb.connect()
    # Days are UTC days everywhere, whatever the machine's own zone.
    backend.raw_sql("SET TimeZone = 'UTC'")
    # Aggregates do not care about row order, and keeping it holds the scan back.
    backend.raw_sql("SET preserve_insertion_order = false")
    for name, schema in schemas.items():
        paths = list(files.get(name, ()))
        if paths:
            backend.read_parquet(paths, table_name=name)
        else:
            backend.create_table(name, schema.empty_table())
    return backend
