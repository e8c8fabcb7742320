"""What a table's log told of its files before it was to be silent about learners.

Delta's log keeps the smallest and largest value of a file's columns, and the condition of each
deletion, long after the files are gone. Tables are now made without (``tables.configuration``); one
of before is made to forget, once, and its property then says that it has.
"""

import io
import json
import os
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.fs as pa_fs
import pyarrow.parquet as pq
from deltalake import CommitProperties

from analysis.lake.tables import STATISTICS, configuration, open_table
from analysis.lake.writer import make_durable
from analysis.storage import is_local, open_files

_PATIENT: Final = CommitProperties(max_commit_retries=15)


def silence_log(root: str | Path, table_name: str) -> None:
    """Take what names learners out of a table's log, and have it kept no more.

    Each version stays as it was, and can be read as before. Nobody may write meanwhile. The
    property is set last: what a crash left is done by the next call.
    """
    table = open_table(root, table_name)
    wanted = configuration(table_name)[STATISTICS]
    if table is None or table.metadata().configuration.get(STATISTICS) == wanted:
        return
    files = open_files(root)
    for info in files.get_file_info(pa_fs.FileSelector(f"{table_name}/_delta_log")):
        strip = _STRIPS.get(info.extension)
        if strip is not None:
            with files.open_input_stream(info.path) as stream:
                content = strip(stream.read())
            _replace(root, files, info, content)
    table = open_table(root, table_name) or table  # as it is now told of
    table.alter.set_table_properties({STATISTICS: wanted}, commit_properties=_PATIENT)
    make_durable(root, table_name, int(table.version()))
    table.create_checkpoint()  # the newest one's size is written down, and has changed


def _strip_commit(content: bytes) -> bytes:
    actions = [json.loads(line) for line in content.splitlines()]
    for action in actions:
        for changed in (action.get("add"), action.get("remove")):
            if changed and changed.get("stats"):
                changed["stats"] = _only_count(changed["stats"])
        action.get("commitInfo", {}).get("operationParameters", {}).pop("predicate", None)
    return "\n".join(json.dumps(action) for action in actions).encode()


def _strip_checkpoint(content: bytes) -> bytes:
    table = pq.read_table(pa.BufferReader(content))
    for name in ("add", "remove"):
        table = _strip_column(table, name)
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


def _replace(
    root: str | Path, files: pa_fs.FileSystem, info: pa_fs.FileInfo, content: bytes
) -> None:
    """In one step, with the file's old time: logs are tidied by it."""
    if not is_local(root):
        with files.open_output_stream(info.path) as stream:
            stream.write(content)
        return
    place = Path(root) / info.path
    new = place.with_name(f".{place.name}.new")
    with new.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    os.utime(new, ns=(info.mtime_ns, info.mtime_ns))
    new.replace(place)
