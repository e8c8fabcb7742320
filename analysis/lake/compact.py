"""Keeping the lake quick: many small files become few, and files nobody may ask for any more go."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.fs as pa_fs
from deltalake import CommitProperties, DeltaTable
from deltalake.exceptions import CommitFailedError

from analysis.lake.named import CHECKPOINT, files_of
from analysis.lake.schema import DAY, LAYOUTS, TABLES
from analysis.lake.tables import REPLACED_DAYS, open_table, writer_properties
from analysis.lake.writer import make_durable
from analysis.storage import open_files

MIN_FILES: Final = 4
"""A day with fewer small files is quick enough: rewriting it would cost more than it saves."""
SMALL_BYTES: Final = 64 * 1024**2
"""What is larger is no small file: Delta makes files of about 100 MB of a day that has more."""
SORT_BYTES: Final = 2 * 1024**3
"""A larger day's files are joined as they lie: sorting it would take more memory than is fair."""


@dataclass(frozen=True)
class Compaction:
    """What a compaction of one table did."""

    table: str
    n_files_before: int
    n_files_after: int
    version: int


def compact(
    root: str | Path, table_name: str, min_files: int = MIN_FILES, sort_bytes: int = SORT_BYTES
) -> Compaction | None:
    """Rewrite a table's small files into few, day by day; None when there was too little to do.

    A day's rows are sorted by learner, so that one learner's lie together and pack well. A table
    without days (learners, or any of a lake from before days) has its small files joined.

    Writers may go on meanwhile: a compaction removes and adds the same rows, so it gives way to
    nobody and nobody to it. When its commit does lose, to another compaction or an erasure, the
    next run repeats it: each day is a commit of its own.
    """
    table = open_table(root, table_name)
    if table is None:
        return None
    before, done = len(table.file_uris()), False
    for day, files in _files_by_day(table).items():
        if sum(size < SMALL_BYTES for size in files) >= min_files:
            rewrite = _joined if day is None or sum(files) > sort_bytes else _sorted
            if _commit(rewrite, table, table_name, day):
                make_durable(root, table_name, int(table.version()))
                done = True
    if not done:
        return None
    table.update_incremental()
    table.create_checkpoint()
    return Compaction(table_name, before, len(table.file_uris()), int(table.version()))


def vacuum(
    root: str | Path,
    table_name: str,
    keep_days: int = REPLACED_DAYS,
    named: Iterable[int] = (),
) -> tuple[str, ...]:
    """Remove the files that were replaced or left over long enough ago; their names.

    Compaction writes every row a second time, so the files that it replaces would double the lake.
    Of older versions only those can be opened afterwards that somebody names. Files that a writer
    left when it died before its commit go too, unless ``keep_days`` is 0: then they could be those
    of a writer that is about to commit.

    Args:
        root: the environment's lake folder.
        table_name: a row of ``analysis.lake.schema.TABLES``.
        keep_days: for how long a replaced file stays in any case.
        named: the versions whose files stay: those that stored readouts were computed from.
    """
    table = open_table(root, table_name)
    if table is None:
        return ()
    unused = table.vacuum(
        retention_hours=keep_days * 24,
        dry_run=True,
        enforce_retention_duration=False,
        full=keep_days > 0,
    )
    kept = files_of(root, table_name, named) if unused else frozenset()
    gone = tuple(path for path in unused if unquote(path) not in kept)
    _delete_files(root, [f"{table_name}/{path}" for path in gone])
    return gone


def compact_all(root: str | Path, min_files: int = MIN_FILES) -> tuple[Compaction, ...]:
    """Compact every table of a lake."""
    done = (compact(root, name, min_files) for name in TABLES)
    return tuple(compaction for compaction in done if compaction is not None)


def vacuum_all(
    root: str | Path, named: Iterable[Mapping[str, int]], keep_days: int = REPLACED_DAYS
) -> int:
    """Vacuum every table of a lake, thin its checkpoints; gives how many files went.

    Args:
        root: the environment's lake folder.
        named: lake versions (table -> version) that stay, each whole.
        keep_days: for how long a replaced file stays in any case.
    """
    versions = list(named)
    gone = 0
    for name in TABLES:
        of_table = [version[name] for version in versions if name in version]
        gone += len(vacuum(root, name, keep_days, of_table)) + len(thin_checkpoints(root, name))
    return gone


def thin_checkpoints(root: str | Path, table_name: str) -> tuple[str, ...]:
    """Remove a log's checkpoints but the newest two and the first of each day; their names.

    Delta writes one every hundred commits, with all that the table has and lately had, and keeps
    it as long as the commits. The commits alone tell the same: an older version is then read from
    the checkpoint before it and a day's commits at most.
    """
    if open_table(root, table_name) is None:
        return ()
    files = open_files(root)
    selector = pa_fs.FileSelector(f"{table_name}/_delta_log")
    found = [info for info in files.get_file_info(selector) if info.path.endswith(CHECKPOINT)]
    found.sort(key=lambda info: str(info.base_name))
    kept, gone = set(), []
    for info in found[:-2]:
        day = info.mtime_ns // _DAY_NS
        if day in kept:
            files.delete_file(info.path)
            gone.append(str(info.base_name))
        kept.add(day)
    return tuple(gone)


_DAY_NS: Final = 86_400 * 10**9
_DELETIONS_AT_ONCE: Final = 8

# Sealing commits often: a commit that comes second takes the next version.
_PATIENT: Final = CommitProperties(max_commit_retries=15)
_Rewrite = Callable[[DeltaTable, str, Mapping[str, Any]], None]


def _delete_files(root: str | Path, paths: Iterable[str]) -> None:
    files = open_files(root)

    def delete(path: str) -> None:
        with suppress(FileNotFoundError):  # another vacuum was quicker
            files.delete_file(path)

    with ThreadPoolExecutor(_DELETIONS_AT_ONCE) as pool:
        list(pool.map(delete, paths))


def _files_by_day(table: DeltaTable) -> dict[str | None, list[int]]:
    """The sizes of each day's files; of a table without days, all under None."""
    adds = pa.table(table.get_add_actions(flatten=True))
    days: Iterator[Any] = iter([None] * len(adds))
    if table.metadata().partition_columns:
        days = iter(adds[f"partition.{DAY}"].to_pylist())
    found: dict[str | None, list[int]] = defaultdict(list)
    for day, size in zip(days, adds["size_bytes"].to_pylist(), strict=True):
        found[None if day is None else day.isoformat()].append(size)
    return found


def _commit(rewrite: _Rewrite, table: DeltaTable, table_name: str, day: str | None) -> bool:
    options = {
        "partition_filters": None if day is None else [(DAY, "=", day)],
        "max_concurrent_tasks": 1,
        "writer_properties": writer_properties(TABLES[table_name]),
        "commit_properties": _PATIENT,
    }
    try:
        rewrite(table, table_name, options)
    except CommitFailedError:
        return False
    return True


def _sorted(table: DeltaTable, table_name: str, options: Mapping[str, Any]) -> None:
    table.optimize.z_order([LAYOUTS[table_name].order[0]], **options)


def _joined(table: DeltaTable, _table_name: str, options: Mapping[str, Any]) -> None:
    table.optimize.compact(**options)
