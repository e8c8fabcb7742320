"""Parquet, read in batches, its types as texts and numbers that JSON has too."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from experiment_server.imports.rows import FileRow, Source, unreadable

BATCH_ROWS: Final = 5_000


@contextmanager
def open_parquet(path: Path) -> Iterator[Source]:
    """A Parquet file; its columns keep their types.

    Raises:
        Problem: it is no Parquet file, or damaged.
    """
    with _readable(path.name):
        file = pq.ParquetFile(path)
    with file:
        read = [0]
        rows = _rows(file, path.name, read)
        names = tuple(file.schema_arrow.names)
        yield Source(names, rows, file.metadata.num_rows, lambda: read[0], ("parquet",))


@contextmanager
def _readable(name: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowInvalid, OSError) as error:
        found = f"cannot be read as Parquet ({str(error).splitlines()[0][:200]})"
        raise unreadable(name, found, "Write it again, or say --format.") from None


def _rows(file: Any, name: str, read: list[int]) -> Iterator[FileRow]:
    with _readable(name):
        for batch in file.iter_batches(batch_size=BATCH_ROWS):
            plain = pa.RecordBatch.from_arrays([_plain(one) for one in batch], batch.schema.names)
            for values in plain.to_pylist():
                read[0] += 1
                yield FileRow(read[0], values, values)


def _plain(column: Any) -> Any:
    """The column in a type that Python's own values can hold."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(column.dictionary_decode())
    if pa.types.is_timestamp(kind):
        return column.cast(pa.timestamp("us", kind.tz), safe=False)
    if pa.types.is_decimal(kind):
        return column.cast(pa.float64())
    if pa.types.is_date64(kind):
        return column.cast(pa.date32())
    return column
