"""Reading an experiment: seal, plan, analyse, store. Looks and readouts by hand go this way."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlmodel import Session

from analysis.energize.norms import Norms
from analysis.lake.reader import Lake
from analysis.metrics import metric_kind
from analysis.plan import AnalysisPlan
from analysis.results import Readout
from analysis.statistics.collected import Collected
from analysis.warehouse.connect import driver_errors
from analysis.warehouse.tables import Reading
from experiment_server.environments.models import Environment
from experiment_server.experiments.models import Experiment, ExperimentPhase
from experiment_server.experiments.plans import LookWish, build_plan
from experiment_server.experiments.service import load_experiment, load_phase
from experiment_server.ingest.place import open_lake
from experiment_server.problems import conflict
from experiment_server.readouts import service
from experiment_server.readouts.looks import DueLook, Look
from experiment_server.readouts.models import StoredReadout
from experiment_server.readouts.priors import with_learned_priors
from experiment_server.readouts.rollups import collector
from experiment_server.readouts.sourced import open_source
from experiment_server.schedule.job import Claim
from experiment_server.schedule.slots import confirm
from experiment_server.scores import service as scores
from experiment_server.security.roles import SYSTEM
from experiment_server.state import State

UNPLANNED = 0  # the look number of a readout by hand: it spends nothing and names no winner


@dataclass(frozen=True)
class _Subject:
    """What is read."""

    environment: Environment
    experiment: Experiment
    phase: ExperimentPhase


def read_look(state: State, due: DueLook, claim: Claim | None = None) -> StoredReadout:
    """Read one planned look and store what it found; a claim that was lost stores nothing."""
    subject = _Subject(due.environment, due.experiment, due.phase)
    return _read(state, subject, due.look, claim)


def read_by_hand(
    state: State, environment: Environment, experiment_key: str, as_of: datetime
) -> StoredReadout:
    """Read an experiment between its looks, as often as anybody likes.

    Raises:
        Problem: 404 for an unknown experiment; 409 for one that has not started by then.
    """
    subject = _started(state, environment, experiment_key, as_of)
    return _read(state, subject, Look(UNPLANNED, as_of, final=False), None)


def prepare_by_hand(
    state: State, environment: Environment, experiment_key: str, as_of: datetime
) -> tuple[AnalysisPlan, Lake, Norms]:
    """What a readout by hand would be made of, for questions that it does not answer.

    Nothing is stored: a scale that the first readout is still to make is made for the answer only.

    Raises:
        Problem: 404 for an unknown experiment; 409 for one that has not started by then, or whose
            rows are not in the lake.
    """
    subject = _started(state, environment, experiment_key, as_of)
    if subject.phase.design.get("source"):
        raise conflict(
            f"The experiment {experiment_key!r} is read from a company's tables. This question is "
            "asked of Momentum's own lake: send its exposures and events, or read its readout."
        )
    lake = open_lake(state, environment, fresh=True)
    look = Look(UNPLANNED, as_of, final=False)
    with state.database.read() as session:
        plan = _plan(session, subject, look, lake.version)
    norms = _kept_norms(state, subject, plan)
    norms = norms or scores.find_or_start_norms(lake, plan.started_at)
    return replace(plan, score_version=norms.version), lake, norms


def _started(
    state: State, environment: Environment, experiment_key: str, as_of: datetime
) -> _Subject:
    with state.database.read() as session:
        experiment = load_experiment(session, environment.id or 0, experiment_key)
        phase = load_phase(session, experiment) if experiment.phase else None
    if phase is None or phase.started_at >= as_of:
        raise conflict(
            f"The experiment {experiment_key!r} had not started by {as_of:%Y-%m-%d %H:%M} UTC, so "
            "there is nothing to read. Start it, or ask for a later time."
        )
    return _Subject(environment, experiment, phase)


def _read(state: State, subject: _Subject, look: Look, claim: Claim | None) -> StoredReadout:
    of = _of_source if subject.phase.design.get("source") else _of_lake
    plan, readout = of(state, subject, look)
    with state.database.write() as session:
        if claim is not None:
            confirm(session, claim)
        return service.store(session, subject.experiment, plan, readout, state.clock())


def _of_lake(state: State, subject: _Subject, look: Look) -> tuple[AnalysisPlan, Readout]:
    # scipy costs every start of the server and every command half a second: only readings need it
    from analysis.read import run_readout

    lake = open_lake(state, subject.environment, fresh=True)
    with state.database.read() as session:
        plan = _plan(session, subject, look, lake.version)
    plan, norms = _with_norms(state, subject, plan, lake)
    return plan, run_readout(plan, lake, norms, _collecting(plan, lake))


def _of_source(state: State, subject: _Subject, look: Look) -> tuple[AnalysisPlan, Readout]:
    from analysis.read import run_readout

    design = subject.phase.design
    reading = Reading(subject.experiment.key, design["unit_kind"])
    with open_source(state, subject.environment, design["source"], reading) as place:
        with state.database.read() as session:
            plan = _plan(session, subject, look, place.lake_version)
        plan, norms = replace(plan, source={**plan.source, "version": place.said["version"]}), None
        if any(metric_kind(metric.kind).needs_norms for metric in plan.metrics):
            with driver_errors():
                plan, norms = _with_norms(state, subject, plan, place.history)
        where, collect = place.for_plan(plan)
        readout = run_readout(plan, where, norms, collect)
    return plan, replace(readout, source=dict(place.said))


def collect_bandit(
    state: State,
    environment: Environment,
    experiment: Experiment,
    phase: ExperimentPhase,
    wish: LookWish,
) -> tuple[AnalysisPlan, Collected]:
    """What the batches of a bandit have shown so far; of it only a scale is stored, if none is."""
    from analysis.batches import collect_batches

    subject = _Subject(environment, experiment, phase)
    lake = open_lake(state, environment, fresh=True)
    plan = build_plan(experiment, phase, replace(wish, lake_version=lake.version))
    plan, norms = _with_norms(state, subject, plan, lake)
    return plan, collect_batches(plan, lake, norms)


def _collecting(plan: AnalysisPlan, lake: Lake) -> Any:
    """How a plan's lake is read: a bandit's batch by batch, most others by their roll-ups."""
    if not plan.batches:
        return collector(plan, lake)
    from analysis.batches import collect_batches

    return collect_batches


def _plan(
    session: Session, subject: _Subject, look: Look, lake_version: Mapping[str, int]
) -> AnalysisPlan:
    wish = LookWish(
        as_of=look.at,
        look=look.number,
        previous=service.list_previous_looks(session, subject.experiment, subject.phase.number),
        lake_version=lake_version,
    )
    plan = replace(build_plan(subject.experiment, subject.phase, wish), final=look.final)
    return with_learned_priors(session, subject.experiment, subject.phase, plan)


def _with_norms(
    state: State, subject: _Subject, plan: AnalysisPlan, lake: Lake
) -> tuple[AnalysisPlan, Norms]:
    """The frozen scale that the plan names.

    An experiment that started before any calibration gets one from what happened before its start:
    the treatment had no part in it, so it is as frozen as one made in time.
    """
    norms = _kept_norms(state, subject, plan)
    if norms is None:
        # In no transaction: a lake or a warehouse takes its time, and nobody could write meanwhile.
        norms = scores.find_or_start_norms(lake, plan.started_at)
        with state.database.write() as session:
            scores.store_norms(session, SYSTEM, subject.environment, norms, state.clock())
    return replace(plan, score_version=norms.version), norms


def _kept_norms(state: State, subject: _Subject, plan: AnalysisPlan) -> Norms | None:
    """The scale that the plan or an earlier readout names; None: no readout has made one yet."""
    with state.database.read() as session:
        version = plan.score_version or _version_read_before(session, subject)
        return scores.load_norms(session, subject.environment, version) if version else None


def _version_read_before(session: Session, subject: _Subject) -> str:
    earlier = service.list_readouts(session, subject.experiment, subject.phase.number)
    return str(earlier[0].plan["score_version"]) if earlier else ""
