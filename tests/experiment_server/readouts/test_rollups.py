"""Roll-ups of a server: made ready before looks, read by them, shown and checked by hand."""

import shutil

import pytest
from sqlmodel import select
from typer.testing import CliRunner

from analysis.rollups.shelf import list_folders
from experiment_server.cli import app
from experiment_server.ingest.sealing import lake_root, seal_all
from experiment_server.readouts import jobs
from experiment_server.readouts.models import StoredReadout
from experiment_server.schedule.run import run_jobs
from tests.lived import DAY, KEY, START, live

BEGAN = START - DAY  # of the phase


@pytest.fixture
def lived(settings, database):
    return live(settings, database, n_learners=60)


def root_of(lived):
    return lake_root(lived.state.settings.lake_dir, lived.environment)


def bodies(lived):
    with lived.state.database.read() as session:
        return [row.body for row in session.exec(select(StoredReadout).order_by(StoredReadout.id))]


def test_jobs__an_hour_before_a_look__make_its_rollup_ready(lived):
    seal_all(lived.state.database, lived.environment, root_of(lived))

    early = run_jobs(lived.state, jobs.JOBS, BEGAN + 14 * DAY - DAY / 12)
    ready = run_jobs(lived.state, jobs.JOBS, BEGAN + 14 * DAY - DAY / 25)
    again = run_jobs(lived.state, jobs.JOBS, BEGAN + 14 * DAY - DAY / 26)

    assert early == again == []
    assert [(run.job, run.outcome) for run in ready] == [("rollup", "done")]
    assert len(list_folders(root_of(lived))) == 1


def test_jobs__a_rollup_that_no_plan_reads__is_forgotten(lived):
    run_jobs(lived.state, jobs.JOBS, BEGAN + 22 * DAY)
    stray = f"{root_of(lived)}/_rollups/stray-1-abc"
    shutil.copytree(f"{root_of(lived)}/_rollups/{list_folders(root_of(lived))[0]}", stray)

    run_jobs(lived.state, jobs.JOBS, BEGAN + 40 * DAY)

    assert [name.startswith(KEY) for name in list_folders(root_of(lived))] == [True]


def test_looks__with_and_without_rollups__store_the_same_readouts(lived, monkeypatch):
    run_jobs(lived.state, jobs.JOBS, BEGAN + 40 * DAY)
    rolled = bodies(lived)
    with lived.state.database.write() as session:
        for row in session.exec(select(StoredReadout)):
            session.delete(row)
    looks = [job for job in jobs.JOBS if job.name == "look"]
    monkeypatch.setattr("experiment_server.readouts.read.collector", lambda _plan, _lake: None)
    with lived.state.database.write() as session:
        session.connection().exec_driver_sql("DELETE FROM job_run")

    run_jobs(lived.state, looks, BEGAN + 40 * DAY)

    assert len(rolled) == 3
    assert bodies(lived) == rolled


@pytest.fixture
def momentum(lived, settings):
    """Run a command of ``momentum`` on the store that learners lived in."""
    variables = {
        "MOMENTUM_DATA_DIR": str(settings.data_dir),
        "MOMENTUM_LAKE_DIR": settings.lake_dir,
        "MOMENTUM_DATABASE_URL": settings.database_url,
    }

    def run(*arguments):
        given = ("--environment", lived.environment.key)
        return CliRunner().invoke(app, ["rollup", *arguments, *given], env=variables)

    return run


def test_command__shown_made_and_verified__says_what_there_is(momentum):
    before = momentum("show")
    made = momentum("rebuild", KEY)
    after = momentum("show")
    verified = momentum("verify", KEY)

    assert before.output.split()[-1] == "none"
    assert made.output == f"{KEY}: made anew, 60 learners.\n"
    assert after.output.split() == [KEY, "phase", "1", "60", "learners", "fresh"]
    assert verified.output == f"{KEY}: 60 learners, all as history says.\n"


def test_command__an_unknown_experiment__is_refused(momentum):
    found = momentum("rebuild", "nothing")

    assert found.exit_code != 0
