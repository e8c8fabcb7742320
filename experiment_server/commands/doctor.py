"""``momentum doctor``: looks at everything, changes nothing, says what to do."""

import json
from pathlib import Path
from typing import Annotated

import typer

from experiment_server.commands.context import read_settings
from experiment_server.db import Database, DatabaseError
from experiment_server.doctor import examine
from experiment_server.doctor.finding import Finding, Level
from experiment_server.observe import configure_logging
from experiment_server.settings import Settings
from experiment_server.state import State

SIGNS = {Level.FINE: "ok", Level.WARNING: "warning", Level.ERROR: "ERROR"}


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def doctor(
        as_json: Annotated[bool, typer.Option("--json", help="Findings as JSON.")] = False,
    ) -> None:
        """Look at versions, disk, store, clocks, schedule and lake; say what to do about each.

        Ends with 1 when something is wrong, else with 0. Nothing is changed.
        """
        settings = read_settings()
        configure_logging("error")
        found = _examine(settings)
        if as_json:
            typer.echo(json.dumps([one.to_json() for one in found], indent=2))
        else:
            _print(found)
        if any(one.level is Level.ERROR for one in found):
            raise typer.Exit(1)


def _examine(settings: Settings) -> tuple[Finding, ...]:
    _refuse_missing_file(settings)
    database = Database(settings.database_url)
    try:
        return examine(State(settings=settings, database=database))
    finally:
        database.dispose()


def _refuse_missing_file(settings: Settings) -> None:
    """Opening an SQLite file makes it; who examines must not."""
    head, _, path = settings.database_url.partition("sqlite:///")
    if not head and path and not Path(path).exists():
        raise DatabaseError(
            f"There is no database at {path} yet. Start momentum serve, which makes it, or set "
            "MOMENTUM_DATABASE_URL or MOMENTUM_DATA_DIR to where it is."
        )


def _print(found: tuple[Finding, ...]) -> None:
    for one in found:
        typer.echo(f"{SIGNS[one.level]:<8} {one.area:<9} {one.what}")
        if one.remedy:
            typer.echo(f"{'':<18} -> {one.remedy}")
    bad = [sum(one.level is level for one in found) for level in (Level.ERROR, Level.WARNING)]
    typer.echo(f"{len(found)} looked at: {bad[0]} errors, {bad[1]} warnings.")
