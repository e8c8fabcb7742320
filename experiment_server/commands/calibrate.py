"""``momentum calibrate``: do the methods keep their promises on this company's own learners?"""

import json
from datetime import UTC
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from analysis.results import NotEstimable
from experiment_server.commands.options import AsOf, Environment

if TYPE_CHECKING:
    from analysis.calibration.calibrate import Calibration
    from analysis.plan import MetricPlan

REFUSED = 2
BROKEN = 1

Refusal = tuple["MetricPlan", NotEstimable]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("calibrate")(calibrate)


def calibrate(
    environment: Environment = "production",
    metric: Annotated[
        list[str] | None, typer.Option(help="A metric's key; repeat it. Default: all of them.")
    ] = None,
    as_of: AsOf = None,
    splits: Annotated[
        int, typer.Option(min=100, max=100_000, help="How often the learners are split at random.")
    ] = 1000,
    looks: Annotated[int, typer.Option(min=1, max=28, help="Looks to try, a week apart.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Split past learners at random, again and again, and count effects that are none.

    Ends with 1 when a rule finds them more often than it promises, with 2 when there is too little
    history.
    """
    # The engine takes half a second to load: other commands do not wait for it.
    from analysis.calibration.calibrate import Splits
    from analysis.calibration.calibrate import calibrate as calibrate_past
    from experiment_server.commands.history import opened_history

    done: list[Calibration] = []
    refused: list[Refusal] = []
    with opened_history(environment, metric or [], as_of) as history:
        for plan in history.metrics:
            past = history.pretend(plan, looks)
            if isinstance(past, NotEstimable):
                refused.append((plan, past))
                continue
            found = calibrate_past(past, Splits(splits), looks)
            if isinstance(found, NotEstimable):
                refused.append((plan, found))
            else:
                done.append(found)
        until = history.as_of.astimezone(UTC).isoformat()
    if as_json:
        typer.echo(json.dumps(_plain(environment, until, done, refused), allow_nan=False))
    else:
        _print(done, refused)
    if not done:
        raise typer.Exit(REFUSED)
    if not all(each.holds for each in done):
        raise typer.Exit(BROKEN)


def _plain(
    environment: str, until: str, done: "list[Calibration]", refused: list[Refusal]
) -> dict[str, object]:
    return {
        "environment": environment,
        "as_of": until,
        "holds": bool(done) and all(each.holds for each in done),
        "calibrations": [each.to_json() for each in done],
        "refused": [
            {"metric": plan.key, "reason": why.reason, "remedy": why.remedy}
            for plan, why in refused
        ],
    }


def _print(done: "list[Calibration]", refused: list[Refusal]) -> None:
    console = Console()
    for found in done:
        facts = found.facts
        console.print(f"[bold]{found.title}[/bold] ({found.metric})")
        dates = f"{len(found.dates)} dates" if len(found.dates) > 1 else "one date"
        console.print(
            f"{facts.n_learners:,} learners as if exposed at {dates} up to {found.dates[-1][:10]}; "
            f"mean {facts.mean:.4g}, sd {facts.sd:.4g}, {facts.share_of_zeros:.0%} zeros, "
            f"correlation with before {facts.correlation:.2f}",
            markup=False,
        )
        console.print(_table(found))
        for warning in found.warnings:
            console.print(f"warn  {warning}", markup=False)
        console.print()
    for plan, why in refused:
        typer.echo(f"{plan.key} was not calibrated: {why.reason}. {why.remedy}.", err=True)


def _table(found: "Calibration") -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("rule", "limit", "effects found", "covers", "even p", "verdict"):
        table.add_column(heading, no_wrap=True)
    for rate in found.rates:
        table.add_row(
            rate.title,
            "-" if rate.promised is None else f"{rate.promised:.0%}",
            f"{rate.false_positives:.1%} ({100 * rate.low:.1f}-{100 * rate.high:.1f})",
            "-" if rate.coverage is None else f"{rate.coverage:.1%}",
            "-" if rate.uniform_p is None else f"{rate.uniform_p:.2f}",
            rate.judgement,
        )
    return table
