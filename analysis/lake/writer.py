"""Appending to the lake exactly once, whatever crashes, retries or races.

Each commit carries an application transaction: who wrote (``app_id``) and the last sequence number
that the rows contain. A writer that finds its sequence number already there writes nothing.
"""

import json
import os
import random
import time
from pathlib import Path
from typing import Final

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError

from analysis.lake.schema import TABLES, YOUNG
from analysis.lake.tables import is_local, open_or_create, open_table

ATTEMPTS: Final = 40


def append(root: str | Path, table_name: str, rows: pa.Table, app_id: str, sequence: int) -> int:
    """Which Delta version holds these rows, having appended them unless an earlier call did.

    Args:
        root: the environment's lake folder.
        table_name: a row of ``analysis.lake.schema.TABLES``.
        rows: the rows, with that table's columns.
        app_id: who writes; sequence numbers count within it.
        sequence: the last sequence number that the rows contain; at most what is already there:
            nothing is written.

    Raises:
        ValueError: the rows do not fit the table.
        DeltaError: other writers won every attempt.
    """
    fitting = _fit(rows, table_name)
    for attempt in range(ATTEMPTS):
        table = open_or_create(root, table_name)
        if _sequence_of(table, app_id) >= sequence:
            return int(table.version())
        try:
            _commit(table, fitting, app_id, sequence)
        except CommitFailedError:
            # Another writer took this version: look again whether it carried our sequence number.
            time.sleep(random.uniform(0, 0.002 * (attempt + 1)))  # noqa: S311 - only spreads load
            continue
        version = int(table.version())
        _make_durable(root, table_name, version)
        return version
    raise DeltaError(f"{table_name}: {ATTEMPTS} commits in a row lost against other writers")


def last_sequence(root: str | Path, table_name: str, app_id: str) -> int:
    """The last sequence number of this writer that the table holds; -1: none."""
    table = open_table(root, table_name)
    return -1 if table is None else _sequence_of(table, app_id)


def _sequence_of(table: DeltaTable, app_id: str) -> int:
    found = table.transaction_version(app_id)
    return -1 if found is None else int(found)


def _commit(table: DeltaTable, rows: pa.Table, app_id: str, sequence: int) -> None:
    # No retries inside Delta: they would rebase onto a commit that holds the same rows, and double
    # them. So the commit goes exactly on top of the version whose transactions were read, or fails.
    properties = CommitProperties(
        app_transactions=[Transaction(app_id, sequence)], max_commit_retries=0
    )
    known = {field.name for field in table.schema().fields}
    grown = not known.issuperset(rows.column_names)  # by a column that an older lake lacks
    write_deltalake(
        table,
        rows,
        mode="append",
        schema_mode="merge" if grown else None,
        commit_properties=properties,
    )


def _fit(rows: pa.Table, table_name: str) -> pa.Table:
    if table_name not in TABLES:
        raise ValueError(f"table: found {table_name!r}, expected one of {', '.join(TABLES)}")
    schema = TABLES[table_name]
    given = rows.column_names
    missing = [name for name in schema.names if name not in given and name not in YOUNG]
    if missing:
        raise ValueError(f"{table_name}: column {missing[0]} is missing; found {rows.column_names}")
    for name in YOUNG:
        if name in schema.names and name not in given:
            rows = rows.append_column(schema.field(name), pa.nulls(len(rows), pa.string()))
    return rows.select(schema.names).cast(schema)


def _make_durable(root: str | Path, table_name: str, version: int) -> None:
    """See that a power cut cannot take back what the caller is about to delete elsewhere."""
    if not is_local(root):
        return  # an object store answers only when it has the bytes
    folder = Path(root) / table_name
    log = folder / "_delta_log" / f"{version:020d}.json"
    for line in log.read_text().splitlines():
        action = json.loads(line)
        if "add" in action:
            _sync(folder / action["add"]["path"])
    for path in (log, log.parent, folder):
        _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
