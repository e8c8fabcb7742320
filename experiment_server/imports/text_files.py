"""CSV and JSON lines, plain or gzipped, read row by row."""

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import orjson

from experiment_server.imports.rows import FileRow, Source, unreadable

GZIP: Final = b"\x1f\x8b"
BOM: Final = b"\xef\xbb\xbf"
UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
MAX_LINE: Final = 1_000_000  # bytes or characters of one value or line
MAX_ROW: Final = 16_000_000  # characters of one line of CSV
SHOWN_LINE: Final = 1_000  # characters of one that is no CSV
PEEKED_ROWS: Final = 100
DELIMITERS: Final = ",;\t|"
_OPEN_QUOTE: Final = "unexpected end of data"  # as the csv module says it
TAB: Final = "\\t"  # as a shell gives it


@contextmanager
def open_csv(path: Path, encoding: str | None, delimiter: str | None) -> Iterator[Source]:
    """A CSV file with a header.

    Raises:
        Problem: it is empty, not text in this encoding, or its header or the delimiter cannot be
            used.
    """
    csv.field_size_limit(MAX_LINE)
    asked = _delimiter(path.name, delimiter)
    with path.open("rb") as raw, _unzipped(raw) as file:
        with _readable(path.name, encoding):
            used = _encoding(path.name, file, encoding)
            text = io.TextIOWrapper(file, used, newline="")
            first = text.readline(MAX_LINE)
            if not first.strip():
                raise unreadable(path.name, "its first line is empty", "It needs a header.")
            chosen = asked or max(DELIMITERS, key=first.count)
            lines = _Lines(first, text)
            reader = csv.reader(lines, delimiter=chosen, strict=True)
            columns = header(path.name, next(reader))
        rows = _guarded(path.name, encoding, _csv_rows(reader, lines, columns))
        way = ("csv", used, chosen)
        yield Source(columns, rows, path.stat().st_size, raw.tell, way, is_table=True)


@contextmanager
def open_json_lines(path: Path, encoding: str | None) -> Iterator[Source]:
    """A file with one JSON object a line.

    Raises:
        Problem: it is empty, one JSON array, or none of its first rows can be read.
    """
    with path.open("rb") as raw, _unzipped(raw) as file:
        if encoding is not None or file.peek(2)[:2] in UTF_16:
            remedy = "Save it as UTF-8: for example iconv -f UTF-16 -t UTF-8 FILE."
            raise unreadable(path.name, "JSON lines are UTF-8", remedy)
        rows = _guarded(path.name, encoding, _json_rows(file))
        peeked = list(islice(rows, PEEKED_ROWS))
        columns = dict.fromkeys(name for row in peeked for name in row.values or ())
        if not peeked:
            raise unreadable(path.name, "the file is empty", "It needs one JSON object a line.")
        if not columns or _begins_array(peeked[0]):
            remedy = "Write one object a line; for an array: jq -c '.[]' FILE > FILE.jsonl"
            raise unreadable(path.name, "no line holds a JSON object", remedy)
        size = path.stat().st_size
        yield Source(tuple(columns), chain(peeked, rows), size, raw.tell, ("jsonl",))


@contextmanager
def _unzipped(raw: BinaryIO) -> Iterator[io.BufferedReader]:
    magic = raw.read(2)
    raw.seek(0)
    if magic == GZIP:
        with gzip.GzipFile(fileobj=raw) as unzipped:
            yield io.BufferedReader(cast("Any", unzipped), 1 << 16)
    else:
        yield cast("io.BufferedReader", raw)


def _encoding(name: str, file: io.BufferedReader, asked: str | None) -> str:
    if asked is None:
        return "utf-16" if file.peek(2)[:2] in UTF_16 else "utf-8-sig"
    try:
        io.TextIOWrapper(io.BytesIO(), asked)  # refuses codecs that give no text, such as hex
        return codecs.lookup(asked).name
    except (LookupError, ValueError):
        raise unreadable(name, f"unknown encoding {asked!r}", "For example latin-1.") from None


def _delimiter(name: str, asked: str | None) -> str | None:
    """The delimiter that was asked for; a tab may be written as in a program."""
    found = "\t" if asked == TAB else asked
    if found is not None and (len(found) != 1 or found in '"\r\n\x00'):
        remedy = f"--delimiter is one character, such as ';' (a tab: '{TAB}'), and no quote."
        raise unreadable(name, f"cannot be split at {asked!r}", remedy)
    return found


def _guarded(name: str, encoding: str | None, rows: Iterator[FileRow]) -> Iterator[FileRow]:
    """The rows; what goes wrong while they are read, and only then, is said of the file."""
    with _readable(name, encoding):
        yield from rows


