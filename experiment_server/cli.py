"""The console script ``momentum``: gathers the commands, turns refusals into one clear line."""

import sys
from typing import Final

import typer

from experiment_server.commands import (
    across,
    analyze,
    assign,
    bayes,
    calibrate,
    demo,
    doctor,
    energize,
    environments,
    erase,
    import_,
    members,
    readout,
    report,
    rollup,
    schedule,
    serve,
    size,
)
from experiment_server.db import DatabaseError
from experiment_server.problems import Problem
from experiment_server.settings import SettingsError

# One row a file of commands/.
COMMANDS: Final = (
    serve,
    members,
    environments,
    import_,
    energize,
    readout,
    rollup,
    report,
    schedule,
    assign,
    analyze,
    calibrate,
    size,
    bayes,
    across,
    doctor,
    erase,
    demo,
)
REFUSED: Final = 2  # the exit code of everything that the caller can mend

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Momentum: experiments and feature flags for learning programs.",
)
for command in COMMANDS:
    command.register(app)


def main() -> None:
    """Run the command line."""
    try:
        app()
    except (SettingsError, DatabaseError, serve.PortTakenError) as error:
        _refuse(str(error))
    except Problem as problem:
        _refuse(problem.detail)


def _refuse(sentence: str) -> None:
    typer.echo(sentence, err=True)
    sys.exit(REFUSED)


if __name__ == "__main__":
    main()
