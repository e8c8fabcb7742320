"""/api/v1/environments/<env>/experiments: definitions and life cycle."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field
from sqlmodel import Session

from experiment_server import web
from experiment_server.environments.service import load_environment
from experiment_server.experiments import plans, service
from experiment_server.experiments.lifecycle import possible_actions
from experiment_server.experiments.models import Experiment, ExperimentPhase
from experiment_server.experiments.pauses import read_pauses, time_paused
from experiment_server.times import BoundedTime
from experiment_server.web import Body, Key, StorableFloat

blueprint = APIBlueprint(
    "experiments",
    __name__,
    url_prefix="/api/v1/environments/<env>/experiments",
    tag="Experiments",
)

UnitId = Annotated[str, Field(min_length=1, max_length=256)]


class VariantBody(Body):
    """One arm; the first of the list is the control."""

    key: Key
    title: str = Field(default="", max_length=200)
    weight: float = Field(default=1.0, gt=0, le=1_000_000)
    payload: Any = None
    cost_per_learner: StorableFloat | None = Field(
        default=None,
        ge=0,
        description="money that a learner of this variant costs, in the metrics' currency; with it "
        "the readout says what one more unit costs. Say it of every variant, 0 where it is free",
    )


class FactorBody(Body):
    """What is varied independently of the other factors; its first level is the control's."""

    key: Key
    title: str = Field(default="", max_length=200)
    levels: list[VariantBody] = Field(min_length=2, max_length=10)


class CrossoverBody(Body):
    """Every unit meets every variant, one period after another, in one of several orders."""

    order: Literal["counterbalanced", "random"] = "counterbalanced"
    period_days: int = Field(ge=1, le=182)
    washout_days: int = Field(default=0, ge=0, le=181)


class NamespaceBody(Body):
    """Experiments of one namespace share its units out; ranges are within 0 to 1."""

    name: Key
    low: float = Field(ge=0, le=1)
    high: float = Field(ge=0, le=1)


class MetricUseBody(Body):
    """What a metric is for in this experiment."""

    metric: str = Field(max_length=128)
    role: Literal["primary", "co_primary", "secondary", "guardrail"] = Field(
        default="secondary",
        description="exactly one metric is primary and sets the pace; up to two are co_primary: "
        "winning on one of these three is enough to ship, harming any of them forbids it, and "
        "alpha is shared among them",
    )
    minimum_effect: StorableFloat | None = Field(default=None, gt=0)
    margin: StorableFloat | None = Field(
        default=None,
        ge=0,
        description="of a guardrail: the loss that is still acceptable, in the metric's unit; with "
        "it, a variant ships only once a larger loss is excluded",
    )
    value_per_unit: StorableFloat | None = Field(
        default=None, description="what one unit is worth for one learner, in the currency"
    )
    currency: str = Field(default="", max_length=16)


class AnalysisBody(Body):
    """How sure the decision has to be."""

    alpha: float | None = Field(default=None, gt=0, le=0.5)
    power: float | None = Field(default=None, ge=0.5, lt=1)
    minimum_days: int | None = Field(default=None, ge=1, le=730)
    sides: Literal["two", "one"] | None = Field(
        default=None, description="one: looks ask only whether it is better; harm is always watched"
    )
    spending: str | None = Field(
        default=None, max_length=40, description='how looks share alpha, e.g. "obrien_fleming"'
    )
    care: StorableFloat | None = Field(
        default=None, ge=0, description="the expected loss that nobody would mind, in the unit"
    )
    take_up_kinds: list[Annotated[str, Field(max_length=128)]] | None = Field(
        default=None,
        max_length=20,
        description="events that show that a learner used what was offered: the readout then says"
        " what it did for those who took it up",
    )


class BanditBody(Body):
    """Shares that follow the evidence; each batch is a phase that hashes anew."""

    every_days: int = Field(ge=1, le=182, description="how long a batch lasts")
    floor: float = Field(default=0.1, ge=0.01, le=0.5, description="the least share of a variant")
    leader_share: float = Field(
        default=0.5, gt=0, le=1, description="1 earns more, a half learns more"
    )


class ScheduleBody(Body):
    """When the scheduled looks are, counted from the start."""

    looks: int | None = Field(default=None, ge=1, le=50)
    first_after_days: int | None = Field(default=None, ge=1, le=730)
    every_days: int | None = Field(default=None, ge=1, le=365)
    bandit: BanditBody | None = None


