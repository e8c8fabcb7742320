"""What a table's log told of its files before it was to be silent about learners.

Delta's log keeps the smallest and largest value of a file's columns, and the condition of each
deletion, long after the files are gone. Tables are now made without (``tables.configuration``); one
of before is made to forget, once, and its property then says that it has.
"""

import io
import json
import os
from collections.abc import Container, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.fs as pa_fs
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable

from analysis.lake.tables import STATISTICS, configuration, open_table
from analysis.lake.writer import make_durable, sync
from analysis.storage import is_local, open_files

_PATIENT: Final = CommitProperties(max_commit_retries=15)
_BATCH: Final = 500
_AT_ONCE: Final = 8
_Changed = tuple[pa_fs.FileInfo, bytes]


def silence_ahead(root: str | Path, table_name: str) -> frozenset[str]:
    """Take what names learners out of a log's older entries, while others write; their names.

    What is written never changes. Only the newest checkpoint stays as it is: writers begin with it.
    Nobody may rewrite the table meanwhile. A log that is silent already has no older entries.
    """
    if _silent(open_table(root, table_name), table_name):
        return frozenset()
    entries = _entries(open_files(root), table_name)
    checkpoints = [info.path for info in entries if info.extension == "parquet"]
    older = [info for info in entries if info.path not in checkpoints[-1:]]
    _strip(root, older)
    return frozenset(info.path for info in older)


def silence_log(root: str | Path, table_name: str, silenced: Container[str] = ()) -> None:
    """Take what names learners out of a table's log, and have it kept no more.

    Each version stays as it was, and can be read as before. Nobody may write meanwhile. The
    property is set last: what a crash left is done by the next call.

    Args:
        root: the environment's lake.
        table_name: a row of ``analysis.lake.schema.TABLES``.
        silenced: the entries that ``silence_ahead`` saw to.
    """
    table = open_table(root, table_name)
    if table is None or _silent(table, table_name):
        return
    entries = _entries(open_files(root), table_name)
    _strip(root, [info for info in entries if info.path not in silenced])
    table = open_table(root, table_name) or table  # as it is now told of
    wanted = configuration(table_name)[STATISTICS]
    table.alter.set_table_properties({STATISTICS: wanted}, commit_properties=_PATIENT)
    make_durable(root, table_name, int(table.version()))
    table.create_checkpoint()  # the newest one's size is written down, and has changed


def _silent(table: DeltaTable | None, table_name: str) -> bool:
    """Whether there is nothing to silence: no table, or one whose log keeps times alone."""
    wanted = configuration(table_name)[STATISTICS]
    return table is None or table.metadata().configuration.get(STATISTICS) == wanted


def _entries(files: pa_fs.FileSystem, table_name: str) -> list[pa_fs.FileInfo]:
    """The log's commits and checkpoints, by name."""
    found = files.get_file_info(pa_fs.FileSelector(f"{table_name}/_delta_log"))
    return sorted((each for each in found if each.extension in _STRIPS), key=lambda it: it.path)


def _strip(root: str | Path, entries: Sequence[pa_fs.FileInfo]) -> None:
    files = open_files(root)
    replace = _replace_local if is_local(root) else _replace_stored
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for some in _batches(entries):
            stripped = list(pool.map(lambda info: _stripped(files, info), some))
            changed = [
                (info, content)
                for info, content in zip(some, stripped, strict=True)
                if content is not None
            ]
            if changed:
                replace(root, changed, pool)


def _batches(entries: Sequence[pa_fs.FileInfo]) -> Iterator[Sequence[pa_fs.FileInfo]]:
    """What is in memory at once: many commits, or one checkpoint."""
    commits = [info for info in entries if info.extension == "json"]
    for start in range(0, len(commits), _BATCH):
        yield commits[start : start + _BATCH]
    for info in entries:
        if info.extension == "parquet":
            yield [info]


def _stripped(files: pa_fs.FileSystem, info: pa_fs.FileInfo) -> bytes | None:
    """An entry without what names learners; None: it is so already, or Delta has tidied it away."""
    try:
        with files.open_input_stream(info.path) as stream:
            content = bytes(stream.read())
    except FileNotFoundError:
        return None
    return _STRIPS[info.extension](content)


def _strip_commit(content: bytes) -> bytes | None:
    actions = [json.loads(line) for line in content.splitlines()]
    for action in actions:
        for changed in (action.get("add"), action.get("remove")):
            if changed and changed.get("stats"):
                changed["stats"] = _only_count(changed["stats"])
        action.get("commitInfo", {}).get("operationParameters", {}).pop("predicate", None)
    if actions == [json.loads(line) for line in content.splitlines()]:
        return None
    return "\n".join(json.dumps(action) for action in actions).encode()


def _strip_checkpoint(content: bytes) -> bytes | None:
    told = table = pq.read_table(pa.BufferReader(content))
    for name in ("add", "remove"):
        table = _strip_column(table, name)
    if table.equals(told):
        return None
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def _strip_column(table: pa.Table, name: str) -> pa.Table:
    """A checkpoint whose structs of one kind hold only the number of rows as statistics."""
    if name not in table.column_names:
        return table
    field = table.schema.field(name)
    if field.type.get_field_index("stats") < 0:
        return table
    rows: list[dict[str, Any] | None] = table[name].to_pylist()
    for row in rows:
        if row is not None and row["stats"]:
            row["stats"] = _only_count(row["stats"])
    place = table.column_names.index(name)
    return table.set_column(place, field, pa.chunked_array([pa.array(rows, field.type)]))


def _only_count(statistics: str) -> str:
    told = json.loads(statistics)
    return json.dumps({"numRecords": told["numRecords"]} if "numRecords" in told else {})


_STRIPS: Final = {"json": _strip_commit, "parquet": _strip_checkpoint}


def _replace_stored(root: str | Path, changed: Iterable[_Changed], pool: Executor) -> None:
    """An object store replaces in one step by itself."""
    files = open_files(root)

    def put(one: _Changed) -> None:
        with files.open_output_stream(one[0].path) as stream:
            stream.write(one[1])

    list(pool.map(put, changed))


def _replace_local(root: str | Path, changed: Sequence[_Changed], pool: Executor) -> None:
    """Each in one step, with the file's old time: logs are tidied by it.

    All are safe on the disk under another name before the first takes its place: so a power cut
    leaves each as it was or as it shall be. At once, the disk writes its journal a few times.
    """

    def write(one: _Changed) -> Path:
        info, content = one
        place = Path(root, str(info.path))
        new = place.with_name(f".{place.name}.new")
        with new.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.utime(new, ns=(info.mtime_ns, info.mtime_ns))
            os.fsync(stream.fileno())
        return new

    for new, (info, _content) in zip(list(pool.map(write, changed)), changed, strict=True):
        new.replace(Path(root) / info.path)
    sync((Path(root) / changed[0][0].path).parent)
