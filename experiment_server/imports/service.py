"""Importing a file: batch by batch, each with the note of how far the file is read.

A batch's rows, their ids and the note change in one transaction, so an import that is killed at any
moment goes on where it was and repeats nothing.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from hashlib import blake2b, file_digest
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from experiment_server.audit.service import record
from experiment_server.environments.models import Environment
from experiment_server.imports.mapping import ColumnMapping, Subject, Wish, build_mapping
from experiment_server.imports.models import ImportRun
from experiment_server.imports.parquet_files import open_parquet
from experiment_server.imports.rehearsal import Rehearsal
from experiment_server.imports.report import RefusedRow, Report
from experiment_server.imports.rows import FileRow, Source, unreadable
from experiment_server.imports.taking import TAKERS, parse_rows, rules_of
from experiment_server.imports.text_files import open_csv, open_json_lines
from experiment_server.ingest.items import Rules
from experiment_server.problems import Problem, conflict
from experiment_server.security.roles import SYSTEM
from experiment_server.state import State

BATCH_ROWS: Final = 2_000
SHOWN_REFUSED: Final = 10
FORMATS: Final = ("csv", "jsonl", "parquet")
_SUFFIXES: Final = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}

Progress = Callable[[int, int], None]
"""Told how far the file is read, of how much."""


@dataclass(frozen=True)
class FileWish:
    """Which file, and how it is to be read; None: found out."""

    path: Path
    wish: Wish
    format: str | None = None
    encoding: str | None = None
    delimiter: str | None = None


class Imported(NamedTuple):
    """What became of a file, of earlier parts of an interrupted import too."""

    n_rows: int
    n_accepted: int
    n_duplicates: int
    n_refused: int
    n_before: int  # rows that an earlier, interrupted import had read
    was_done: bool  # the file had been imported to its end before: nothing was read
    report: Path | None
    unused: tuple[str, ...]  # columns that no field takes
    shown: tuple[RefusedRow, ...]  # the first refused rows of this run


def run_import(
    state: State,
    environment: Environment,
    subject: Subject,
    asked: FileWish,
    progress: Progress,
    *,
    again: bool = False,
) -> Imported:
    """Import a file, or the rest of it; ``again``: from its first row, even if it was done.

    Raises:
        Problem: the file or its columns cannot be used, or another import of it is running.
    """
    with _open(asked) as source:
        mapping = build_mapping(subject, source.columns, asked.wish, asked.path.name)
        young = ImportRun(
            environment_id=int(environment.id or 0),
            fingerprint=_fingerprint(asked.path, source, mapping),
            subject=subject.name,
            file_name=os.fsencode(asked.path.name).decode(errors="replace")[:300],
            started_at=state.clock(),
            updated_at=state.clock(),
        )
        run = _begin(state, young, again=again)
        if run.finished_at is not None:
            return _imported(run, mapping, source, asked.path, was_done=True)
        n_before = run.n_rows
        run, shown = _Import(state, environment, mapping, source, asked.path).go(run, progress)
        done = _imported(run, mapping, source, asked.path)
        return done._replace(n_before=n_before, shown=tuple(shown))


def rehearse(
    state: State, environment: Environment, subject: Subject, asked: FileWish, progress: Progress
) -> Imported:
    """What an import of the whole file would take, refuse and find taken; it writes nothing.

    Raises:
        Problem: the file or its columns cannot be used.
    """
    environment_id = int(environment.id or 0)
    with _open(asked) as source, Rehearsal(subject) as rehearsal:
        mapping = build_mapping(subject, source.columns, asked.wish, asked.path.name)
        n_rows, n_refused = 0, 0
        shown: list[RefusedRow] = []
        for rows in _batches(source.rows):
            now = state.clock()
            with state.database.read() as session:
                rules = rules_of(session, environment_id, subject.name, now)
                parsed = parse_rows(rows, mapping, rules)
                rehearsal.take(session, environment_id, parsed.good, now)
            n_rows, n_refused = n_rows + len(rows), n_refused + len(parsed.refused)
            shown += parsed.refused[: SHOWN_REFUSED - len(shown)]
            progress(source.position(), source.total)
        taken = rehearsal.appended
        counts = (n_rows, taken.accepted, taken.duplicates, n_refused)
        return Imported(*counts, 0, False, None, mapping.unused, tuple(shown))


@dataclass
class _Import:
    """One import under way."""

    state: State
    environment: Environment
    mapping: ColumnMapping
    source: Source
    path: Path

    def go(self, run: ImportRun, progress: Progress) -> tuple[ImportRun, list[RefusedRow]]:
        """Read on from where the run is; gives the run at the file's end and what was refused."""
        report = Report(self.path, self.source.columns, is_table=self.source.is_table)
        run.refused_bytes = report.cut(run.refused_bytes)
        with self.state.database.read() as session:
            rules = rules_of(
                session, run.environment_id, self.mapping.subject.name, self.state.clock()
            )
        for _row in islice(self.source.rows, run.n_rows):
            pass  # read and taken by an earlier import
        shown: list[RefusedRow] = []
        for rows in _batches(self.source.rows):
            refused = self._take(run, rows, rules, report)
            shown += refused[: SHOWN_REFUSED - len(shown)]
            progress(self.source.position(), self.source.total)
        with self.state.database.write() as session:
            _step(session, run, {"finished_at": self.state.clock()}, run.n_rows)
            _record(session, self.environment, run)
        return run, shown

    def _take(
        self, run: ImportRun, rows: list[FileRow], rules: Rules, report: Report
    ) -> list[RefusedRow]:
        now = self.state.clock()
        parsed = parse_rows(rows, self.mapping, replace(rules, received_at=now))
        length = report.append(parsed.refused) if parsed.refused else run.refused_bytes
        take = TAKERS[self.mapping.subject.name]
        with self.state.database.write() as session:
            taken = take(session, run.environment_id, parsed.good, now)
            values = {
                "n_rows": run.n_rows + len(rows),
                "n_accepted": run.n_accepted + taken.accepted,
                "n_duplicates": run.n_duplicates + taken.duplicates,
                "n_refused": run.n_refused + len(parsed.refused),
                "refused_bytes": length,
                "updated_at": now,
            }
            _step(session, run, values, run.n_rows)
        return parsed.refused