class ExperimentBody(Body):
    """What an experiment is."""

    title: str = Field(min_length=1, max_length=200)
    hypothesis: str = Field(default="", max_length=2000)
    domain: str = Field(max_length=32)
    unit_kind: str = Field(default="learner", max_length=16)
    variants: list[VariantBody] = Field(default_factory=list, max_length=20)
    factors: list[FactorBody] = Field(default_factory=list, max_length=4)
    crossover: CrossoverBody | None = None
    coverage: float = Field(default=1.0, ge=0, le=1)
    condition: dict[str, Any] = Field(default_factory=dict)
    namespace: NamespaceBody | None = None
    forced: dict[UnitId, str] = Field(default_factory=dict, max_length=1000)
    metrics: list[MetricUseBody] = Field(min_length=1, max_length=20)
    analysis: AnalysisBody = Field(default_factory=AnalysisBody)
    schedule: ScheduleBody = Field(default_factory=ScheduleBody)
    holdout_key: Key | None = Field(
        default=None, description="measure this holdout: its units against all others"
    )
    source: Key | None = Field(
        default=None, description="read it from this source; null: from Momentum's own lake"
    )


class NewExperimentBody(ExperimentBody):
    """A new experiment."""

    key: Key


class StartBody(Body):
    """How to start."""

    started_at: BoundedTime | None = None


class AfterBody(Body):
    """What applies once it is stopped."""

    rule: Literal["revert", "keep", "ship"] = "revert"
    variant: str | None = Field(default=None, max_length=128, description="with ship: which one")


class StopBody(Body):
    """Why it stops, and what applies from then on."""

    reason: str = Field(default="", max_length=2000)
    after: AfterBody = Field(default_factory=AfterBody)


class PauseView(BaseModel):
    """A time in which everybody got the control."""

    paused_at: datetime
    resumed_at: datetime | None
    reason: str


class PhaseView(BaseModel):
    """One running period."""

    number: int
    seed: str
    started_at: datetime
    stopped_at: datetime | None
    stop_reason: str
    pauses: list[PauseView]
    days_paused: float
    look_times: list[datetime]


class ExperimentView(BaseModel):
    """A stored experiment."""

    key: str
    title: str
    hypothesis: str
    domain: str
    unit_kind: str
    variants: list[dict[str, Any]]
    factors: list[dict[str, Any]]
    crossover: dict[str, Any] | None
    allocation: dict[str, Any] | None
    coverage: float
    condition: dict[str, Any]
    namespace: dict[str, Any] | None
    forced: dict[str, str]
    metrics: list[dict[str, Any]]
    analysis: dict[str, Any]
    schedule: dict[str, Any]
    state: str
    phase: int
    score_version: str | None
    holdout_key: str | None
    source: str | None
    after: dict[str, Any] | None
    suggested_after: dict[str, Any] | None
    previews: dict[str, str]
    version: int
    possible_actions: list[str]
    phases: list[PhaseView]


class ExperimentList(BaseModel):
    """An environment's experiments, the newest first."""

    items: list[ExperimentView]
    next: int | None = None


@blueprint.get("")
@blueprint.output(ExperimentList)
@blueprint.doc(summary="List the experiments")
@web.authorize("definitions.read")
def list_experiments(env: str) -> Response:
    """An environment's experiments."""
    with web.state().database.read() as session:
        place = load_environment(session, env)
        found = service.list_experiments(session, int(place.id or 0))
        return web.listing([view_experiment(session, experiment) for experiment in found])


@blueprint.post("")
@blueprint.input(NewExperimentBody, arg_name="body")
@blueprint.output(ExperimentView, status_code=201)
@blueprint.doc(summary="Define an experiment", description="It is a draft until it is started.")
@web.authorize("definitions.write")
def create_experiment(env: str, body: NewExperimentBody) -> Response:
    """A new draft."""
    state = web.state()
    with state.database.write() as session:
        place = load_environment(session, env)
        wish = body.model_dump()
        made = service.create_experiment(session, web.actor(), place, wish, state.clock())
        shown = view_experiment(session, made)
    return web.answer(shown, status=201, version=made.version)


