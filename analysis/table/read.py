"""Read a file: a CSV or Parquet file as a table of columns, found by their exact names."""

import csv
import glob
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import ibis
import pyarrow as pa

from .request import TableError

DELIMITERS: Final = (",", ";", "\t", "|")


@dataclass(frozen=True)
class File:
    """A file's rows in the engine."""

    table: ibis.Table
    names: tuple[str, ...]  # as the file spells them; the table's columns, in the same order

    def column(self, name: str) -> Any:
        """The column of this name, be there others that differ in case only."""
        return self.table[self.table.columns[self.names.index(name)]]


Source = str | Path | Any
"""A file's path, or a table of pandas, pyarrow or Ibis."""


def name_of(source: Source) -> str:
    """What messages call it."""
    return str(source) if isinstance(source, str | Path) else "the table"


def open_source(connection: Any, source: Source) -> File:
    """The file, or the table in memory, as a table of the engine.

    Raises:
        TableError: it is none of these, or cannot be read.
    """
    if isinstance(source, str | Path):
        return open_file(connection, Path(source))
    arrow = _as_arrow(source)
    names = tuple(map(str, arrow.column_names))
    # By number: two names may differ in case only.
    plain = arrow.rename_columns([f"column_{at}" for at in range(len(names))])
    return File(connection.create_table("source", plain, temp=True), names)


def _as_arrow(source: Any) -> pa.Table:
    if isinstance(source, ibis.Table):
        return source.to_pyarrow()
    if not isinstance(source, pa.Table) and not hasattr(source, "__arrow_c_stream__"):
        raise TableError(
            f"the table: found {type(source).__name__}, expected a path or a table of pandas,"
            " pyarrow or Ibis"
        )
    try:
        return pa.table(source)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise TableError(f"the table: cannot be read: {error}") from error


def open_file(connection: Any, path: Path) -> File:
    """The file as a table.

    Raises:
        TableError: there is no such file, or it is neither CSV nor Parquet.
    """
    if not path.exists():
        raise TableError(f"{path}: there is no such file")
    if not path.is_file():
        raise TableError(f"{path}: is not a file; name one CSV or Parquet file")
    if path.stat().st_size == 0:
        raise TableError(f"{path}: the file is empty; expected a header line and one row per unit")
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return _open_csv(connection, path)
    if suffix == ".parquet":
        table = connection.read_parquet(_literal(path), hive_partitioning=False)
        return File(table, tuple(table.columns))
    raise TableError(f"{path}: found the extension {suffix!r}, expected .csv or .parquet")


@contextmanager
def engine_errors_as_ours(path: Path | str) -> Iterator[None]:
    """Turn what the engine or the disk says of a file into one line."""
    try:
        yield
    except duckdb.Error as error:
        raise TableError(f"{path}: cannot be read: {_gist(str(error))}") from error
    except UnicodeDecodeError as error:
        raise TableError(f"{path}: is not UTF-8 text; save it as CSV in UTF-8") from error
    except OSError as error:
        raise TableError(f"{path}: cannot be read: {error.strerror}") from error


def _open_csv(connection: Any, path: Path) -> File:
    # Nothing is left to the engine's guess: it would take a long last line for the header, lines
    # that begin with # for comments, and two names that differ in case for one.
    names, delimiter = _header(path)
    table = connection.read_csv(
        _literal(path),
        # As text first: a unit called 007 stays 007, and a bad number can be named.
        columns={f"column_{at}": "VARCHAR" for at in range(len(names))},
        auto_detect=False,
        header=True,
        delim=delimiter,
        quote='"',
        escape='"',
        hive_partitioning=False,
    )
    return File(table, names)


def _header(path: Path) -> tuple[tuple[str, ...], str]:
    """The names in the first line, and the delimiter that it has most of."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        first = lines.readline()
        if "\0" in first:
            raise TableError(f"{path}: is not text; expected a CSV file")
        delimiter = max(DELIMITERS, key=first.count)
        lines.seek(0)
        try:
            names = next(csv.reader(lines, delimiter=delimiter), [])
        except csv.Error as error:
            raise TableError(f"{path}: the header line cannot be read: {error}") from error
    if not any(names):
        raise TableError(f"{path}: the first line is empty; expected the names of the columns")
    return tuple(name.strip() for name in names), delimiter


def _literal(path: Path) -> str:
    """The path with nothing in it that the engine takes for a pattern: data[1].csv is one file."""
    return glob.escape(str(path))


def _gist(message: str) -> str:
    """What the engine says is wrong, and on which line, without its list of settings."""
    lines: Sequence[str] = [line.strip() for line in message.splitlines()]
    noise = ("Original", "Possible", "LINE", "^")
    telling = [line for line in lines[:4] if line and not line.startswith(noise)]
    return "; ".join(telling[:2])
