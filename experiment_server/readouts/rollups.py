"""Roll-ups of a server's experiments: what looks read, and what is made ready before them."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import structlog
from sqlmodel import Session, col, select

from analysis.lake.reader import Lake
from analysis.plan import AnalysisPlan
from experiment_server.environments.models import Environment
from experiment_server.experiments.models import Experiment, ExperimentPhase
from experiment_server.experiments.plans import LookWish, build_plan
from experiment_server.ingest.place import open_lake
from experiment_server.readouts.looks import READ_STATES
from experiment_server.state import State

# The engine costs every start of the server half a second: only readings need it.
if TYPE_CHECKING:
    from analysis.read import Collect
    from analysis.rollups import Refreshed


def collector(plan: AnalysisPlan, lake: Lake) -> "Collect | None":
    """The pass from a roll-up; None: no roll-up is kept for such a plan."""
    from analysis import rollups

    if not rollups.is_rolled_up(plan, lake):
        return None

    def tell(done: "Refreshed") -> None:
        log(plan, done)

    return lambda plan, lake, norms: rollups.collect(plan, lake, norms, tell)


def log(plan: AnalysisPlan, done: "Refreshed") -> None:
    """Say what was done to a roll-up; louder when what lay there was of no use."""
    logger = structlog.get_logger()
    say = logger.warning if done.is_surprising else logger.debug
    said = {"how": done.how, "reason": done.reason, "files": done.n_files}
    say("rollup", experiment=plan.experiment, phase=plan.phase, **said)


def list_plans(
    session: Session, environment: Environment, now: datetime, lake: Lake
) -> tuple[AnalysisPlan, ...]:
    """A plan of each experiment of an environment that a roll-up is kept of."""
    from analysis import rollups

    found = session.exec(
        select(Experiment, ExperimentPhase)
        .where(ExperimentPhase.experiment_id == Experiment.id)
        .where(ExperimentPhase.number == Experiment.phase)
        .where(Experiment.environment_id == environment.id)
        .where(col(Experiment.state).in_(READ_STATES))
        .order_by(col(Experiment.id))
    )
    wish = LookWish(now, lake_version=lake.version)
    plans = (
        build_plan(experiment, phase, wish)
        for experiment, phase in found
        if not phase.design.get("source")  # its exposures are in somebody else's tables
    )
    return tuple(
        plan for plan in plans if plan.started_at < now and rollups.is_rolled_up(plan, lake)
    )


def prepare(
    state: State, environment: Environment, experiments: Sequence[str], now: datetime
) -> None:
    """Bring these experiments' roll-ups up to date; forget those that nobody reads any more."""
    from analysis import rollups

    lake = open_lake(state, environment, fresh=False)
    with state.database.read() as session:
        plans = list_plans(session, environment, now, lake)
    for plan in plans:
        if plan.experiment in experiments:
            log(plan, rollups.refresh(plan, lake))
    rollups.forget(lake.root, keep=[rollups.Shape.of(plan).folder for plan in plans])
