"""``momentum energize``: calibrate, show, explain and judge the Energize Score."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Final

import typer

from analysis.energize.norms import Norms
from analysis.energize.score import ScoreExplanation, score_learners
from analysis.energize.validity import ScoreValidation
from analysis.energize.validity import validate as validate_score
from analysis.lake.reader import Lake
from analysis.results import NotEstimable
from experiment_server.commands.context import opened_state
from experiment_server.commands.options import AsOf, Environment, parse_time
from experiment_server.environments.models import Environment as EnvironmentRow
from experiment_server.environments.service import load_environment
from experiment_server.ingest.place import open_lake
from experiment_server.ingest.pseudonyms import Pseudonyms
from experiment_server.scores import service
from experiment_server.security.roles import SYSTEM
from experiment_server.state import State

HELP: Final = "The Energize Score: what it is measured against, and why a learner has it."

Work = Callable[[State, EnvironmentRow, Lake, datetime], None]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help=HELP)
    app.add_typer(group, name="energize")
    _add_calibrate(group)
    _add_show(group)
    _add_explain(group)
    _add_validate(group)


def _add_calibrate(group: typer.Typer) -> None:
    @group.command()
    def calibrate(
        environment: Environment = "production",
        as_of: AsOf = None,
        window_days: Annotated[int, typer.Option(min=7, max=91, help="Length of the window.")] = 28,
    ) -> None:
        """Measure what an ordinary active learner does before a time; frozen as a new version."""

        def work(state: State, place: EnvironmentRow, lake: Lake, until: datetime) -> None:
            norms = service.find_norms(lake, until, window_days, now=state.clock())
            with state.database.write() as session:
                service.store_norms(session, SYSTEM, place, norms, state.clock())
            _print_norms(norms)

        _with_lake(environment, as_of, work)


def _add_show(group: typer.Typer) -> None:
    @group.command()
    def show(environment: Environment = "production", as_of: AsOf = None) -> None:
        """Show the newest version and how the learners' scores are spread."""

        def work(state: State, place: EnvironmentRow, lake: Lake, at: datetime) -> None:
            norms = _newest(state, place)
            _print_norms(norms)
            _print_spread(lake, norms, at)

        _with_lake(environment, as_of, work)


def _add_explain(group: typer.Typer) -> None:
    @group.command()
    def explain(
        learner: Annotated[str, typer.Argument(help="The learner's id, as your LMS sends it.")],
        environment: Environment = "production",
        as_of: AsOf = None,
    ) -> None:
        """Say why a learner has the score it has, component by component."""

        def work(state: State, place: EnvironmentRow, lake: Lake, at: datetime) -> None:
            pseudonym = Pseudonyms(place.pseudonym_key).learner(learner)
            found = service.explain(lake, _newest(state, place), pseudonym, at)
            _print_explanation(learner, found)

        _with_lake(environment, as_of, work)


def _add_validate(group: typer.Typer) -> None:
    @group.command()
    def validate(environment: Environment = "production", as_of: AsOf = None) -> None:
        """Say how well one window's score told who was still there in the next."""

        def work(state: State, place: EnvironmentRow, lake: Lake, at: datetime) -> None:
            norms = _newest(state, place)
            found = validate_score(lake, norms, at)
            if isinstance(found, NotEstimable):
                typer.echo(f"{found.reason} {found.remedy}", err=True)
                raise typer.Exit(2)
            with state.database.write() as session:
                service.keep_validation(session, SYSTEM, place, norms.version, found.to_json())
            _print_validation(found)

        _with_lake(environment, as_of, work)


def _with_lake(environment: str, as_of: str | None, work: Work) -> None:
    with opened_state() as state:
        with state.database.read() as session:
            place = load_environment(session, environment)
        at = state.clock() if as_of is None else parse_time(as_of)
        work(state, place, open_lake(state, place, fresh=True), at)


def _newest(state: State, place: EnvironmentRow) -> Norms:
    with state.database.read() as session:
        return service.require_norms(session, place)


def _print_norms(norms: Norms) -> None:
    typer.echo(f"Version {norms.version}")
    typer.echo(
        f"Measured on {norms.n_learners:,} active learners, "
        f"{norms.calibrated_from[:10]} to {norms.calibrated_to[:10]} ({norms.window_days} days)."
    )
    for component in norms.components:
        fills = ", ".join(
            f"{norms.half_saturation[part]:g} {part.replace('_', ' ')}"
            for part in norms.parts(component)
        )
        typer.echo(f"  {component:<10} {norms.weights[component]:>4.0%}  half full at {fills}")


def _print_spread(lake: Lake, norms: Norms, at: datetime) -> None:
    scores = score_learners(lake, norms, at)
    levels = {"low": 0.25, "middle": 0.5, "high": 0.75}
    row: dict[str, Any] = (
        scores.aggregate(
            n=scores.count(), **{name: scores.score.quantile(p) for name, p in levels.items()}
        )
        .to_pyarrow()
        .to_pylist()[0]
    )
    if not row["n"]:
        typer.echo("No learner is known yet.")
        return
    typer.echo(
        f"{row['n']:,} learners at {at:%Y-%m-%d}: half of them score between "
        f"{row['low']:.1f} and {row['high']:.1f}, the middle is {row['middle']:.1f}."
    )


def _print_explanation(learner: str, found: ScoreExplanation) -> None:
    typer.echo(
        f"{learner}: {found.score:.1f} of 100, "
        f"{found.window_from[:10]} to {found.window_to[:10]} ({found.version})"
    )
    for part in found.components:
        typer.echo(f"  {part.component:<10} {part.points:>5.1f} of {100 * part.weight:.0f}")
        typer.echo(f"    {part.sentence}")


def _print_validation(found: ScoreValidation) -> None:
    typer.echo(found.sentence)
    for predictor in (found.score, *found.baselines):
        typer.echo(
            f"  {predictor.title:<18} AUC {predictor.auc:.3f} "
            f"({predictor.auc_low:.3f} to {predictor.auc_high:.3f}), Brier {predictor.brier:.4f}"
        )
