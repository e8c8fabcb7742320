"""What a file gives, whatever its format: numbered rows of named values, or why one is none."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from experiment_server.problems import Problem


class FileRow(NamedTuple):
    """One row of a file.

    Attributes:
        number: from 1, without the header and blank lines.
        original: as the report shows it: a list of texts (CSV), else a JSON value or the line.
        values: column to value; None when the row cannot be read.
        problem: then why not: field, reason, remedy.
    """

    number: int
    original: Any
    values: Mapping[str, Any] | None
    problem: tuple[str, str, str] | None = None


@dataclass(frozen=True)
class Source:
    """An opened file.

    Attributes:
        columns: their names; of JSON lines, those of the first hundred rows.
        rows: the rows, read as they are asked for.
        total: the file's size, in the unit of ``position``.
        position: how far it is read.
        way: how its bytes are read: format, encoding, delimiter.
        is_table: each row is a list of texts under the columns (CSV).
    """

    columns: tuple[str, ...]
    rows: Iterator[FileRow]
    total: int
    position: Callable[[], int]
    way: tuple[str, ...]
    is_table: bool = False


def unreadable(name: str, found: str, remedy: str) -> Problem:
    """A file that cannot be read at all, or not beyond some row."""
    return Problem(422, f"{name}: {found}. {remedy}")
