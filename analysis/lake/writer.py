"""Appending to the lake exactly once, whatever crashes, retries or races.

Each commit carries an application transaction: who wrote (``app_id``) and the last sequence number
that the rows contain. A writer that finds its sequence number already there writes nothing.
"""

import json
import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError

from analysis.lake.schema import DAY, LAYOUTS, TABLES
from analysis.lake.tables import local_folder, open_or_create, open_table, writer_properties

ATTEMPTS: Final = 40
_SYNCS_AT_ONCE: Final = 8


def append(root: str | Path, table_name: str, rows: pa.Table, app_id: str, sequence: int) -> int:
    """Which Delta version holds these rows, having appended them unless an earlier call did.

    Args:
        root: the environment's lake folder.
        table_name: a row of ``analysis.lake.schema.TABLES``.
        rows: the rows, with that table's columns; a nullable one may be absent, and the day of a
            table that has the time of each row is derived from it.
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
            # Whoever wrote it may have died before it was safe on the disk.
            make_durable(root, table_name, _version_of(root, table_name, table, app_id))
            return int(table.version())
        try:
            _commit(table, fitting, app_id, sequence)
        except CommitFailedError:
            # Another writer took this version: look again whether it carried our sequence number.
            time.sleep(random.uniform(0, 0.002 * (attempt + 1)))  # noqa: S311 - only spreads load
            continue
        version = int(table.version())
        make_durable(root, table_name, version)
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
    same = known == set(rows.column_names)  # else one of the two is older by a column
    write_deltalake(
        table,
        rows,
        mode="append",
        schema_mode=None if same else "merge",
        writer_properties=writer_properties(rows.schema),
        commit_properties=properties,
    )


def _fit(rows: pa.Table, table_name: str) -> pa.Table:
    """The rows with the table's columns, in the order in which its files keep them."""
    if table_name not in TABLES:
        raise ValueError(f"table: found {table_name!r}, expected one of {', '.join(TABLES)}")
    schema, layout = TABLES[table_name], LAYOUTS[table_name]
    unknown = [name for name in rows.column_names if name not in schema.names]
    if unknown:
        raise ValueError(
            f"{table_name}: column {unknown[0]} is unknown; expected {', '.join(schema.names)}"
        )
    columns = {name: rows[name] for name in rows.column_names}
    if layout.time in columns:
        columns[DAY] = pc.cast(pc.floor_temporal(columns[layout.time], unit="day"), pa.date32())
    for field in schema:
        if field.name in columns:
            continue
        if not field.nullable:
            raise ValueError(
                f"{table_name}: column {field.name} is missing; found {rows.column_names}"
            )
        columns[field.name] = pa.nulls(len(rows), field.type)
    fitting = pa.table({name: columns[name] for name in schema.names}).cast(schema)
    keys = [DAY, *layout.order] if layout.by_day else layout.order
    return fitting.sort_by([(name, "ascending") for name in keys])


def make_durable(root: str | Path, table_name: str, version: int) -> None:
    """See that a power cut cannot take back a commit: its files, its entry in the log, the folders.

    Deltalake itself leaves when bytes reach the disk to the system.
    """
    folder = local_folder(root, table_name)
    if folder is None:
        return  # an object store answers only when it has the bytes
    log = folder / "_delta_log" / f"{version:020d}.json"
    added = [folder / entry["add"]["path"] for entry in _entries(log) if "add" in entry]
    # A compaction may have replaced a file meanwhile, and a vacuum removed it.
    files = [path for path in added if path.exists()]
    places = {path.parent for path in files}
    # At once: the disk then writes its journal a few times, not once for each of a year's days.
    with ThreadPoolExecutor(_SYNCS_AT_ONCE) as pool:
        list(pool.map(sync, (*files, *places, log, log.parent, folder)))


def _version_of(root: str | Path, table_name: str, table: DeltaTable, app_id: str) -> int:
    """The version of this writer's last commit, or the current one when the log is not at hand."""
    current = int(table.version())
    folder = local_folder(root, table_name)
    if folder is None:
        return current
    for version in range(current, -1, -1):
        log = folder / "_delta_log" / f"{version:020d}.json"
        if not log.exists():
            break  # tidied away long after it was written
        if any(entry.get("txn", {}).get("appId") == app_id for entry in _entries(log)):
            return version
    return current


def _entries(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


def sync(path: Path) -> None:
    """See that a file or a folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
