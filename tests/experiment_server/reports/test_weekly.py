"""The winners' report."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from experiment_server.app import create_app
from experiment_server.notify import jobs as notify_jobs
from experiment_server.readouts import jobs as readouts_jobs
from experiment_server.reports import jobs, service
from experiment_server.reports.models import StoredReport
from experiment_server.schedule.run import run_jobs
from tests.factories import Keys, make_environment
from tests.lived import DAY, START, live

SIX = timedelta(hours=6)
MONDAY = START + 21 * DAY + SIX  # after the looks of days 13 and 20


@pytest.fixture
def lived(settings, database):
    lived = live(settings, database, n_learners=400, better=1.5)
    run_jobs(lived.state, readouts_jobs.JOBS, MONDAY)
    return lived


def stored(lived):
    with lived.state.database.read() as session:
        return list(session.exec(select(StoredReport).order_by(StoredReport.id)))


def test_report__on_monday_at_six__is_made_stored_and_sent(lived, settings):
    results = run_jobs(lived.state, [*jobs.JOBS, *notify_jobs.JOBS], MONDAY)

    assert [(r.job, r.outcome, r.error) for r in results] == [
        ("weekly_report", "done", ""),
        ("send_messages", "done", ""),
    ]
    [report] = stored(lived)
    assert report.period_end == MONDAY
    assert report.text in (settings.data_dir / "reports.log").read_text() + "\n"


def test_report__of_a_week_with_a_winner__names_it_first(lived):
    report = service.make_report(lived.state, lived.environment, "weekly", MONDAY)

    body = service.to_body(report)
    assert body.sections[0].title == "Streak bonus"
    assert body.sections[0].verdict == "SHIP"
    assert "To ship: Streak bonus." in body.summary
    assert body.sections[0].path == "/experiments/production/streak-bonus"
    assert "SHIP: Streak bonus" in report.text


def test_report__of_a_decision_that_stays__does_not_call_it_new(lived):
    first = service.make_report(lived.state, lived.environment, "weekly", MONDAY - 7 * DAY)
    second = service.make_report(lived.state, lived.environment, "weekly", MONDAY)

    assert "SHIP: Streak bonus" in first.text
    assert "SHIP: Streak bonus" in second.text
    assert "New this week" in first.text
    assert "New this week" not in second.text


def test_report__has_the_five_questions_and_the_weeks_learners(lived):
    report = service.make_report(lived.state, lived.environment, "weekly", MONDAY)

    body = service.to_body(report)
    assert len([section for section in body.sections if section.path.startswith("/questions")]) == 5
    assert "learners active," in body.summary


def test_report__asked_for_twice__is_made_once(lived):
    first = service.make_report(lived.state, lived.environment, "weekly", MONDAY)
    second = service.make_report(lived.state, lived.environment, "weekly", MONDAY)

    assert first.id == second.id
    assert len(stored(lived)) == 1


def test_report__missed_for_three_weeks__makes_the_latest_only(lived):
    run_jobs(lived.state, jobs.JOBS, MONDAY + 16 * DAY)

    assert [report.period_end for report in stored(lived)] == [MONDAY + 14 * DAY]


def test_report__of_an_environment_without_experiments__is_not_made(settings, database, lived):
    make_environment(database, "staging")

    results = run_jobs(lived.state, jobs.JOBS, MONDAY)

    assert [result.scope for result in results] == ["production"]


def test_report__by_hand_in_an_empty_environment__says_that_nothing_ran(database, lived):
    staging = make_environment(database, "staging")

    report = service.make_report(lived.state, staging, "weekly", MONDAY)

    assert "No experiment ran this week." in report.text
    assert "No learner was active" in report.text


def test_api__reports__are_listed_and_read(lived, settings, database):
    service.make_report(lived.state, lived.environment, "weekly", MONDAY)
    client = create_app(settings, database).test_client()
    headers = Keys(lived.environment, database).manage("viewer")
    url = "/api/v1/environments/production/reports"

    listed = client.get(url, headers=headers).json["items"]
    found = client.get(f"{url}/{listed[0]['id']}", headers=headers).json

    assert listed[0]["period_end"] == MONDAY.isoformat()
    assert found["text"].startswith("Winners of the week")
    assert found["body"]["sections"]
    assert client.get(f"{url}/999", headers=headers).status_code == 404


def test_mondays__are_at_six_utc():
    from experiment_server.reports.rhythms import REPORTS

    slot = REPORTS["weekly"].latest_slot

    assert slot(datetime(2026, 3, 2, 5, 59, tzinfo=UTC)) == datetime(2026, 2, 23, 6, tzinfo=UTC)
    assert slot(datetime(2026, 3, 2, 6, 0, tzinfo=UTC)) == datetime(2026, 3, 2, 6, tzinfo=UTC)
