"""``momentum bayes score|novelty|teams KEY``: what a readout does not hold, of its own learners."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from analysis.results import NotEstimable
from experiment_server.commands.context import opened_state
from experiment_server.commands.options import AsOf, Environment, parse_time
from experiment_server.environments.service import load_environment
from experiment_server.readouts.read import prepare_by_hand

# The models cost every command half a second to import: only these need them.
if TYPE_CHECKING:
    from analysis.bayes.belief import Belief
    from analysis.energize.norms import Norms
    from analysis.lake.reader import Lake
    from analysis.plan import AnalysisPlan

REFUSED = 2

Key = Annotated[str, typer.Argument(help="The experiment's key.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Lines = Callable[[dict[str, Any]], Iterator[str]]


def add(group: typer.Typer) -> None:
    """Add the commands. They run here, never in the web process, and store nothing."""
    group.command("score")(score)
    group.command("novelty")(novelty)
    group.command("teams")(teams)


def score(
    experiment: Key,
    environment: Environment = "production",
    as_of: AsOf = None,
    sample: Annotated[
        bool, typer.Option(help="By PyMC's NUTS instead of the grid; it compiles first.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Take the score apart: did more learners engage, or did those who engaged get further.

    Example: momentum bayes score streak-bonus
    """
    with _opened(experiment, environment, as_of) as (plan, lake, norms):
        from analysis.beliefs.score import score_effects

        found = score_effects(plan, lake, norms, sampling=sample)
    effects = {
        each.variant: {
            name: vars(getattr(each, name)) for name in ("engaged", "if_engaged", "overall")
        }
        for each in found.effects
    }
    said = {"experiment": experiment, "effects": effects, "method": found.method}
    _print({**said, "note": found.note}, as_json, _score_lines)


def novelty(
    experiment: Key,
    environment: Environment = "production",
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Say whether an effect fades with the days since exposure, and what is left in the long run.

    Example: momentum bayes novelty streak-bonus
    """
    with _opened(experiment, environment, as_of) as (plan, lake, _):
        from analysis.beliefs.days import novelty as by_day

        found = by_day(plan, lake)
    variants: dict[str, Any] = {}
    for variant, trend in found.trends.items():
        if isinstance(trend, NotEstimable):
            variants[variant] = _why_not(trend)
            continue
        variants[variant] = {
            "effects": found.effects[variant].tolist(),
            "ses": found.ses[variant].tolist(),
            "first_day": _belief(trend.first_day),
            "long_run": _belief(trend.long_run),
            "slope": _belief(trend.slope),
            "p_fades": trend.p_fades,
            "half_life_days": trend.half_life,
        }
    said = {"experiment": experiment, "measure": found.measure, "days": found.days.tolist()}
    _print({**said, "variants": variants}, as_json, _novelty_lines)


def teams(
    experiment: Key,
    environment: Environment = "production",
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Say what few teams tell of the primary, and how alike the learners of a team are.

    Example: momentum bayes teams shift-challenge
    """
    with _opened(experiment, environment, as_of) as (plan, lake, norms):
        from analysis.beliefs.few_teams import team_beliefs

        found = team_beliefs(plan, lake, norms)
    sign = 1 if plan.primary.direction == "increase" else -1
    variants: dict[str, Any] = {}
    for variant, belief in found.items():
        if isinstance(belief, NotEstimable):
            variants[variant] = _why_not(belief)
            continue
        above = belief.effect.above(0)
        variants[variant] = {
            "effect": _belief(belief.effect),
            "p_better": above if sign > 0 else 1 - above,
            "icc": {"mean": belief.icc, "low": belief.icc_low, "high": belief.icc_high},
            "n_teams": belief.n_teams,
        }
    said = {"experiment": experiment, "metric": plan.primary.key, "variants": variants}
    _print(said, as_json, _team_lines)


# --- asking


@contextmanager
def _opened(
    experiment: str, environment: str, as_of: str | None
) -> "Iterator[tuple[AnalysisPlan, Lake, Norms]]":
    """What the question is asked of; a question that does not fit is refused in one line."""
    with opened_state() as state:
        with state.database.read() as session:
            place = load_environment(session, environment)
        at = state.clock() if as_of is None else parse_time(as_of)
        found = prepare_by_hand(state, place, experiment, at)
        try:
            yield found
        except ValueError as error:
            typer.echo(" ".join(str(error).split()), err=True)
            raise typer.Exit(REFUSED) from error


def _belief(belief: "Belief") -> dict[str, float]:
    low, high = belief.interval()
    return {"mean": belief.mean, "sd": belief.sd, "low": low, "high": high}


def _why_not(found: NotEstimable) -> dict[str, str]:
    return {"why_not": found.reason, "remedy": found.remedy}


# --- telling


def _print(said: dict[str, Any], as_json: bool, lines: Lines) -> None:
    if as_json:
        typer.echo(json.dumps(said, allow_nan=False, ensure_ascii=False))
        return
    for line in lines(said):
        typer.echo(line)


def _span(each: dict[str, float], factor: float = 1.0) -> str:
    mean, low, high = (factor * each[name] for name in ("mean", "low", "high"))
    return f"{mean:+.3g} ({low:+.3g} to {high:+.3g})"


def _score_lines(said: dict[str, Any]) -> Iterator[str]:
    for variant, parts in said["effects"].items():
        yield f"{variant}, against the control, with 95 % intervals:"
        rows = (
            ("share who engaged, in points of percent", "engaged", 100.0),
            ("score of those who engaged, in points", "if_engaged", 1.0),
            ("score of everybody, in points", "overall", 1.0),
        )
        for label, name, factor in rows:
            better = parts[name]["p_better"]
            yield f"  {label:<40} {_span(parts[name], factor)}, P(better) {better:.3f}"
    yield said["note"]


def _novelty_lines(said: dict[str, Any]) -> Iterator[str]:
    for variant, found in said["variants"].items():
        if "why_not" in found:
            yield _unknown(variant, found)
            continue
        yield f"{variant}, against the control, in {said['measure']}, with 95 % intervals:"
        yield f"  on the first day   {_span(found['first_day'])}"
        yield f"  in the long run    {_span(found['long_run'])}"
        yield f"  change a day       {_span(found['slope'])}"
        yield (
            f"  P(it fades) {found['p_fades']:.3f}; half of what fades is gone after "
            f"{found['half_life_days']:.1f} days"
        )


def _team_lines(said: dict[str, Any]) -> Iterator[str]:
    for variant, found in said["variants"].items():
        if "why_not" in found:
            yield _unknown(variant, found)
            continue
        yield f"{variant}, against the control, on {said['metric']}, with 95 % intervals:"
        yield f"  effect             {_span(found['effect'])}, P(better) {found['p_better']:.3f}"
        yield f"  likeness (ICC)     {_span(found['icc'])}, from {found['n_teams']} teams"


def _unknown(variant: str, found: dict[str, str]) -> str:
    return f"{variant}: cannot tell, {found['why_not']}; {found['remedy']}."
