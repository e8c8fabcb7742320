"""Removing rows for good: of one learner, or of days that are past their time.

A learner's days are written anew without them; the older files stay for time travel. Erasing a
learner removes those of them that name the learner too: versions from before can then no longer be
opened whole, which is the point. The log names nobody: see ``analysis.lake.log``.
"""

from collections.abc import Container, Iterator
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.fs as pa_fs
from deltalake import CommitProperties, DeltaTable, write_deltalake

from analysis.lake.changes import lake_filesystem
from analysis.lake.log import silence_log
from analysis.lake.schema import DAY, LAYOUTS, TABLES
from analysis.lake.tables import open_table, writer_properties
from analysis.lake.writer import make_durable

_PATIENT: Final = CommitProperties(max_commit_retries=15)
_HEX: Final = frozenset("0123456789abcdef")
_MANAGER: Final = "manager"


@dataclass(frozen=True)
class Erased:
    """What left one table.

    The learner's own rows go; rows of others that name the learner as manager stay without that.
    """

    table: str
    n_rows: int  # the learner's, of its latest version
    n_files: int  # of earlier versions, which named the learner too
    n_managed: int = 0  # of others


def count_learner(root: str | Path, table_name: str, learner: str) -> int:
    """How many rows of a table's latest version are a learner's.

    Args:
        root: the environment's lake.
        table_name: a row of ``analysis.lake.schema.TABLES``.
        learner: the pseudonym.
    """
    table = open_table(root, table_name)
    return 0 if table is None else _count(table, ds.field("learner") == _pseudonym(learner))


def count_managed(root: str | Path, table_name: str, learner: str) -> int:
    """How many rows of others name a learner as their manager; arguments as above."""
    table = open_table(root, table_name)
    if table is None or _MANAGER not in _columns(table):
        return 0
    named = ds.field(_MANAGER) == _pseudonym(learner)
    return _count(table, named & (ds.field("learner") != learner))


def erase_learner(
    root: str | Path, table_name: str, learner: str, silenced: Container[str] = ()
) -> Erased:
    """Remove a learner from a table, and the files that ever named them.

    Nobody may write meanwhile: a file that a writer has not committed yet looks like one that is
    left over, and is removed when it names the learner.

    Args:
        root: the environment's lake.
        table_name: a row of ``analysis.lake.schema.TABLES``.
        learner: the pseudonym.
        silenced: what ``analysis.lake.log.silence_ahead`` gave of this table.
    """
    n_rows = count_learner(root, table_name, learner)
    n_managed = count_managed(root, table_name, learner)
    silence_log(root, table_name, silenced)
    table = open_table(root, table_name)
    if table is None:
        return Erased(table_name, 0, 0)
    for day in _days_naming(table, learner):
        _write_without(table, learner, day, writer_properties(TABLES[table_name]))
        make_durable(root, table_name, int(table.version()))
    files = lake_filesystem(root)
    old = [path for path in _old_files(table, files, table_name) if _names(files, path, learner)]
    for path in old:
        files.delete_file(path)
    return Erased(table_name, n_rows, len(old), n_managed)


def erase_before(root: str | Path, table_name: str, first_kept: date) -> int:
    """Remove a table's days before one; gives how many rows went.

    The files go with a vacuum, once no version within its reach needs them.

    Raises:
        ValueError: the table has no days.
    """
    if not LAYOUTS[table_name].by_day:
        raise ValueError(f"table: {table_name} is not kept by day, so no day of it can be removed")
    table = open_table(root, table_name)
    if table is None or not table.metadata().partition_columns:
        return 0
    n_rows = _count(table, ds.field(DAY) < first_kept)
    if n_rows:
        _delete(table, root, table_name, f"{DAY} < '{first_kept.isoformat()}'")
    return n_rows


def keep_only(root: str | Path, table_name: str, rows: pa.Table) -> None:
    """Write a table without days anew with these of its rows; nobody may write meanwhile."""
    table = open_table(root, table_name)
    if table is None or LAYOUTS[table_name].by_day:
        raise ValueError(f"table: {table_name} has days or is not there, expected one without days")
    write_deltalake(
        table,
        rows.select([field.name for field in table.schema().fields]),
        mode="overwrite",
        writer_properties=writer_properties(TABLES[table_name]),
        commit_properties=_PATIENT,
    )
    make_durable(root, table_name, int(table.version()))


def _delete(table: DeltaTable, root: str | Path, table_name: str, predicate: str) -> None:
    table.delete(
        predicate,
        writer_properties=writer_properties(TABLES[table_name]),
        commit_properties=_PATIENT,
    )
    table.update_incremental()
    make_durable(root, table_name, int(table.version()))


def _days_naming(table: DeltaTable, learner: str) -> list[date | None]:
    """The days of which a row names the learner; [None]: there is such a row, and no days."""
    naming = _naming(_columns(table), learner)
    dataset = table.to_pyarrow_dataset()
    if not table.metadata().partition_columns:
        return [None] if dataset.count_rows(filter=naming) else []
    found = dataset.to_table(columns=[DAY], filter=naming)
    return sorted(set(found[DAY].to_pylist()))


def _write_without(table: DeltaTable, learner: str, day: date | None, properties: Any) -> None:
    """Write a day anew, or a table that has no days.

    No deletion by a condition on the learner: Delta's log would keep the condition.
    """
    dataset = table.to_pyarrow_dataset()
    columns = {name: ds.field(name) for name in dataset.schema.names}
    if _MANAGER in columns:
        nobody = pa.scalar(None, dataset.schema.field(_MANAGER).type)
        columns[_MANAGER] = pc.if_else(ds.field(_MANAGER) == learner, nobody, ds.field(_MANAGER))
    kept = ds.field("learner") != learner
    if day is not None:
        kept &= ds.field(DAY) == day
    write_deltalake(
        table,
        dataset.scanner(columns=columns, filter=kept).to_reader(),
        mode="overwrite",
        predicate=None if day is None else f"{DAY} = '{day.isoformat()}'",
        writer_properties=properties,
        commit_properties=_PATIENT,
    )


def _columns(table: DeltaTable) -> set[str]:
    return {field.name for field in table.schema().fields}


def _naming(columns: set[str], learner: str) -> ds.Expression:
    """Rows that name the learner in one of these columns."""
    named = [ds.field(name) == learner for name in ("learner", _MANAGER) if name in columns]
    return reduce(or_, named)


def _count(table: DeltaTable, condition: ds.Expression) -> int:
    return int(table.to_pyarrow_dataset().count_rows(filter=condition))


def _old_files(table: DeltaTable, files: pa_fs.FileSystem, table_name: str) -> Iterator[str]:
    """The Parquet files beside those of the latest version."""
    adds = pa.table(table.get_add_actions())
    current = {f"{table_name}/{unquote(path)}" for path in adds["path"].to_pylist()}
    log = f"{table_name}/_delta_log/"
    for info in files.get_file_info(pa_fs.FileSelector(table_name, recursive=True)):
        path = info.path
        if path.endswith(".parquet") and path not in current and not path.startswith(log):
            yield path


def _names(files: pa_fs.FileSystem, path: str, learner: str) -> bool:
    found = ds.dataset(path, filesystem=files, format="parquet")
    return bool(found.count_rows(filter=_naming(set(found.schema.names), learner)))


def _pseudonym(learner: str) -> str:
    if not learner or not _HEX.issuperset(learner):
        raise ValueError("learner: expected a pseudonym, hexadecimal digits")
    return learner
