"""What came into the lake between two versions, by its Delta log.

A compaction rewrites rows and adds none: Delta marks its actions with ``dataChange`` false.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow.fs as pa_fs

from analysis.lake.tables import open_table, table_address
from analysis.storage import is_local, open_files


@dataclass(frozen=True)
class Unknown:
    """Why it cannot be told what came."""

    reason: str


def lake_filesystem(root: str | Path) -> pa_fs.FileSystem:
    """The lake's folder or object-store prefix, as a file system of its own."""
    return open_files(root)


def table_id(root: str | Path, table_name: str, version: int) -> str:
    """What tells a table from one that was made in its place; "": there is no such table."""
    table = open_table(root, table_name, version)
    return "" if table is None else str(table.metadata().id)


def files_since(
    root: str | Path, table_name: str, since: int, until: int
) -> tuple[str, ...] | Unknown:
    """The data files whose rows came after one version, up to and including another.

    Files may be among them that a compaction has replaced since: they lie there until a vacuum.

    Args:
        root: the environment's lake folder.
        table_name: a row of ``analysis.lake.schema.TABLES``.
        since: the earlier version; -1: the table was not there.
        until: the later one.

    Returns:
        The files as an engine can open them; or why that is not the whole truth: rows were
        removed, or the log or a file is there no more.
    """
    files = lake_filesystem(root)
    found: list[str] = []
    for version in range(since + 1, until + 1):
        try:
            actions = list(_actions(files, table_name, version))
        except (OSError, ValueError):
            return Unknown(f"the log of {table_name} does not reach back to version {version}")
        if any(_data_changed(action.get("remove")) for action in actions):
            return Unknown(f"rows of {table_name} were removed in version {version}")
        added = [unquote(a["add"]["path"]) for a in actions if _data_changed(a.get("add"))]
        found += added
    gone = _missing(files, table_name, found)
    if gone:
        return Unknown(f"{table_name}: {gone} is there no more")
    folder = table_address(root, table_name)
    base = Path(folder).absolute() if is_local(root) else folder
    return tuple(f"{base}/{path}" for path in found)


def why_rewritten(root: str | Path, table_name: str, since: int) -> str:
    """Why what was read of a table at a version may hold rows that are there no more.

    Args:
        root: the environment's lake folder.
        table_name: a row of ``analysis.lake.schema.TABLES``.
        since: the version that was read; -1: the table was not there.

    Returns:
        The reason; "" when the log shows that only appends and compactions came since.
    """
    if since < 0:
        return ""
    files = lake_filesystem(root)
    version = since
    while True:
        try:
            actions = list(_actions(files, table_name, version))
        except FileNotFoundError:
            # The log ends here; unless it does not even reach back to what was read.
            return "" if version > since else f"the log of {table_name} begins after {since}"
        except (OSError, ValueError) as error:
            return f"the log of {table_name} cannot be read ({type(error).__name__})"
        if version > since and any(_data_changed(action.get("remove")) for action in actions):
            return f"rows of {table_name} were removed in version {version}"
        version += 1


def _actions(files: pa_fs.FileSystem, table_name: str, version: int) -> Iterator[dict[str, Any]]:
    path = f"{table_name}/_delta_log/{version:020d}.json"
    with files.open_input_stream(path) as stream:
        for line in stream.read().splitlines():
            yield json.loads(line)


def _data_changed(action: dict[str, Any] | None) -> bool:
    return action is not None and bool(action.get("dataChange", True))


def _missing(files: pa_fs.FileSystem, table_name: str, paths: list[str]) -> str:
    """The first of the files that is not there; "": all are."""
    if not paths:
        return ""
    infos = files.get_file_info([f"{table_name}/{path}" for path in paths])
    absent = [info.path for info in infos if info.type != pa_fs.FileType.File]
    return str(absent[0]) if absent else ""