def _step(session: Session, run: ImportRun, values: dict[str, Any], n_rows: int) -> None:
    """Note how far the run is, unless another import of the file went on meanwhile."""
    stepped = session.connection().execute(
        sa.update(ImportRun)
        .where(col(ImportRun.id) == run.id, col(ImportRun.n_rows) == n_rows)
        .where(col(ImportRun.finished_at).is_(None))
        .values(**values)
    )
    if stepped.rowcount != 1:
        raise _running(run)
    for name, value in values.items():
        setattr(run, name, value)


def _running(run: ImportRun) -> Problem:
    return conflict(f"Another import of {run.file_name} is running. Let it come to its end.")


def _begin(state: State, young: ImportRun, *, again: bool) -> ImportRun:
    """The file's run: the new one, or the one that an earlier import left."""
    with state.database.write() as session:
        run = session.exec(
            select(ImportRun)
            .where(ImportRun.environment_id == young.environment_id)
            .where(ImportRun.fingerprint == young.fingerprint)
            .with_for_update()
        ).first()
        if run is not None and again:
            session.delete(run)
            session.flush()
            run = None
        if run is None:
            run = young
            session.add(run)
            try:
                session.flush()
            except IntegrityError:
                raise _running(run) from None
        session.expunge(run)
    return run


def _fingerprint(path: Path, source: Source, mapping: ColumnMapping) -> str:
    """What two imports of the same bytes, read in the same way, share."""
    with path.open("rb") as file:
        content = file_digest(file, lambda: blake2b(digest_size=32)).hexdigest()
    way = (mapping.subject.name, sorted(mapping.fields), sorted(mapping.fixed.items()))
    said = f"{content} {source.way} {way} {mapping.timezone}"
    return blake2b(said.encode(), digest_size=32).hexdigest()


def _open(asked: FileWish) -> AbstractContextManager[Source]:
    path = asked.path
    if not path.is_file():
        raise Problem(422, f"{path}: there is no such file. Check its path.")
    if not os.access(path, os.R_OK):
        raise Problem(422, f"{path}: you may not read it. Ask its owner.")
    if path.stat().st_size == 0:
        raise unreadable(path.name, "the file is empty", "Export it again.")
    plain = path.with_suffix("") if path.suffix == ".gz" else path
    chosen = asked.format or _SUFFIXES.get(plain.suffix.lower())
    if chosen not in FORMATS:
        raise unreadable(path.name, "its format is unknown", f"--format: {', '.join(FORMATS)}.")
    if chosen == "csv":
        return open_csv(path, asked.encoding, asked.delimiter)
    if asked.delimiter is not None:
        raise unreadable(path.name, f"{chosen} has no delimiter", "Leave --delimiter out.")
    if chosen == "parquet" and asked.encoding is not None:
        raise unreadable(path.name, "Parquet has no encoding", "Leave --encoding out.")
    return open_json_lines(path, asked.encoding) if chosen == "jsonl" else open_parquet(path)


def _batches(rows: Iterator[FileRow]) -> Iterator[list[FileRow]]:
    while batch := list(islice(rows, BATCH_ROWS)):
        yield batch


def _imported(
    run: ImportRun, mapping: ColumnMapping, source: Source, path: Path, *, was_done: bool = False
) -> Imported:
    report = Report(path, source.columns, is_table=source.is_table).path
    return Imported(
        n_rows=run.n_rows,
        n_accepted=run.n_accepted,
        n_duplicates=run.n_duplicates,
        n_refused=run.n_refused,
        n_before=run.n_rows if was_done else 0,
        was_done=was_done,
        report=report if run.n_refused else None,
        unused=mapping.unused,
        shown=(),
    )


def _record(session: Session, environment: Environment, run: ImportRun) -> None:
    after = {
        "subject": run.subject,
        "file": run.file_name,
        "n_rows": run.n_rows,
        "n_accepted": run.n_accepted,
        "n_duplicates": run.n_duplicates,
        "n_refused": run.n_refused,
    }
    resource = f"import:{environment.key}"
    record(session, SYSTEM, "import.finish", resource, after=after, environment_id=environment.id)
