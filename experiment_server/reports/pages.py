"""The reports list and one report."""

from apiflask import APIBlueprint
from flask import Response

from dashboards.views import ReportRow, ReportsView, ReportView
from experiment_server import pages, web
from experiment_server.environments.service import load_environment
from experiment_server.reports import service
from experiment_server.reports.models import StoredReport

blueprint = APIBlueprint("reports_pages", __name__, enable_openapi=False)


@blueprint.get("/reports/<env>")
@web.authorize("results.read")
def list_reports(env: str) -> Response:
    """The latest hundred reports of an environment."""
    with web.state().database.read() as session:
        environment = load_environment(session, env)
        view = ReportsView(
            navigation=pages.frame(session, environment, "reports"),
            reports=tuple(_row(row) for row in service.list_reports(session, environment)),
        )
    return pages.show(view)


@blueprint.get("/reports/<env>/<int:report_id>")
@web.authorize("results.read")
def show_report(env: str, report_id: int) -> Response:
    """One report."""
    with web.state().database.read() as session:
        environment = load_environment(session, env)
        row = service.load(session, environment, report_id)
        navigation = pages.frame(session, environment, "reports")
        view = ReportView(navigation=navigation, report=service.to_body(row))
    return pages.show(view)


def _row(row: StoredReport) -> ReportRow:
    return ReportRow(
        id=int(row.id or 0),
        title=row.title,
        rhythm=row.rhythm,
        period_start=row.period_start,
        period_end=row.period_end,
        created_at=row.created_at,
    )
