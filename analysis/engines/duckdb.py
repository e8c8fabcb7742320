"""DuckDB in the process: the default engine."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import ibis
import pyarrow as pa
from ibis.backends import BaseBackend
from ibis.backends.sql.datatypes import DuckDBType

from analysis.engines import object_store, spill

_DAY: Final = "day"
_DAY_FOLDER: Final = "/day="  # Delta keeps a partition's value in the name of its folder

# What DuckDB is told of a file's rows, because it looks into none: so many as Delta's writer puts
# into one group. Told nothing it expects a thousand, and keeps a join's events in memory where it
# could keep the learners.
_ROWS_A_FILE: Final = 1_048_576


def open_session(address: str | Path = ":memory:", *, read_only: bool = False) -> BaseBackend:
    """A session of DuckDB, as every one has to be opened.

    What does not fit into memory lies in a private folder until the session ends (see ``spill``).

    Args:
        address: the database's file; by default none.
        read_only: nothing in it is changed.
    """
    place = str(spill.new_folder())
    return ibis.duckdb.connect(address, read_only=read_only, temp_directory=place)


def connect(files: Mapping[str, Sequence[str]], schemas: Mapping[str, pa.Schema]) -> BaseBackend:
    """A session with one view per table over its Parquet files.

    Args:
        files: table name -> the files that hold it; a table without files is empty.
        schemas: table name -> its columns and types.
    """
    backend = open_session()
    # Days are UTC days everywhere, whatever the machine's own zone.
    backend.raw_sql("SET TimeZone = 'UTC'")
    for name, schema in schemas.items():
        paths = list(files.get(name, ()))
        if paths and object_store.reads_itself(backend.con, paths):
            backend.raw_sql(_view(name, schema, paths))
        elif paths:
            backend.con.register(name, object_store.open_dataset(paths, schema))
        else:
            # Nullable, as the columns of a Parquet file are: tables of one type can be united.
            nullable = pa.schema([field.with_nullable(True) for field in schema])
            backend.create_table(name, nullable.empty_table())
    return backend


def _view(name: str, schema: pa.Schema, paths: Sequence[str]) -> str:
    """SQL that makes a view of the files.

    The columns are told rather than found out: no file is opened before a query wants its rows,
    and a column that came after a file was written is null there.
    """
    in_folders = all(_DAY_FOLDER in path for path in paths)
    kept = [field for field in schema if not (in_folders and field.name == _DAY)]
    told = ", ".join(
        f"'{field.name}': {{'name': '{field.name}', 'type': "
        f"'{DuckDBType.to_string(ibis.dtype(field.type))}', 'default_value': NULL}}"
        for field in kept
    )
    columns = [f'"{field.name}"' for field in kept]
    if in_folders and _DAY in schema.names:
        # A partition's value stands in the path only; a filter on it spares the file.
        columns.append(
            f"CAST(regexp_extract(filename, '{_DAY_FOLDER}([^/]*)', 1) AS DATE) AS {_DAY}"
        )
    quoted = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
    return (  # names from our own schema; paths quoted
        f'CREATE VIEW "{name}" AS SELECT {", ".join(columns)} '  # noqa: S608
        f"FROM read_parquet([{quoted}], schema = MAP {{{told}}}, filename = true, "
        f"explicit_cardinality = {len(paths) * _ROWS_A_FILE})"
    )
