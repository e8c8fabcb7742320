"""``momentum size``: how many units, how long, and what could be found, before the start."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from analysis.results import NotEstimable
from experiment_server.commands.options import AsOf, Environment
from experiment_server.problems import Problem

if TYPE_CHECKING:
    from analysis.sizing.accrual import Accrual
    from analysis.sizing.past import Facts
    from analysis.sizing.sizes import Duration
    from analysis.sizing.wish import Answer, Spread, Wish

REFUSED = 2

_SPREAD = ("sd", "share", "correlation", "team_size", "icc", "size_cv")


def register(app: typer.Typer) -> None:
    """Add the command to the console script."""
    app.command("size")(size)


def size(  # noqa: PLR0913 - one argument for each option that people type
    metric: Annotated[
        str | None, typer.Option(help="A metric's key: spread and pace come from history.")
    ] = None,
    environment: Environment = "production",
    as_of: AsOf = None,
    unit: Annotated[
        Literal["learner", "team"], typer.Option(help="With --metric: what gets a variant.")
    ] = "learner",
    sd: Annotated[float | None, typer.Option(help="Standard deviation over learners.")] = None,
    share: Annotated[float | None, typer.Option(help="Of a yes or no: the share now, 0-1.")] = None,
    effect: Annotated[
        float | None,
        typer.Option(help="Smallest difference that matters; with --margin, the expected one."),
    ] = None,
    margin: Annotated[
        float | None, typer.Option(help="Not worse by more than this: planned one-sided.")
    ] = None,
    correlation: Annotated[
        float | None,
        typer.Option(help="Of the outcome with the window before; in a crossover, of the periods."),
    ] = None,
    team_size: Annotated[float | None, typer.Option(help="Mean learners of a team.")] = None,
    icc: Annotated[float | None, typer.Option(help="Share of variance between teams, 0-1.")] = None,
    size_cv: Annotated[
        float | None, typer.Option(help="Standard deviation of team sizes over their mean.")
    ] = None,
    crossover: Annotated[
        bool, typer.Option("--crossover", help="Each learner gets both, one after the other.")
    ] = False,
    arms: Annotated[int, typer.Option(min=2, max=20, help="Variants, the control included.")] = 2,
    co_primaries: Annotated[
        int, typer.Option(help="Metrics that can make a winner beside this one: they share alpha.")
    ] = 0,
    alpha: Annotated[float, typer.Option(help="Of both sides, over all looks.")] = 0.05,
    power: Annotated[float, typer.Option(help="Chance to find the effect.")] = 0.8,
    looks: Annotated[int, typer.Option(help="Planned looks.")] = 1,
    spending: Annotated[str, typer.Option(help="How looks spend alpha.")] = "obrien_fleming",
    units_per_day: Annotated[
        float | None, typer.Option(help="New units a day; default with --metric: from history.")
    ] = None,
    window_days: Annotated[
        int | None, typer.Option(min=0, help="Outcome window; default: the metric's, or 0.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say how many learners or teams an experiment needs, and how many days that takes."""
    # The engine takes half a second to load: other commands do not wait for it.
    from analysis.sizing.design import PlannedDesign
    from analysis.sizing.wish import Wish, answer

    given = {
        name: value
        for name, value in zip(
            _SPREAD, (sd, share, correlation, team_size, icc, size_cv), strict=True
        )
        if value is not None
    }
    try:
        design = PlannedDesign(
            shares=(1 / arms,) * arms,
            # One side of a two-sided test, as the readout reads a margin.
            alpha=alpha if margin is None else alpha / 2,
            power=power,
            sides=2 if margin is None else 1,
            looks=looks,
            spending=spending,
            co_primaries=co_primaries,
        )
        known = (
            _typed(given)
            if metric is None
            else _from_history(metric, (environment, as_of, unit), given)
        )
        wish = Wish(
            spread=known.spread,
            effect=known.minimum_effect if effect is None and margin is None else effect,
            design=design,
            margin=margin,
            layout="crossover" if crossover else "parallel",
            window_days=known.window_days if window_days is None else window_days,
            accrual=_pace(units_per_day) or known.accrual,
        )
        found = answer(wish)
    except ValueError as error:
        typer.echo(_as_typed(str(error)), err=True)
        raise typer.Exit(REFUSED) from error
    if as_json:
        typer.echo(json.dumps(_plain(found, known, wish), allow_nan=False))
    else:
        _print(found, known, wish)


@dataclass(frozen=True)
class _Known:
    """What is known before anything is asked."""

    spread: "Spread"
    title: str = ""
    unit_label: str = ""
    minimum_effect: float | None = None
    window_days: int = 0
    accrual: "Accrual | None" = None
    facts: "Facts | None" = None


def _typed(given: Mapping[str, float]) -> _Known:
    from analysis.sizing.wish import Spread

    return _Known(Spread(**given))


