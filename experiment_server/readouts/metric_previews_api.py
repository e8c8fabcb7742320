"""A metric's preview, for programs. It is read from the lake, so its routes are here."""

from typing import Any, Final

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field

from analysis.plan import MOST_CO_PRIMARIES
from analysis.previewed import Preview
from analysis.results import NotEstimable
from experiment_server import web
from experiment_server.environments.service import load_environment
from experiment_server.metrics import service as metrics
from experiment_server.metrics.api import MetricBody
from experiment_server.metrics.checks import value_errors
from experiment_server.problems import invalid_fields
from experiment_server.readouts.metric_previews import Found, preview_metric
from experiment_server.security.rate_limits import limited

PREVIEWS: Final = "60/minute"  # each reads two windows of the lake

blueprint = APIBlueprint(
    "metric_previews",
    __name__,
    url_prefix="/api/v1/environments/<env>/metrics",
    tag="Metric previews",
)


class Cannot(BaseModel):
    """Why there is no preview."""

    reason: str
    remedy: str


class PreviewAnswer(BaseModel):
    """What the metric would have been, or why that cannot be told."""

    preview: Preview | None
    cannot: Cannot | None = Field(description="Instead of a preview")


@blueprint.post("/preview")
@blueprint.input(MetricBody, arg_name="body")
@blueprint.output(PreviewAnswer)
@blueprint.doc(
    summary="Preview a metric before it is stored",
    description="On the learners who were active before one window ago, as if they had met a "
    "variant then: how the metric is spread, how many learners its limits touch, how well the "
    "window before tells it, and how many learners and days it takes to find a difference. With "
    "?co_primaries= (0-2) these are for an experiment in which other primaries share alpha.",
)
@web.authorize("results.compute")
@limited(PREVIEWS)
def preview_definition(env: str, body: MetricBody) -> Response:
    """A definition that need not be stored, on the environment's learners."""
    values = body.model_dump()
    errors = value_errors(values)
    if errors:
        raise invalid_fields(errors)
    return _answer(env, values)


@blueprint.get("/<key>/preview")
@blueprint.output(PreviewAnswer)
@blueprint.doc(summary="Preview a stored metric")
@web.authorize("results.read")
@limited(PREVIEWS)
def preview_stored(env: str, key: str) -> Response:
    """A stored metric, on the environment's learners."""
    with web.state().database.read() as session:
        values = metrics.plain(metrics.load_metric(session, key))
    return _answer(env, values)


def _answer(env: str, values: dict[str, Any]) -> Response:
    state = web.state()
    with state.database.read() as session:
        environment = load_environment(session, env)
    co_primaries = web.query_number("co_primaries", 0, MOST_CO_PRIMARIES) or 0
    found = preview_metric(state, environment, values, state.clock(), co_primaries)
    return web.answer(_plain(found))


def _plain(found: Found) -> dict[str, Any]:
    if isinstance(found, NotEstimable):
        return {"preview": None, "cannot": {"reason": found.reason, "remedy": found.remedy}}
    return {"preview": found.to_json(), "cannot": None}
