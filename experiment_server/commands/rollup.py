"""``momentum rollup``: what readouts keep of learners; shown, made anew, held against history."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from analysis.lake.reader import Lake
from analysis.plan import AnalysisPlan
from experiment_server.commands.context import opened_state
from experiment_server.commands.options import Environment
from experiment_server.environments.service import load_environment
from experiment_server.ingest.place import open_lake
from experiment_server.problems import not_found
from experiment_server.readouts.rollups import list_plans

Key = Annotated[str, typer.Argument(help="The experiment's key.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="What readouts keep of each learner.")
    app.add_typer(group, name="rollup")

    @group.command()
    def show(environment: Environment = "production") -> None:
        """List the roll-ups of running and stopped experiments, and whether they are fresh."""
        from analysis import rollups

        with _opened(environment) as (lake, plans):
            for plan in plans:
                seen = rollups.see(plan, lake)
                typer.echo(
                    f"{plan.experiment:<32} phase {plan.phase}  {seen.n_learners:>9,} learners"
                    f"  {seen.state}"
                )

    @group.command()
    def rebuild(experiment: Key, environment: Environment = "production") -> None:
        """Make an experiment's roll-up anew, from all of history."""
        from analysis import rollups

        with _opened(environment) as (lake, plans):
            made = rollups.rebuild(_of(plans, experiment), lake)
        n_learners = 0 if made.rollup is None else len(made.rollup.met["learner"].unique())
        typer.echo(f"{experiment}: made anew, {n_learners:,} learners.")

    @group.command()
    def verify(experiment: Key, environment: Environment = "production") -> None:
        """Compare an experiment's roll-up with history, bit by bit; exit 1 on a difference."""
        from analysis import rollups

        with _opened(environment) as (lake, plans):
            found = rollups.verify(_of(plans, experiment), lake)
        if found.differing:
            typer.echo(
                f"{experiment}: not what history says: {', '.join(found.differing)}. Run momentum "
                f"rollup rebuild {experiment}, and report it: this should not happen.",
                err=True,
            )
            raise typer.Exit(1)
        typer.echo(f"{experiment}: {found.n_learners:,} learners, all as history says.")


@contextmanager
def _opened(environment: str) -> Iterator[tuple[Lake, tuple[AnalysisPlan, ...]]]:
    """The environment's lake, and a plan of each experiment that a roll-up is kept of."""
    with opened_state() as state:
        with state.database.read() as session:
            place = load_environment(session, environment)
        lake = open_lake(state, place, fresh=True)
        with state.database.read() as session:
            plans = list_plans(session, place, state.clock(), lake)
        yield lake, plans


def _of(plans: tuple[AnalysisPlan, ...], experiment: str) -> AnalysisPlan:
    for plan in plans:
        if plan.experiment == experiment:
            return plan
    raise not_found("roll-up of experiment", experiment)
