"""/api/v1/metrics: metric definitions."""

from datetime import datetime
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field

from analysis.metrics import METRIC_KINDS_BY_NAME
from experiment_server import web
from experiment_server.metrics import service
from experiment_server.metrics.differences import changes_numbers, differences
from experiment_server.metrics.models import Metric, MetricVersion
from experiment_server.problems import not_found
from experiment_server.web import Body, Key, StorableFloat

EventKinds = list[Annotated[str, Field(max_length=128)]]

blueprint = APIBlueprint("metrics", __name__, url_prefix="/api/v1/metrics", tag="Metrics")


class MetricBody(Body):
    """What a metric is."""

    title: str = Field(min_length=1, max_length=200)
    description: str = Field(default="", max_length=2000)
    kind: str = Field(max_length=32, description="one of " + ", ".join(METRIC_KINDS_BY_NAME))
    event_kinds: EventKinds = Field(
        default_factory=list,
        max_length=50,
        description="what is counted, added up or looked for; of a ratio or rate: above the line",
    )
    denominator_kinds: EventKinds = Field(
        default_factory=list,
        max_length=50,
        description="of a ratio or rate, which need it: the events that are counted below the line",
    )
    quantile: StorableFloat | None = Field(
        default=None, gt=0, lt=1, description="of a quantile, which needs it: 0.5 is the median"
    )
    direction: Literal["increase", "decrease"] = "increase"
    window_days: int = Field(default=28, ge=1, le=365)
    minimum_effect: StorableFloat | None = Field(default=None, gt=0)
    floor: StorableFloat | None = Field(
        default=None, description="a learner's outcomes below are set to it"
    )
    cap: StorableFloat | None = Field(
        default=None, gt=0, description="a learner's outcomes above are set to it"
    )
    cap_quantile: StorableFloat | None = Field(
        default=None,
        gt=0.5,
        lt=1,
        description="instead of a cap: cap at this quantile of all variants' outcomes together",
    )
    covariate: Literal["window", "model"] = Field(
        default="window",
        description="what effects are adjusted by: the same measure in the window before, or a "
        "model's prediction from the two windows before (learners only)",
    )
    unit_label: str = Field(default="", max_length=40)


class NewMetricBody(MetricBody):
    """A new metric."""

    key: Key


class MetricView(MetricBody):
    """A stored metric."""

    key: str
    version: int


class MetricList(BaseModel):
    """Every metric."""

    items: list[MetricView]
    next: int | None = None


class MetricVersionView(BaseModel):
    """What a metric was from one change to the next."""

    version: int
    definition: MetricBody
    changed_by: str = Field(description="Empty: from before versions were kept")
    changed_at: datetime
    changes: list[str] = Field(description="Against the version before, in words")
    changes_numbers: bool = Field(
        description="Effects on this version are not effects on the one before"
    )


class MetricVersionList(BaseModel):
    """Every version of a metric, the newest first."""

    items: list[MetricVersionView]
    next: int | None = None


def view(metric: Metric) -> MetricView:
    """A metric as the API shows it."""
    return MetricView(**service.plain(metric), version=metric.version)


@blueprint.get("")
@blueprint.output(MetricList)
@blueprint.doc(summary="List the metrics")
@web.authorize("definitions.read")
def list_metrics() -> Response:
    """Every metric, by key."""
    with web.state().database.read() as session:
        return web.listing([view(metric) for metric in service.list_metrics(session)])


@blueprint.post("")
@blueprint.input(NewMetricBody, arg_name="body")
@blueprint.output(MetricView, status_code=201)
@blueprint.doc(summary="Define a metric")
@web.authorize("definitions.write")
def create_metric(body: NewMetricBody) -> Response:
    """A new metric."""
    values: dict[str, Any] = body.model_dump(exclude={"key"})
    state = web.state()
    with state.database.write() as session:
        metric = service.create_metric(session, web.actor(), body.key, values, state.clock())
    return web.answer(view(metric), status=201, version=metric.version)


@blueprint.get("/<key>")
@blueprint.output(MetricView)
@blueprint.doc(summary="Read a metric")
@web.authorize("definitions.read")
def read_metric(key: str) -> Response:
    """One metric; its version is the ETag."""
    with web.state().database.read() as session:
        metric = service.load_metric(session, key)
    return web.answer(view(metric), version=metric.version)


@blueprint.put("/<key>")
@blueprint.input(MetricBody, arg_name="body")
@blueprint.output(MetricView)
@blueprint.doc(summary="Replace a metric", description="Needs If-Match with the version you read.")
@web.authorize("definitions.write")
def change_metric(key: str, body: MetricBody) -> Response:
    """Replace a metric's values."""
    version, state = web.if_match(), web.state()
    with state.database.write() as session:
        metric = service.load_metric(session, key)
        values = body.model_dump()
        service.change_metric(session, web.actor(), metric, version, values, state.clock())
    return web.answer(view(metric), version=metric.version)


@blueprint.get("/<key>/versions")
@blueprint.output(MetricVersionList)
@blueprint.doc(
    summary="List a metric's versions",
    description="Every change of a metric makes a version; an experiment keeps the one that it "
    "was started with, and its readouts name it.",
)
@web.authorize("definitions.read")
def list_versions(key: str) -> Response:
    """Every version, the newest first, each with what it changed."""
    with web.state().database.read() as session:
        versions = service.list_versions(session, service.load_metric(session, key))
    older = [*versions[1:], None]
    return web.listing(
        [_version_view(one, before) for one, before in zip(versions, older, strict=True)]
    )


@blueprint.get("/<key>/versions/<int:number>")
@blueprint.output(MetricVersionView)
@blueprint.doc(
    summary="Read a version of a metric",
    description="`changes` are against the version that `?against=` names, or the one before.",
)
@web.authorize("definitions.read")
def read_version(key: str, number: int) -> Response:
    """One version, and what differs from another."""
    against = web.query_text("against")
    with web.state().database.read() as session:
        metric = service.load_metric(session, key)
        found = service.load_version(session, metric, web.row_id(number))
        versions = service.list_versions(session, metric)
    if against is None:
        other = next((one for one in versions if one.version < number), None)
    else:
        other = next((one for one in versions if str(one.version) == against), None)
        if other is None:
            raise not_found(f"version of the metric {key}", against)
    return web.answer(_version_view(found, other))


def _version_view(found: MetricVersion, other: MetricVersion | None) -> MetricVersionView:
    before = found.definition if other is None else other.definition
    return MetricVersionView(
        version=found.version,
        definition=MetricBody(**found.definition),
        changed_by=found.changed_by,
        changed_at=found.changed_at,
        changes=differences(before, found.definition),
        changes_numbers=changes_numbers(before, found.definition),
    )
