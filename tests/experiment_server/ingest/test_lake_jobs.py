"""What the schedule does to the lake between readouts."""

from datetime import UTC, datetime, timedelta

from deltalake import DeltaTable

from analysis.lake.reader import Lake
from experiment_server.ingest import jobs, sealing
from experiment_server.ingest.rewriting import rewriting
from experiment_server.ingest.sealing import lake_root
from experiment_server.schedule.run import run_jobs
from experiment_server.state import State
from tests.analysis.lakes import day, event, write_lake
from tests.factories import make_environment

MONDAY = datetime(2026, 3, 16, tzinfo=UTC)


def ran(state, at):
    return [result.job for result in run_jobs(state, jobs.JOBS, at) if result.outcome == "done"]


def n_files(lake):
    table = DeltaTable(f"{lake.root}/events", version=lake.version["events"])
    return len(table.file_uris())


def test_compact_job__in_a_week__runs_daily(settings, database):
    make_environment(database)
    state = State(settings=settings, database=database)
    at_five = [MONDAY + timedelta(days=number, hours=5) for number in range(8)]

    done = [ran(state, at) for at in at_five]

    assert done == [["compact"]] * 8


def test_compact_job__while_a_learner_is_erased__leaves_the_lake_alone(
    settings, database, monkeypatch
):
    monkeypatch.setattr(sealing, "WAIT_S", 0.0)
    environment = make_environment(database)
    root = lake_root(settings.lake_dir, environment)
    for number in range(5):
        older = write_lake(root, events=[event(f"l{number}", "sale", day(0))])

    with rewriting(database, environment.id):
        done = ran(State(settings=settings, database=database), MONDAY + timedelta(hours=5))

    assert "compact" not in done
    assert Lake.open(root).version == older.version


def test_compact_job__many_small_files__are_few_and_an_older_version_is_still_there(
    settings, database
):
    root = lake_root(settings.lake_dir, make_environment(database))
    for number in range(5):
        older = write_lake(root, events=[event(f"l{number}", "sale", day(0))])

    ran(State(settings=settings, database=database), MONDAY + timedelta(hours=5))

    now = Lake.open(root)
    again = Lake.open(root, older.version)
    assert (n_files(older), n_files(now)) == (5, 1)
    assert again.table("events").count().to_pyarrow().as_py() == 5
    assert now.table("events").count().to_pyarrow().as_py() == 5
