"""Keeping the lake quick: many small files become few, and files nobody may ask for any more go."""

from dataclasses import dataclass
from pathlib import Path

from deltalake import CommitProperties
from deltalake.exceptions import CommitFailedError

from analysis.lake.schema import TABLES
from analysis.lake.tables import KEEP_DAYS, open_table


@dataclass(frozen=True)
class Compaction:
    """What a compaction of one table did."""

    table: str
    n_files_before: int
    n_files_after: int
    version: int


def compact(root: str | Path, table_name: str, min_files: int = 8) -> Compaction | None:
    """Rewrite a table's small files into few; None when there was too little to do.

    Writers may go on meanwhile: a compaction removes and adds the same rows, so it gives way to
    nobody and nobody to it; when its commit does lose, the next run repeats it.
    """
    table = open_table(root, table_name)
    if table is None:
        return None
    before = len(table.file_uris())
    if before < min_files:
        return None
    try:
        table.optimize.compact(commit_properties=CommitProperties(max_commit_retries=5))
    except CommitFailedError:
        return None
    table.create_checkpoint()
    return Compaction(table_name, before, len(table.file_uris()), int(table.version()))


def vacuum(root: str | Path, table_name: str, keep_days: int = KEEP_DAYS) -> tuple[str, ...]:
    """Remove the files that no version of the last ``keep_days`` days needs; their names.

    Versions older than that can no longer be opened, so readouts older than that can no longer be
    computed again.
    """
    table = open_table(root, table_name)
    if table is None:
        return ()
    return tuple(
        table.vacuum(
            retention_hours=keep_days * 24, dry_run=False, enforce_retention_duration=False
        )
    )


def compact_all(root: str | Path, min_files: int = 8) -> tuple[Compaction, ...]:
    """Compact every table of a lake."""
    done = (compact(root, name, min_files) for name in TABLES)
    return tuple(compaction for compaction in done if compaction is not None)
