"""``momentum analyze``: a decision from any table, one row a unit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from analysis.plan import Direction

if TYPE_CHECKING:
    from analysis.table.request import Outcome

REFUSED = 2
DIRECTIONS: dict[str, Direction] = {"increase": "increase", "decrease": "decrease"}


def register(app: typer.Typer) -> None:
    """Add the command to the console script."""
    app.command("analyze")(analyze)


def analyze(  # noqa: PLR0913 - one argument for each option that people type
    file: Annotated[Path, typer.Argument(help="CSV or Parquet file, one row per unit.")],
    variant: Annotated[str, typer.Option(help="Column that names the variant.")],
    control: Annotated[str, typer.Option(help="The variant that the others are compared with.")],
    more: Annotated[
        list[str] | None, typer.Argument(metavar="[METRIC]...", help="More metrics, in a row.")
    ] = None,
    unit: Annotated[
        str | None,
        typer.Option(help="Column that names the unit. Default: every row is a unit of its own."),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            "--metric",
            "--outcome",
            help="Column to compare; repeat it. The first is the primary, the others secondary;"
            " without any, the first ratio, quantile or time is the primary.",
        ),
    ] = None,
    co_primary: Annotated[
        list[str] | None,
        typer.Option(
            help="Column that can make a winner beside the primary, with the smallest difference"
            " that matters: sales:0.2, complaints:0.1:decrease."
        ),
    ] = None,
    ratio: Annotated[
        list[str] | None, typer.Option(help="Ratio of two columns' sums: sales/visits.")
    ] = None,
    quantile: Annotated[
        list[str] | None, typer.Option(help="Quantile of a column: minutes:0.9.")
    ] = None,
    survival: Annotated[
        list[str] | None,
        typer.Option(
            help="Time until an event: DURATION,EVENT or DURATION,EVENT,HORIZON. EVENT is 1 when"
            " it happened, 0 when the unit was watched no longer."
        ),
    ] = None,
    guardrail: Annotated[
        list[str] | None,
        typer.Option(
            help="Column that must not suffer, with the loss that is still acceptable:"
            " sales:0.2, complaints:0.1:decrease."
        ),
    ] = None,
    margin: Annotated[
        float | None, typer.Option(help="Acceptable loss of guardrails that name none.")
    ] = None,
    direction: Annotated[
        list[str] | None,
        typer.Option(
            help="Which way is better: increase (default) or decrease; METRIC=decrease for one."
        ),
    ] = None,
    covariate: Annotated[
        list[str] | None,
        typer.Option(help="Column measured before exposure (CUPED); repeat it for several."),
    ] = None,
    cluster: Annotated[
        str | None, typer.Option(help="Column that was randomised, such as the team.")
    ] = None,
    strata: Annotated[
        list[str] | None,
        typer.Option(help="Column known before assignment: like is compared with like."),
    ] = None,
    segment: Annotated[
        list[str] | None,
        typer.Option(help="Column whose values may benefit differently, such as role."),
    ] = None,
    cap: Annotated[
        float | None,
        typer.Option(
            help="Winsorise: means and covariates are capped at this quantile of all variants"
            " together: 0.99."
        ),
    ] = None,
    took: Annotated[
        str | None,
        typer.Option(
            help="Column that says, 0 to 1, whether the unit took its variant up: adds the effect"
            " on those who did because it was offered."
        ),
    ] = None,
    factor: Annotated[
        list[str] | None,
        typer.Option(
            help="Column of a factor whose combinations are the variants; two or more: adds main"
            " effects and interactions."
        ),
    ] = None,
    sequential: Annotated[
        str | None, typer.Option(help="Which of the planned looks this is: 2/5. Default: 1/1.")
    ] = None,
    looks: Annotated[int | None, typer.Option(help="Planned looks, beside --information.")] = None,
    information: Annotated[
        str | None,
        typer.Option(
            help="Share of the planned information at each look so far, this one last: 0.2,0.45."
            " Default: even steps."
        ),
    ] = None,
    spending: Annotated[
        str, typer.Option(help="How looks spend alpha: obrien_fleming, pocock, kim_demets:2.")
    ] = "obrien_fleming",
    minimum_effect: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Smallest difference that matters, in the primary's unit."
            " Default: a tenth of the control's standard deviation.",
        ),
    ] = None,
    prior: Annotated[
        float | None,
        typer.Option(help="What was believed of the primary's effect: a standard deviation."),
    ] = None,
    alpha: Annotated[
        float, typer.Option(help="Error of both sides (or of the one) over all looks.")
    ] = 0.05,
    sides: Annotated[
        str, typer.Option(help="two, or one: only whether a variant is better.")
    ] = "two",
    weights: Annotated[
        str | None, typer.Option(help="Planned shares, control=0.5,double=0.5. Default: equal.")
    ] = None,
    unit_label: Annotated[
        str, typer.Option(help="What to call the units: people, accounts. Default: learners.")
    ] = "",
    title: Annotated[
        list[str] | None,
        typer.Option(help="Title of a metric or variant: 'double=Double points'; repeat it."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare variants in a finished table and say what to do.

    Example: momentum analyze learners.csv --unit learner --variant arm --control plain
    --metric score --covariate score_before --segment role --guardrail sales:0.2
    """
    # The engine takes half a second to load: other commands do not wait for it.
    from analysis.table.analyze import analyze_table
    from analysis.table.options import (
        parse_co_primary,
        parse_guardrails,
        parse_looks,
        parse_quantile,
        parse_ratio,
        parse_survival,
        parse_titles,
        parse_weights,
    )
    from analysis.table.request import Outcome, TableError, TableRequest
    from analysis.table.words import summary

    try:
        outcomes = [
            *(Outcome("mean", (name,)) for name in (*(metric or ()), *(more or ()))),
            *map(parse_ratio, ratio or ()),
            *map(parse_quantile, quantile or ()),
            *map(parse_survival, survival or ()),
        ]
        co_primaries = map(parse_co_primary, co_primary or ())
        guardrails = parse_guardrails(guardrail or (), margin)
        planned = parse_looks(sequential, looks, information, spending)
        request = TableRequest(
            unit=unit,
            variant=variant,
            control=control,
            outcomes=(*_directed(outcomes, direction or ()), *co_primaries, *guardrails),
            covariate=tuple(covariate or ()),
            cluster=cluster,
            minimum_effect=minimum_effect,
            weights=parse_weights(weights) if weights is not None else {},
            strata=tuple(strata or ()),
            segments=tuple(segment or ()),
            cap=cap,
            took=took,
            factors=tuple(factor or ()),
            looks=planned,
            prior=prior,
            alpha=alpha,
            sides=sides,  # type: ignore[arg-type]  # refused by name if it is neither
            unit_label=unit_label,
            titles=parse_titles(title or ()),
        )
        found = analyze_table(file, request)
    except TableError as error:
        typer.echo(" ".join(str(error).split()), err=True)
        raise typer.Exit(REFUSED) from error
    if as_json:
        typer.echo(json.dumps(found.to_json(), allow_nan=False, ensure_ascii=False))
        return
    console = Console()
    typer.echo(summary(found, console.width, colour=console.is_terminal))


def _directed(outcomes: Sequence[Outcome], directions: Sequence[str]) -> list[Outcome]:
    """The outcomes with the way that is better: a bare one is for all that are not named."""
    from analysis.table.request import TableError

    by_key: dict[str, Direction] = {}
    for text in directions:
        key, equals, way = text.rpartition("=")
        known = [each.key for each in outcomes]
        if way not in DIRECTIONS or (equals and key not in known):
            raise TableError(
                f"--direction: found {text!r}, expected increase, decrease or METRIC=decrease with"
                f" one of {', '.join(known)}"
            )
        by_key[key] = DIRECTIONS[way]
    return [
        replace(each, direction=by_key.get(each.key, by_key.get("", "increase")))
        for each in outcomes
    ]
