"""What experiments that are over say together: for programs and for people."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field

from dashboards.views import AcrossView
from experiment_server import pages, web
from experiment_server.environments.service import load_environment
from experiment_server.readouts.across import across_experiments

blueprint = APIBlueprint("across", __name__, tag="Across experiments")


class AcrossAnswer(BaseModel):
    """Effects by domain, and what moving the metric did to each KPI."""

    metric: dict[str, Any]
    experiments: list[str] = Field(description="those that are over and measured the metric")
    overall: dict[str, Any] = Field(description="pooled, or a reason and a remedy")
    domains: list[dict[str, Any]]
    kpis: list[dict[str, Any]]


@blueprint.get("/api/v1/environments/<env>/across")
@blueprint.output(AcrossAnswer)
@blueprint.doc(
    summary="Pool the experiments that are over",
    description="`?metric=` names what is moved (the Energize Score if left out), `?kpi=` what "
    "should follow (every business outcome if left out).",
)
@web.authorize("results.read")
def read_across(env: str) -> Response:
    """The pooled effects of a metric, by domain, and the slopes of the KPIs."""
    metric, kpi = web.query_text("metric"), web.query_text("kpi")
    with web.state().database.read() as session:
        environment = load_environment(session, env)
        report = across_experiments(session, environment, metric, kpi)
    return web.answer(report.to_json())


@blueprint.get("/across/<env>")
@blueprint.doc(hide=True)
@web.authorize("results.read")
def show_across(env: str) -> Response:
    """The same as a page."""
    metric, kpi = web.query_text("metric"), web.query_text("kpi")
    with web.state().database.read() as session:
        environment = load_environment(session, env)
        view = AcrossView(
            navigation=pages.frame(session, environment, "across"),
            report=across_experiments(session, environment, metric, kpi),
        )
    return pages.show(view)