@blueprint.get("/<key>")
@blueprint.output(ExperimentView)
@blueprint.doc(summary="Read an experiment")
@web.authorize("definitions.read")
def read_experiment(env: str, key: str) -> Response:
    """One experiment; its version is the ETag."""
    with web.state().database.read() as session:
        found = load_experiment(session, env, key)
        return web.answer(view_experiment(session, found), version=found.version)


@blueprint.put("/<key>")
@blueprint.input(ExperimentBody, arg_name="body")
@blueprint.output(ExperimentView)
@blueprint.doc(
    summary="Replace an experiment's definition",
    description="Only while it does not run. Needs If-Match with the version you read.",
)
@web.authorize("definitions.write")
def change_experiment(env: str, key: str, body: ExperimentBody) -> Response:
    """Replace the definition."""
    version, state = web.if_match(), web.state()
    with state.database.write() as session:
        found = load_experiment(session, env, key)
        wish = body.model_dump()
        service.change_experiment(session, web.actor(), found, version, wish, state.clock())
        shown = view_experiment(session, found)
    return web.answer(shown, version=found.version)


@blueprint.post("/<key>/start")
@blueprint.output(ExperimentView)
@blueprint.doc(
    summary="Start an experiment",
    description=(
        "Freezes the design and the score's version. Optional body, for importing history: "
        '{"started_at": "2026-01-05T00:00:00Z"}.'
    ),
)
@web.authorize("experiments.run")
def start_experiment(env: str, key: str) -> Response:
    """Begin a phase."""
    body, state = web.optional_body(StartBody), web.state()
    with state.database.write() as session:
        found = load_experiment(session, env, key)
        service.start_experiment(session, web.actor(), found, state.clock(), body.started_at)
        shown = view_experiment(session, found)
    return web.answer(shown, version=found.version)


@blueprint.post("/<key>/stop")
@blueprint.output(ExperimentView)
@blueprint.doc(
    summary="Stop an experiment",
    description=(
        'Optional body: {"reason": "...", "after": {"rule": "ship", "variant": "badges"}}. '
        "The rule is revert (the control for everybody, unless you say otherwise), keep or ship. "
        "suggested_after in the answer is what the latest readout advises; nothing is done by it."
    ),
)
@web.authorize("experiments.run")
def stop_experiment(env: str, key: str) -> Response:
    """End the running phase."""
    body, state = web.optional_body(StopBody), web.state()
    with state.database.write() as session:
        found = load_experiment(session, env, key)
        after = body.after.model_dump()
        service.stop_experiment(session, web.actor(), found, body.reason, state.clock(), after)
        shown = view_experiment(session, found)
    return web.answer(shown, version=found.version)


@blueprint.post("/<key>/archive")
@blueprint.output(ExperimentView)
@blueprint.doc(summary="Archive an experiment")
@web.authorize("experiments.run")
def archive_experiment(env: str, key: str) -> Response:
    """Put an experiment away; its readouts stay."""
    state = web.state()
    with state.database.write() as session:
        found = load_experiment(session, env, key)
        service.archive_experiment(session, web.actor(), found, state.clock())
        shown = view_experiment(session, found)
    return web.answer(shown, version=found.version)


def load_experiment(session: Session, env: str, key: str) -> Experiment:
    """The experiment that a path names."""
    place = load_environment(session, env)
    return service.load_experiment(session, int(place.id or 0), key)


def view_experiment(session: Session, experiment: Experiment) -> ExperimentView:
    """An experiment as the API answers."""
    phases = service.list_phases(session, experiment)
    return ExperimentView(
        **service.plain(experiment),
        suggested_after=web.state().suggest_after(session, experiment),
        possible_actions=list(possible_actions(experiment.state)),
        phases=[_phase_view(experiment, phase) for phase in phases],
    )


def _phase_view(experiment: Experiment, phase: ExperimentPhase) -> PhaseView:
    until = phase.stopped_at or web.state().clock()
    paused = time_paused(read_pauses(phase.pauses), until)
    return PhaseView(
        number=phase.number,
        seed=phase.seed,
        started_at=phase.started_at,
        stopped_at=phase.stopped_at,
        stop_reason=phase.stop_reason,
        pauses=[PauseView(**pause) for pause in phase.pauses],
        days_paused=round(paused / timedelta(days=1), 3),
        look_times=plans.look_times(experiment, phase),
    )
