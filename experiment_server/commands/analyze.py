"""``momentum analyze``: a decision from any table, one row a unit."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from analysis.results import Estimate

REFUSED = 2


def register(app: typer.Typer) -> None:
    """Add the command to the console script."""
    app.command("analyze")(analyze)


def analyze(  # noqa: PLR0913 - one argument for each option that people type
    file: Annotated[Path, typer.Argument(help="CSV or Parquet file, one row per unit.")],
    unit: Annotated[str, typer.Option(help="Column that names the unit.")],
    variant: Annotated[str, typer.Option(help="Column that names the variant.")],
    control: Annotated[str, typer.Option(help="The variant that the others are compared with.")],
    outcome: Annotated[
        list[str], typer.Option(help="Column to compare; repeat it. The first is the primary.")
    ],
    more: Annotated[
        list[str] | None, typer.Argument(metavar="[OUTCOME]...", help="More outcomes, in a row.")
    ] = None,
    covariate: Annotated[
        str | None, typer.Option(help="Column measured before exposure (CUPED).")
    ] = None,
    cluster: Annotated[
        str | None, typer.Option(help="Column that was randomised, such as the team.")
    ] = None,
    minimum_effect: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Smallest difference that matters, in the primary's unit."
            " Default: a tenth of the control's standard deviation.",
        ),
    ] = None,
    weights: Annotated[
        str | None, typer.Option(help="Planned shares, control=0.5,double=0.5. Default: equal.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare variants in a finished table and say what to do."""
    # The engine takes half a second to load: other commands do not wait for it.
    from analysis.table.analyze import analyze_table
    from analysis.table.request import TableError, TableRequest, parse_weights
    from dashboards.words import teams_sentence

    try:
        request = TableRequest(
            unit=unit,
            variant=variant,
            control=control,
            outcomes=(*outcome, *(more or ())),
            covariate=covariate,
            cluster=cluster,
            minimum_effect=minimum_effect,
            weights=parse_weights(weights) if weights is not None else {},
        )
        analysis = analyze_table(file, request)
    except TableError as error:
        typer.echo(" ".join(str(error).split()), err=True)
        raise typer.Exit(REFUSED) from error
    if as_json:
        typer.echo(json.dumps(analysis.to_json(), allow_nan=False, ensure_ascii=False))
        return
    console = Console()
    console.print(f"[bold]{analysis.decision.verdict}[/bold]")
    console.print(analysis.decision.reason, markup=False)
    console.print(_table(analysis.estimates))
    for estimate in analysis.estimates:
        if said := teams_sentence(estimate):
            console.print(f"{estimate.metric}, {estimate.variant}: {said}", markup=False)
    for check in analysis.checks:
        mark = "ok  " if check.passed else check.severity
        console.print(f"{mark}  {check.title}: {check.sentence}", markup=False)


def _table(estimates: tuple[Estimate, ...]) -> Table:
    table = Table()
    for heading in ("outcome", "variant", "n", "effect", "95 % interval", "p", "P(better)"):
        table.add_column(heading)
    for e in estimates:
        table.add_row(
            escape(e.metric),
            escape(f"{e.variant} - {e.control}"),
            f"{e.n_learners} / {e.n_learners_control}",
            f"{e.effect:.4g}",
            f"{e.low:.4g} to {e.high:.4g}",
            f"{e.p_value:.3g}",
            f"{e.posterior.p_better:.3f}",
        )
    return table