def _from_history(key: str, where: tuple[str, str | None, str], given: Mapping[str, Any]) -> _Known:
    from analysis.history import recent_arrivals
    from analysis.sizing.accrual import Accrual
    from analysis.sizing.past import facts_of
    from analysis.sizing.wish import Spread
    from experiment_server.commands.history import opened_history

    environment, as_of, unit = where
    with opened_history(environment, [key], as_of) as history:
        plan = history.metrics[0]
        past = history.pretend(plan)
        facts = past if isinstance(past, NotEstimable) else facts_of(past)
        if isinstance(facts, NotEstimable):
            raise Problem(422, f"--metric {key}: {facts.reason}. {facts.remedy}.")
        learners, teams = recent_arrivals(history.lake, history.as_of)
    by_team = unit == "team" or "team_size" in given
    spread = Spread.of_facts(facts, "team" if by_team and "team_size" not in given else "learner")
    if "sd" in given or "share" in given:
        spread = replace(spread, sd=None, share=None)
    return _Known(
        spread=replace(spread, **given),
        title=plan.title,
        unit_label=plan.unit_label,
        minimum_effect=plan.minimum_effect,
        window_days=plan.window_days,
        accrual=Accrual(tuple((teams if by_team else learners).tolist())),
        facts=facts,
    )


def _pace(units_per_day: float | None) -> "Accrual | None":
    from analysis.sizing.accrual import Accrual

    if units_per_day is None:
        return None
    if not units_per_day > 0:
        raise ValueError(f"units_per_day: found {units_per_day:g}, expected a number above 0")
    return Accrual.steady(units_per_day)


def _as_typed(sentence: str) -> str:
    """The refusal with the option's name as people type it: "team_size, icc: ..."."""
    names, colon, rest = sentence.partition(":")
    if names.startswith("--") or not all(part.isidentifier() for part in names.split(", ")):
        return sentence
    return ", ".join(f"--{part.replace('_', '-')}" for part in names.split(", ")) + colon + rest


# --- what is printed


def _plain(found: "Answer", known: _Known, wish: "Wish") -> dict[str, Any]:
    return {
        **found.to_json(),
        "window_days": wish.window_days,
        "spread": asdict(wish.spread),
        "history": None if known.facts is None else asdict(known.facts),
        "design": asdict(wish.design),
    }


def _print(found: "Answer", known: _Known, wish: "Wish") -> None:
    units = f"{found.unit_kind}s"
    label = f" {known.unit_label}" if known.unit_label else ""
    arms = wish.design.shares
    goal = (
        f"find a difference of {found.effect:.4g}{label}"
        if wish.margin is None
        else f"show a loss below {wish.margin:.4g}{label}"
    )
    title = f"{known.title}: " if known.title else ""
    if found.unit_kind == "team":
        units = f"teams (about {found.n_learners:,} learners)"
    typer.echo(f"{title}{found.need.units:,} {units} {goal} with {wish.design.power:.0%} power.")
    typer.echo(f"  in each of {len(arms)} variants: {max(found.need.by_variant):,}")
    if wish.design.co_primaries:
        typer.echo(f"  {wish.design.n_tests} tests share alpha, the co-primaries' among them")
    if wish.design.looks > 1:
        typer.echo(f"  {wish.design.looks} looks cost {found.need.inflation - 1:.1%} of that")
    for line in (*_said_of_history(known), *_said_of_spread(found, wish)):
        typer.echo(f"  {line}")
    typer.echo(_days(found, wish))
    for weeks, effect in found.detectable.items():
        said = "too few outcome windows are complete" if effect is None else f"{effect:.4g}{label}"
        typer.echo(f"  found after {weeks:>2} weeks: {said}")


def _said_of_history(known: _Known) -> list[str]:
    facts = known.facts
    if facts is None:
        return []
    return [
        f"history: {facts.n_learners:,} learners, mean {facts.mean:.4g}, sd {facts.sd:.4g},"
        f" {facts.share_of_zeros:.0%} zeros"
    ]


def _said_of_spread(found: "Answer", wish: "Wish") -> list[str]:
    spread, lines = wish.spread, []
    if spread.correlation and wish.layout == "parallel":
        lines.append(
            f"what learners did before ({spread.correlation:.2f} correlated) saves"
            f" {spread.correlation**2:.0%}"
        )
    if found.design_effect is not None and spread.team_size is not None:
        lines.append(
            f"teams of {spread.team_size:.0f} with ICC {spread.icc or 0:.3f} need"
            f" {found.design_effect:.2f} times as many learners"
        )
    return lines


def _days(found: "Answer", wish: "Wish") -> str:
    if wish.accrual is None:
        return "How many days that takes depends on the pace: give --units-per-day."
    if found.duration is None or found.enrolment is None:
        return "At the present pace so many will never come: choose a larger effect."
    window = f", then {wish.window_days} for the last outcome windows" if wish.window_days else ""
    return (
        f"That takes {_span(found.duration)} days: {found.enrolment.days:,.0f} until all have come"
        f"{window}."
    )


def _span(duration: "Duration") -> str:
    high = "never" if duration.high is None else f"{duration.high:,.0f}"
    return f"{duration.days:,.0f} ({duration.low:,.0f} to {high})"