@contextmanager
def _readable(name: str, encoding: str | None) -> Iterator[None]:
    """What goes wrong while a file is read, said in one sentence."""
    try:
        yield
    except UnicodeError as error:
        remedy = "Say its encoding, for example --encoding latin-1, or save it as UTF-8."
        raise unreadable(name, f"not {encoding or 'UTF-8'} ({error})", remedy) from None
    except csv.Error as error:
        raise unreadable(
            name, f"not CSV ({error})", "Mend the file; what was taken stays."
        ) from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        remedy = "Copy it again; what was taken stays, and the whole file begins anew."
        raise unreadable(name, f"the gzip file is damaged ({error})", remedy) from None


def header(name: str, cells: Sequence[str]) -> tuple[str, ...]:
    """The columns' names.

    Raises:
        Problem: two are the same.
    """
    columns = [cell.strip() for cell in cells]
    twice = next((column for column in columns if columns.count(column) > 1), None)
    if twice is not None:
        raise unreadable(name, f"two columns are called {twice!r}", "Give each its own name.")
    return tuple(columns)


class _Lines(Iterator[str]):
    """The lines of a text, with what the row that is being read has taken of them."""

    def __init__(self, first: str, text: io.TextIOWrapper) -> None:
        self._first: str | None = first
        self._text = text
        self.begin_row()

    def begin_row(self) -> None:
        """Forget the row before."""
        self.n_taken = 0
        self.beginning = ""
        self.is_cut = False

    def __next__(self) -> str:
        line, self._first = self._first or self._text.readline(MAX_ROW + 1), None
        if not line:
            raise StopIteration
        rest = line
        while len(rest) > MAX_ROW and not rest.endswith("\n"):
            self.is_cut = True
            rest = self._text.readline(MAX_ROW + 1)
        self.n_taken += 1
        self.beginning = self.beginning or line[:SHOWN_LINE]
        return line


def _csv_rows(
    reader: Iterator[list[str]], lines: _Lines, columns: tuple[str, ...]
) -> Iterator[FileRow]:
    number = 0
    while True:
        lines.begin_row()
        try:
            cells = next(reader, None)
        except csv.Error as error:
            if lines.n_taken != 1 or str(error) == _OPEN_QUOTE:
                raise csv.Error(f"row {number + 1}: {error}") from None  # it may have eaten others
            number += 1
            yield _no_row(number, [lines.beginning.rstrip("\r\n")], f"is not CSV ({error})")
            continue
        if cells is None:
            return
        if not cells:
            continue  # a blank line
        number += 1
        if lines.is_cut:
            yield _no_row(number, [lines.beginning], f"is longer than {MAX_ROW:,} characters")
        elif len(cells) == len(columns):
            yield FileRow(number, cells, dict(zip(columns, cells, strict=True)))
        else:
            found = f"has {len(cells)} values where the header has {len(columns)}"
            yield _no_row(number, cells, found)


def _no_row(number: int, original: list[str], found: str) -> FileRow:
    remedy = "quote values that contain the delimiter or a quote, and leave none out"
    return FileRow(number, original, None, ("row", found, remedy))


def _json_rows(file: io.BufferedReader) -> Iterator[FileRow]:
    number = 0
    for line in _lines(file):
        bare = line.removeprefix(BOM) if number == 0 else line
        if not bare.strip():
            continue
        number += 1
        yield _json_row(number, bare)


def _begins_array(row: FileRow) -> bool:
    return row.values is None and str(row.original).lstrip().startswith("[")


def _lines(file: io.BufferedReader) -> Iterator[bytes]:
    """The lines; of one that is too long, its beginning and nothing else."""
    while line := file.readline(MAX_LINE + 1):
        yield line
        while len(line) > MAX_LINE and not line.endswith(b"\n"):
            line = file.readline(MAX_LINE + 1)


def _json_row(number: int, line: bytes) -> FileRow:
    remedy = 'write one object a line: {"learner": "ada", ...}'
    if len(line) > MAX_LINE:
        shown = line[:200].decode(errors="replace")
        return FileRow(number, shown, None, ("line", f"is longer than {MAX_LINE:,} bytes", remedy))
    try:
        value = orjson.loads(line)
    except ValueError as error:
        shown = line.decode(errors="replace").rstrip("\n")
        return FileRow(number, shown, None, ("line", f"is no JSON: {error}", remedy))
    if type(value) is not dict:
        return FileRow(number, value, None, ("line", "is no JSON object", remedy))
    return FileRow(number, value, value)
