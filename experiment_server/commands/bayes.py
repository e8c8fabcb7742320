"""``momentum bayes``: effects by segment with partial pooling, and whether the models are right.

What it asks of a running experiment is in ``bayes_experiment``.
"""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from experiment_server.commands import bayes_experiment

REFUSED = 2
FEWEST_ROUNDS = 20


def register(app: typer.Typer) -> None:
    """Add the commands. They run here, never in the web process: compiling takes seconds."""
    group = typer.Typer(no_args_is_help=True, help="Beliefs that need more than one formula.")
    app.add_typer(group, name="bayes")
    group.command("segments")(segments)
    group.command("check")(check)
    bayes_experiment.add(group)


def segments(  # noqa: PLR0913 - one argument for each option that people type
    file: Annotated[Path, typer.Argument(help="CSV or Parquet file, one row per unit.")],
    variant: Annotated[str, typer.Option(help="Column that names the variant.")],
    control: Annotated[str, typer.Option(help="The variant that is compared with.")],
    treatment: Annotated[str, typer.Option(help="The variant whose effect is asked for.")],
    outcome: Annotated[str, typer.Option(help="Column to compare.")],
    by: Annotated[
        list[str], typer.Option(help="Column that makes segments, such as role; one or two.")
    ],
    less_is_better: Annotated[bool, typer.Option(help="The outcome had better fall.")] = False,
    sample: Annotated[bool, typer.Option(help="By PyMC's NUTS instead of the grid.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say for whom it worked: each segment's effect, drawn towards the others as far as they agree.

    Example: momentum bayes segments learners.csv --variant variant --control plain
    --treatment bonus --outcome score --by role --by region
    """
    # The engine takes half a second to load: other commands do not wait for it.
    from analysis.table.request import TableError
    from analysis.table.segments import SegmentedEffects, SegmentRequest, pool_table

    if len(by) > 2:
        typer.echo(f"--by: found {len(by)} columns, at most two make segments", err=True)
        raise typer.Exit(REFUSED)
    sign = -1 if less_is_better else 1
    request = SegmentRequest(variant, control, treatment, outcome, tuple(by), sign, sample)
    try:
        found: SegmentedEffects = pool_table(file, request)
    except TableError as error:
        typer.echo(" ".join(str(error).split()), err=True)
        raise typer.Exit(REFUSED) from error
    rows = [
        {
            "segment": each.name,
            "n": found.raw[each.name].n + found.raw[each.name].n_control,
            "estimate": found.raw[each.name].effect,
            "se": found.raw[each.name].se,
            "pooled": each.mean,
            "low": each.low,
            "high": each.high,
            "p_better": each.p_better,
        }
        for each in found.pooling.segments
    ]
    if as_json:
        spreads = {name: list(each) for name, each in found.pooling.taus.items()}
        plain = {
            "segments": rows,
            "spreads": spreads,
            "method": found.pooling.method,
            "note": found.pooling.note,
            "left_out": found.left_out,
        }
        typer.echo(json.dumps(plain, allow_nan=False, ensure_ascii=False))
        return
    table = Table()
    for heading in ("segment", "n", "estimate", "pooled", "95 % interval", "P(better)"):
        table.add_column(heading)
    for row in rows:
        table.add_row(
            escape(str(row["segment"])),
            str(row["n"]),
            f"{row['estimate']:.3g} ± {row['se']:.2g}",
            f"{row['pooled']:.3g}",
            f"{row['low']:.3g} to {row['high']:.3g}",
            f"{row['p_better']:.3f}",
        )
    console = Console()
    console.print(table)
    console.print(found.pooling.note, markup=False)
    for name, why in found.left_out.items():
        console.print(f"left out  {name}: {why}", markup=False)


def check(
    model: Annotated[str, typer.Argument(help="segments or scores")] = "segments",
    rounds: Annotated[int, typer.Option(min=FEWEST_ROUNDS, help="Simulated worlds.")] = 200,
    seed: Annotated[int, typer.Option(help="The same seed gives the same figures.")] = 1,
    grid: Annotated[bool, typer.Option(help="The grid alone, without NUTS.")] = False,
) -> None:
    """Ask whether a model's beliefs are calibrated, in worlds drawn from its own prior."""
    from analysis.bayes.calibration import WORLDS, calibrate

    if model not in WORLDS:
        typer.echo(f"model: found {model!r}, expected one of {', '.join(WORLDS)}", err=True)
        raise typer.Exit(REFUSED)
    found, by_nuts = calibrate(model, rounds, seed, sampling=not grid)
    for each in found:
        typer.echo(
            f"{each.model}, {each.quantity}: {each.rounds} worlds, tenths {list(each.bins)},"
            f" uniform p = {each.p_value:.3f}, 90 % interval covers {each.coverage:.1%}"
        )
    typer.echo(f"answered by NUTS: {by_nuts:.1%}, by the grid otherwise")
