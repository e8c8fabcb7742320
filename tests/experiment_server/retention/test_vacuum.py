"""The weekly vacuum: what readouts were computed from stays, what compaction replaced goes."""

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from sqlmodel import select

from analysis.energize.norms import Norms
from analysis.lake.compact import compact_all, vacuum_all
from analysis.lake.reader import Lake
from analysis.plan import AnalysisPlan
from analysis.read import run_readout
from experiment_server.ingest import sealing
from experiment_server.ingest.rewriting import rewriting
from experiment_server.ingest.sealing import lake_root
from experiment_server.readouts import jobs as readouts_jobs
from experiment_server.readouts.models import StoredReadout
from experiment_server.retention import jobs
from experiment_server.schedule.run import run_jobs
from experiment_server.scores.models import ScoreVersion
from experiment_server.state import State
from tests.analysis.lakes import day, event, write_lake
from tests.factories import make_environment
from tests.lived import DAY, START, live

MONDAY = datetime(2026, 3, 16, tzinfo=UTC)
VACUUM = [job for job in jobs.JOBS if job.name == "vacuum"]
LOOKS = [job for job in readouts_jobs.JOBS if job.name == "look"]


def test_vacuum_job__in_a_week__runs_once(settings, database):
    make_environment(database)
    state = State(settings=settings, database=database)
    at_five = [MONDAY + timedelta(days=number, hours=5) for number in range(8)]

    done = [[result.job for result in run_jobs(state, VACUUM, at)] for at in at_five]

    assert done == [["vacuum"], *[[]] * 6, ["vacuum"]]


def test_vacuum_job__after_compactions__every_readout_is_computed_again_to_the_same_numbers(
    settings, database, monkeypatch
):
    world = live(settings, database, n_learners=80)
    root = lake_root(settings.lake_dir, world.environment)
    run_jobs(world.state, LOOKS, START + 15 * DAY)
    for number in range(5):
        later = write_lake(root, events=[event(f"{number:032x}", "sale", day(-40))])
    compact_all(root)
    monkeypatch.setattr(jobs, "vacuum_all", partial(vacuum_all, keep_days=0))

    ran = run_jobs(world.state, VACUUM, START + 21 * DAY)

    assert [result.outcome for result in ran] == ["done"]
    assert not all(Path(file).exists() for file in later.files["events"])
    with database.read() as session:
        stored = session.exec(select(StoredReadout)).one()
        norms = [Norms.from_json(row.norms) for row in session.exec(select(ScoreVersion))]
    plan = AnalysisPlan.from_json(stored.plan)
    again = run_readout(plan, Lake.open(root, plan.lake_version), norms[0] if norms else None)
    assert json.loads(json.dumps(again.to_json())) == stored.body


def test_vacuum_job__while_a_learner_is_erased__removes_nothing(settings, database, monkeypatch):
    monkeypatch.setattr(sealing, "WAIT_S", 0.0)
    monkeypatch.setattr(jobs, "vacuum_all", partial(vacuum_all, keep_days=0))
    environment = make_environment(database)
    root = lake_root(settings.lake_dir, environment)
    for number in range(5):
        older = write_lake(root, events=[event(f"l{number}", "sale", day(0))])
    compact_all(root)

    with rewriting(database, environment.id):
        ran = run_jobs(State(settings=settings, database=database), VACUUM, START + 21 * DAY)

    assert ["being compacted or vacuumed" in result.error for result in ran] == [True]
    assert all(Path(file).exists() for file in older.files["events"])
