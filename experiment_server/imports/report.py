"""The report of refused rows, written beside the file as the import goes on."""

import csv
import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from experiment_server.imports.rows import FileRow
from experiment_server.problems import Problem

HEADER = ("row", "field", "reason", "remedy")


class RefusedRow(NamedTuple):
    """A row that was not taken, and why."""

    row: FileRow
    field: str
    reason: str
    remedy: str


class Report:
    """FILE.refused.csv (the file's own columns after ours) or FILE.refused.jsonl.

    It exists once a row was refused. Its length is stored with each batch: what a killed import
    wrote beyond is cut off when it goes on.
    """

    def __init__(self, file: Path, columns: Sequence[str], *, is_table: bool) -> None:
        suffix = ".refused.csv" if is_table else ".refused.jsonl"
        self.path = file.with_name(file.name + suffix)
        self._columns, self._is_table = columns, is_table

    def cut(self, n_bytes: int) -> int:
        """Keep the first ``n_bytes``; gives how many there are, 0 when the report was removed.

        Raises:
            Problem: it cannot be written.
        """
        with self._writable():
            if not n_bytes or not self.path.exists() or self.path.stat().st_size < n_bytes:
                self.path.unlink(missing_ok=True)
                return 0
            os.truncate(self.path, n_bytes)
            return n_bytes

    def append(self, refused: Sequence[RefusedRow]) -> int:
        """Write more rows, durably; gives the report's new length in bytes.

        Raises:
            Problem: it cannot be written.
        """
        with self._writable(), self.path.open("ab") as file:
            if self._is_table:
                file.write(self._as_csv(refused, with_header=file.tell() == 0))
            else:
                file.writelines(_as_json(one) for one in refused)
            file.flush()
            os.fsync(file.fileno())
            return file.tell()

    @contextmanager
    def _writable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            remedy = "Put the file where there is room and you may write; it goes on from here."
            raise Problem(422, f"{self.path}: cannot be written ({error}). {remedy}") from None

    def _as_csv(self, refused: Sequence[RefusedRow], *, with_header: bool) -> bytes:
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        if with_header:
            writer.writerow([*HEADER, *self._columns])
        for one in refused:
            said = (one.row.number, one.field, one.reason, one.remedy)
            writer.writerow([*said, *one.row.original])
        return text.getvalue().encode(errors="backslashreplace")


def _as_json(one: RefusedRow) -> bytes:
    said: dict[str, Any] = {
        "row": one.row.number,
        "field": one.field,
        "reason": one.reason,
        "remedy": one.remedy,
        "original": one.row.original,
    }
    try:
        return orjson.dumps(said, default=str, option=orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError:
        said["original"] = "(nested too deeply to be shown)"
        return orjson.dumps(said, option=orjson.OPT_APPEND_NEWLINE)
