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
    for name, schema in schemas.items():
        paths = list(files.get(name, ()))
        if paths:
            read = backend.read_parquet(paths, union_by_name=True)
            # Files from before a column existed: it is null there.
            late = {
                field.name: ibis.null(ibis.dtype(field.type))
                for field in schema
                if field.name not in read.columns
            }
            backend.create_view(name, read.mutate(**late) if late else read)
        else:
            # Nullable, as the columns of a Parquet file are: tables of one type can be united.
            nullable = pa.schema([field.with_nullable(True) for field in schema])
            backend.create_table(name, nullable.empty_table())
    return backend
