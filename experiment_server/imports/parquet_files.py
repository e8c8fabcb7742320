"""Parquet, read in batches, its types as texts and numbers that JSON has too."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from experiment_server.imports.rows import FileRow, Source, unreadable
from experiment_server.imports.text_files import header

BATCH_ROWS: Final = 5_000
# What Python's own types cannot hold, such as the year 10,000, or text that is no UTF-8.
_UNHELD: Final = (ValueError, OverflowError, KeyError, pa.ArrowException)


@contextmanager
def open_parquet(path: Path) -> Iterator[Source]:
    """A Parquet file; its columns keep their types.

    Raises:
        Problem: it is no Parquet file, or damaged, or two columns have one name.
    """
    with _readable(path.name):
        file = pq.ParquetFile(path)
    with file:
        with _readable(path.name):
            columns = file.schema_arrow.names
        names = header(path.name, columns)
        read = [0]
        rows = _rows(file, path.name, read)
        yield Source(names, rows, file.metadata.num_rows, lambda: read[0], ("parquet",))


@contextmanager
def _readable(name: str) -> Iterator[None]:
    try:
        yield
    except (*_UNHELD, OSError) as error:
        found = f"cannot be read as Parquet ({_first_line(error)})"
        raise unreadable(name, found, "Write it again, or say --format.") from None


def _rows(file: Any, name: str, read: list[int]) -> Iterator[FileRow]:
    with _readable(name):
        for batch in file.iter_batches(batch_size=BATCH_ROWS):
            plain = pa.RecordBatch.from_arrays([_plain(one) for one in batch], batch.schema.names)
            for row in _rows_of(plain, read[0] + 1):
                read[0] += 1
                yield row


def _rows_of(batch: pa.RecordBatch, first: int) -> Iterator[FileRow]:
    try:
        found = batch.to_pylist()
    except _UNHELD:
        yield from (_row_of(batch, n, first + n) for n in range(batch.num_rows))
        return
    for number, values in enumerate(found, first):
        yield FileRow(number, values, values)


def _row_of(batch: pa.RecordBatch, n: int, number: int) -> FileRow:
    """One row, its values read one by one; refused for the first that cannot be read."""
    values: dict[str, Any] = {}
    problem: tuple[str, str, str] | None = None
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        try:
            values[name] = column[n].as_py()
        except _UNHELD as error:
            values[name] = None
            found = f"has a {column.type} that cannot be read ({_first_line(error)})"
            problem = problem or (name, found, "write one that there is, such as 2026-03-01")
    return FileRow(number, values, None if problem else values, problem)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _plain(column: Any) -> Any:
    """The column in a type that Python's own values can hold."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(column.dictionary_decode())
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        return column.cast(pa.timestamp("us", kind.tz), safe=False)
    if pa.types.is_decimal(kind):
        return column.cast(pa.float64())
    return column
