"""``momentum report weekly``: make the winners' report by hand."""

import typer

from experiment_server.commands.context import opened_state
from experiment_server.commands.options import AsOf, Environment, parse_time
from experiment_server.environments.service import load_environment
from experiment_server.notify.service import deliver
from experiment_server.reports import service
from experiment_server.reports.weekly import RHYTHM


def register(app: typer.Typer) -> None:
    """Add the command."""
    group = typer.Typer(no_args_is_help=True, help="Reports for people.")
    app.add_typer(group, name="report")

    @group.callback()
    def choose() -> None:
        """Reports for people; the server makes them by itself on their rhythm."""

    @group.command()
    def weekly(environment: Environment = "production", as_of: AsOf = None) -> None:
        """Make, store, send and print the report of the seven days before a time."""
        with opened_state() as state:
            with state.database.read() as session:
                place = load_environment(session, environment)
            at = state.clock() if as_of is None else parse_time(as_of)
            row = service.make_report(state, place, RHYTHM, at)
            deliver(state.database, state.settings.data_dir, state.clock())
        typer.echo(row.text)
