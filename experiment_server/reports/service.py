"""Stored reports: made once for a period, and told to people."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from dashboards.report import ReportBody, render_text
from experiment_server.environments.models import Environment
from experiment_server.experiments.models import Experiment, ExperimentPhase
from experiment_server.notify.channels.channel import Message
from experiment_server.notify.service import enqueue
from experiment_server.problems import not_found
from experiment_server.reports.models import StoredReport
from experiment_server.reports.rhythms import REPORTS
from experiment_server.schedule.job import Claim
from experiment_server.schedule.slots import confirm
from experiment_server.state import State


def make_report(
    state: State,
    environment: Environment,
    rhythm: str,
    period_end: datetime,
    claim: Claim | None = None,
) -> StoredReport:
    """The report of the period that ends then: built, stored and put into the outbox, once.

    Asked for again, it gives the one that was made. A claim that was lost stores nothing.
    """
    with state.database.read() as session:
        made = find(session, environment, rhythm, period_end)
    if made is not None:
        return made
    body = REPORTS[rhythm].build(state, environment, period_end)
    with state.database.write() as session:
        if claim is not None:
            confirm(session, claim)
        made = find(session, environment, rhythm, period_end)
        return made or _store(session, environment, body, state.clock())


def find(
    session: Session, environment: Environment, rhythm: str, period_end: datetime
) -> StoredReport | None:
    """The report of this period; None: it was not made yet."""
    return session.exec(
        select(StoredReport)
        .where(StoredReport.environment_id == environment.id)
        .where(StoredReport.rhythm == rhythm, StoredReport.period_end == period_end)
    ).first()


def has_run_anything(session: Session, environment: Environment, before: datetime) -> bool:
    """Whether an experiment had started by then: without one there is nothing to report."""
    started = (
        select(ExperimentPhase.id)
        .where(ExperimentPhase.experiment_id == Experiment.id)
        .where(Experiment.environment_id == environment.id)
        .where(ExperimentPhase.started_at < before)
    )
    return session.exec(started.limit(1)).first() is not None


def list_reports(
    session: Session, environment: Environment, limit: int = 100, before_id: int | None = None
) -> Sequence[StoredReport]:
    """The environment's reports, newest first; ``before_id`` continues an earlier list."""
    query = select(StoredReport).where(StoredReport.environment_id == environment.id)
    if before_id is not None:
        query = query.where(col(StoredReport.id) < before_id)
    return session.exec(query.order_by(col(StoredReport.id).desc()).limit(limit)).all()


def load(session: Session, environment: Environment, report_id: int) -> StoredReport:
    """One stored report of the environment.

    Raises:
        Problem: 404.
    """
    found = session.get(StoredReport, report_id)
    if found is None or found.environment_id != environment.id:
        raise not_found("report", report_id)
    return found


def to_body(row: StoredReport) -> ReportBody:
    """The report that a row holds."""
    return ReportBody.from_json(row.body)


def _store(
    session: Session, environment: Environment, body: ReportBody, now: datetime
) -> StoredReport:
    if environment.id is None:
        raise ValueError(f"environment {environment.key!r} is not stored yet")
    row = StoredReport(
        environment_id=environment.id,
        rhythm=body.rhythm,
        period_start=datetime.fromisoformat(body.period_start),
        period_end=datetime.fromisoformat(body.period_end),
        title=body.title[:200],
        body=body.to_json(),
        text=render_text(body),
        created_at=now,
    )
    session.add(row)
    session.flush()
    enqueue(session, environment, Message(body.title, row.text), now)
    return row
