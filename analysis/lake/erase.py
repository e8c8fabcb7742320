"""Removing rows for good: of one learner, or of days that are past their time.

Delta's delete rewrites the files that hold such rows; the older files stay for time travel. Erasing
a learner removes those of them that name the learner too: versions from before can then no longer
be opened whole, which is the point.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs as pa_fs
from deltalake import CommitProperties, DeltaTable

from analysis.lake.changes import lake_filesystem
from analysis.lake.schema import DAY, LAYOUTS, TABLES
from analysis.lake.tables import open_table, writer_properties
from analysis.lake.writer import make_durable

_PATIENT: Final = CommitProperties(max_commit_retries=15)
_HEX: Final = frozenset("0123456789abcdef")


@dataclass(frozen=True)
class Erased:
    """What left one table."""

    table: str
    n_rows: int  # of its latest version
    n_files: int  # of earlier versions, which named the learner too


def count_learner(root: str | Path, table_name: str, learner: str) -> int:
    """How many rows of a table's latest version are a learner's.

    Args:
        root: the environment's lake.
        table_name: a row of ``analysis.lake.schema.TABLES``.
        learner: the pseudonym.
    """
    table = open_table(root, table_name)
    return 0 if table is None else _count(table, ds.field("learner") == _pseudonym(learner))


def erase_learner(root: str | Path, table_name: str, learner: str) -> Erased:
    """Remove a learner's rows from a table, and the files that ever held them.

    Nobody may append meanwhile: a file that a writer has not committed yet looks like one that is
    left over, and is removed when it names the learner.
    """
    table = open_table(root, table_name)
    if table is None:
        return Erased(table_name, 0, 0)
    n_rows = _count(table, ds.field("learner") == _pseudonym(learner))
    if n_rows:
        _delete(table, root, table_name, f"learner = '{learner}'")
    files = lake_filesystem(root)
    old = [path for path in _old_files(table, files, table_name) if _names(files, path, learner)]
    for path in old:
        files.delete_file(path)
    return Erased(table_name, n_rows, len(old))


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


def _delete(table: DeltaTable, root: str | Path, table_name: str, predicate: str) -> None:
    table.delete(
        predicate,
        writer_properties=writer_properties(TABLES[table_name]),
        commit_properties=_PATIENT,
    )
    table.update_incremental()
    make_durable(root, table_name, int(table.version()))


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
    return bool(found.count_rows(filter=ds.field("learner") == learner))


def _pseudonym(learner: str) -> str:
    if not learner or not _HEX.issuperset(learner):
        raise ValueError("learner: expected a pseudonym, hexadecimal digits")
    return learner
