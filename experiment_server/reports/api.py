"""Stored reports, for programs."""

from datetime import datetime
from typing import Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel

from experiment_server import web
from experiment_server.environments.service import load_environment
from experiment_server.reports import service
from experiment_server.reports.models import StoredReport

blueprint = APIBlueprint("reports", __name__, url_prefix="/api/v1", tag="Reports")


class ReportSummary(BaseModel):
    """One report in a list."""

    id: int
    title: str
    rhythm: str
    period_start: datetime
    period_end: datetime
    created_at: datetime


class ReportList(BaseModel):
    """Reports, newest first."""

    items: list[ReportSummary]
    next: int | None = None


class StoredReportView(ReportSummary):
    """A report in full: as plain text, and as the parts that the page shows."""

    text: str
    body: dict[str, Any]


@blueprint.get("/environments/<env>/reports")
@blueprint.output(ReportList)
@blueprint.doc(summary="List the reports")
@web.authorize("results.read")
def list_reports(env: str) -> Response:
    """The environment's reports, newest first."""
    wanted = web.page()
    with web.state().database.read() as session:
        environment = load_environment(session, env)
        rows = service.list_reports(session, environment, wanted.limit + 1, wanted.after)
    shown = rows[: wanted.limit]
    return web.listing([_summary(row) for row in shown], shown[-1].id if rows != shown else None)


@blueprint.get("/environments/<env>/reports/<int:report_id>")
@blueprint.output(StoredReportView)
@blueprint.doc(summary="Read a report")
@web.authorize("results.read")
def read_report(env: str, report_id: int) -> Response:
    """One report; it never changes."""
    with web.state().database.read() as session:
        row = service.load(session, load_environment(session, env), report_id)
    return web.answer({**_summary(row), "text": row.text, "body": row.body})


def _summary(row: StoredReport) -> dict[str, Any]:
    return {
        "id": row.id,
        "title": row.title,
        "rhythm": row.rhythm,
        "period_start": row.period_start.isoformat(),
        "period_end": row.period_end.isoformat(),
        "created_at": row.created_at.isoformat(),
    }
