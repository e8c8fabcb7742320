"""Which files the versions consist of that somebody names, told by one pass through the log.

Opening a version costs Delta a look at the whole log, and a year of readouts names hundreds. So
only the oldest is opened; what came and went since is told by the commits.
"""

import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.fs as pa_fs

from analysis.lake.tables import open_table
from analysis.storage import open_files

CHECKPOINT: Final = ".checkpoint.parquet"
_COMMIT: Final = ".json"
_READS_AT_ONCE: Final = 8
_BATCH: Final = 1_000


def files_of(root: str | Path, table_name: str, versions: Iterable[int]) -> frozenset[str]:
    """The files of these versions, below the table's folder.

    Versions that the log does not tell of are passed over: those of a lake that was replaced, and
    those from before its oldest commit.
    """
    files = open_files(root)
    log = f"{table_name}/_delta_log"
    told = _told(files, log)
    named = sorted({version for version in versions if version in told})
    if not named:
        return frozenset()
    added_at = dict.fromkeys(_paths_at(root, table_name, named[0]), named[0])
    kept: set[str] = set()
    for version, actions in _commits(files, log, range(named[0] + 1, named[-1] + 1)):
        for path in _paths(actions, "remove"):
            first = added_at.pop(path, version)
            if bisect_left(named, first) < bisect_left(named, version):
                kept.add(path)
        for path in _paths(actions, "add"):
            added_at.setdefault(path, version)
    return frozenset(kept.union(added_at))


def _told(files: pa_fs.FileSystem, log: str) -> range:
    """The versions that can be opened: they have all commits since a checkpoint, or since none."""
    names = [str(info.base_name) for info in files.get_file_info(pa_fs.FileSelector(log))]
    commits = _versions(names, _COMMIT)
    if not commits:
        return range(0)
    last = first = max(commits)
    while first - 1 in commits:
        first -= 1
    if first == 0:
        return range(last + 1)
    bases = [version for version in _versions(names, CHECKPOINT) if version >= first - 1]
    return range(max(first, min(bases)), last + 1) if bases else range(0)


def _versions(names: Sequence[str], ending: str) -> set[int]:
    numbers = (name.removesuffix(ending) for name in names if name.endswith(ending))
    return {int(number) for number in numbers if number.isdecimal()}


def _paths_at(root: str | Path, table_name: str, version: int) -> list[str]:
    table = open_table(root, table_name, version)
    adds = [] if table is None else pa.table(table.get_add_actions())["path"].to_pylist()
    return [unquote(path) for path in adds]


def _commits(
    files: pa_fs.FileSystem, log: str, versions: range
) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """Each version and the actions of its commit, in order."""

    def read(version: int) -> bytes:
        with files.open_input_stream(f"{log}/{version:020d}{_COMMIT}") as stream:
            return bytes(stream.read())

    with ThreadPoolExecutor(_READS_AT_ONCE) as pool:
        for start in range(0, len(versions), _BATCH):
            some = versions[start : start + _BATCH]
            for version, content in zip(some, pool.map(read, some), strict=True):
                yield version, [json.loads(line) for line in content.splitlines()]


def _paths(actions: Iterable[dict[str, Any]], kind: str) -> list[str]:
    return [unquote(action[kind]["path"]) for action in actions if kind in action]
