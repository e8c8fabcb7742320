"""``momentum readout``: read an experiment between its planned looks."""

from dataclasses import replace
from typing import Annotated

import typer

from analysis.results import Readout
from experiment_server.commands.context import opened_state
from experiment_server.commands.options import AsOf, Environment, parse_time
from experiment_server.environments.service import load_environment
from experiment_server.readouts.read import read_by_hand
from experiment_server.readouts.service import to_readout
from experiment_server.settings import parse_engine
from experiment_server.state import State


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def readout(
        experiment: Annotated[str, typer.Argument(help="The experiment's key.")],
        environment: Environment = "production",
        as_of: AsOf = None,
        engine: Annotated[
            str | None,
            typer.Option(help="Where to read the lake: duckdb, spark://host:7077 ... [server's]"),
        ] = None,
    ) -> None:
        """Read an experiment now. It names no winner: only the planned looks do."""
        with opened_state() as opened:
            state = opened if engine is None else _on(opened, engine)
            with state.database.read() as session:
                place = load_environment(session, environment)
            at = state.clock() if as_of is None else parse_time(as_of)
            row = read_by_hand(state, place, experiment, at)
        _print(to_readout(row), row.id)


def _on(state: State, engine: str) -> State:
    """The same, but the lake is read by another engine."""
    return replace(state, settings=replace(state.settings, analytics_engine=parse_engine(engine)))


def _print(found: Readout, readout_id: int | None) -> None:
    decision = found.decision
    typer.echo(f"{found.title}: {decision.verdict}")
    typer.echo(decision.reason)
    for variant in found.variants:
        typer.echo(
            f"  {variant}: {found.n_exposed.get(variant, 0):,} units met it, "
            f"{found.n_mature.get(variant, 0):,} have lived their window"
        )
    for check in found.checks:
        if not check.passed:
            typer.echo(f"  {check.title}: {check.sentence}")
    typer.echo(f"Stored as readout {readout_id}.")
