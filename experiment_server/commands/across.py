"""``momentum across``: what the experiments that are over say together."""

import json
from typing import Annotated

import typer

from dashboards import across_words as words
from experiment_server.commands.context import opened_state
from experiment_server.commands.options import Environment
from experiment_server.environments.service import load_environment
from experiment_server.readouts.across import across_experiments


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def across(
        environment: Environment = "production",
        metric: Annotated[
            str | None, typer.Option(help="What is moved; default: the Energize Score.")
        ] = None,
        kpi: Annotated[
            str | None, typer.Option(help="What should follow; default: each business outcome.")
        ] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    ) -> None:
        """Pool the experiments that are over: effects by domain, and what followed in the KPIs.

        Example: momentum across --metric energize_score --kpi sales
        """
        with opened_state() as state, state.database.read() as session:
            place = load_environment(session, environment)
            report = across_experiments(session, place, metric, kpi)
        if as_json:
            typer.echo(json.dumps(report.to_json(), allow_nan=False, ensure_ascii=False))
            return
        for line in words.report_lines(report):
            typer.echo(line)
