"""``momentum import``: events, outcomes and learners from CSV, JSON lines and Parquet files."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from experiment_server.commands.context import opened_state
from experiment_server.commands.options import Environment
from experiment_server.environments.service import load_environment
from experiment_server.imports import service
from experiment_server.imports.mapping import SUBJECTS, Subject, Wish
from experiment_server.imports.service import FORMATS, FileWish, Imported
from experiment_server.problems import Problem

HELP = {
    "events": "Import what learners did: learner, kind, at; id, value, properties.<name>.",
    "outcomes": "Import numbers of a learner and a day: learner, name, day, value; id.",
    "learners": "Import what is true of learners from a time on: learner, at; role, region ...",
}

File = Annotated[Path, typer.Argument(help="CSV, JSON lines or Parquet; .gz too.")]
Column = Annotated[
    list[str] | None,
    typer.Option(help="FIELD=COLUMN, where a column is called otherwise; once for each."),
]
Fixed = Annotated[
    list[str] | None, typer.Option(help="FIELD=VALUE, the same in every row; once for each.")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Only say what would be taken and refused.")
]
Again = Annotated[
    bool, typer.Option("--again", help="From the first row, though the file was imported before.")
]
Timezone = Annotated[
    str | None, typer.Option(help="Of times without one, for example Europe/Berlin.")
]
Format = Annotated[str | None, typer.Option(help="One of " + ", ".join(FORMATS))]
Encoding = Annotated[str | None, typer.Option(help="Of text; default: UTF-8, or by its mark.")]
Delimiter = Annotated[
    str | None, typer.Option(help="Of CSV, \\t for a tab; default: found in the header.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="Bring files in.")
    app.add_typer(group, name="import")
    for subject in SUBJECTS.values():
        _add(group, subject)


def _add(group: typer.Typer, subject: Subject) -> None:
    @group.command(subject.name, help=HELP[subject.name])
    def run(  # noqa: PLR0913 - one argument an option: that is how typer reads them
        file: File,
        environment: Environment,
        column: Column = None,
        fixed: Fixed = None,
        dry_run: DryRun = False,
        again: Again = False,
        timezone: Timezone = None,
        format: Format = None,
        encoding: Encoding = None,
        delimiter: Delimiter = None,
    ) -> None:
        wish = Wish(_pairs(column, "--column"), _pairs(fixed, "--fixed"), _zone(timezone))
        asked = FileWish(file, wish, format, encoding, delimiter)
        with opened_state() as state, _bar(file.name) as progress:
            with state.database.read() as session:
                place = load_environment(session, environment)
            if dry_run:
                done = service.rehearse(state, place, subject, asked, progress)
            else:
                done = service.run_import(state, place, subject, asked, progress, again=again)
        _say(done, subject, dry_run=dry_run)


def _pairs(given: list[str] | None, option: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in given or []:
        field, sign, value = text.partition("=")
        if not sign or not field or not value:
            raise Problem(422, f"{option}: found {text!r}, expected FIELD=..., with both sides.")
        pairs[field.strip()] = value.strip()
    return pairs


def _zone(name: str | None) -> ZoneInfo | None:
    try:
        return None if name is None else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder of zones, as Europe
        raise Problem(422, f"--timezone: {name!r} is unknown; for example Europe/Berlin.") from None


@contextmanager
def _bar(name: str) -> Iterator[service.Progress]:
    """How far the file is read, on a terminal; standard output stays the answer's."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(
        *columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(name, total=None)

        def tell(position: int, total: int) -> None:
            bar.update(task, completed=position, total=total)

        yield tell


def _say(done: Imported, subject: Subject, *, dry_run: bool) -> None:
    if done.unused:
        typer.echo(f"Columns not taken: {', '.join(done.unused)}", err=True)
    if done.was_done:
        typer.echo("This file was imported to its end before; --again reads it once more.")
    elif done.n_before:
        typer.echo(f"An earlier import had read {done.n_before:,} rows; this one went on.")
    verb = "would be" if dry_run else "were"
    typer.echo(
        f"{done.n_rows:,} rows: {done.n_accepted:,} {subject.name} {verb} taken, "
        f"{done.n_duplicates:,} there already, {done.n_refused:,} {verb} refused."
    )
    for one in done.shown:
        typer.echo(f"  row {one.row.number}: {one.field} {one.reason}; {one.remedy}")
    if done.n_refused > len(done.shown) > 0:
        typer.echo(f"  and {done.n_refused - len(done.shown):,} more")
    if done.report is not None:
        typer.echo(f"Refused rows, with what would make them right: {done.report}")
