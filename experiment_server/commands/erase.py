"""``momentum erase``: removes one learner for good, and says what there was."""

from typing import Annotated

import typer

from experiment_server.commands.context import opened_state
from experiment_server.commands.options import Environment
from experiment_server.environments.service import load_environment
from experiment_server.erasure import service
from experiment_server.erasure.service import Trace
from experiment_server.problems import Problem
from experiment_server.security.roles import SYSTEM

LEFT = (
    "Stored readouts and reports stay: they hold aggregates only, and those from before can no "
    "longer be computed again. Hosts may keep more: an SDK's spool, files that were imported."
)


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def erase(
        learner: Annotated[str, typer.Argument(help="The learner's id, as hosts send it.")],
        environment: Environment = "production",
        dry_run: Annotated[bool, typer.Option(help="Only say what there is.")] = False,
        yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    ) -> None:
        """Remove a learner from the store, the buffer, the lake and its history."""
        _refuse_empty(learner)
        with opened_state() as state:
            with state.database.read() as session:
                place = load_environment(session, environment)
            found = service.find(state, place, learner)
            if not dry_run:
                if not yes:
                    _print(found)
                    typer.confirm("Remove all of it? It cannot be taken back.", abort=True)
                found = service.erase(state, SYSTEM, place, learner)
        _print(found)
        if not any(trace.n for trace in found):
            typer.echo(f"Nothing of such a learner was found in {environment}. Check the id.")
        typer.echo("Nothing was changed." if dry_run else LEFT)


def _refuse_empty(learner: str) -> None:
    if not learner or not learner.isprintable():
        raise Problem(422, "LEARNER: found no printable id, expected one as hosts send it: ada-17")


def _print(found: tuple[Trace, ...]) -> None:
    for trace in found:
        remedy = f"  -> {trace.remedy}" if trace.n and trace.remedy else ""
        typer.echo(f"{trace.n:>9,}  {trace.place}{remedy}")
