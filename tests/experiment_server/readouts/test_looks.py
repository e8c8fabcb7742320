"""Which looks are due."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import select

from analysis import read as analysis_read
from analysis.plan import AnalysisPlan
from experiment_server.experiments import service as experiments
from experiment_server.readouts import jobs, looks, read, service
from experiment_server.readouts.models import StoredReadout
from experiment_server.schedule.run import run_jobs
from experiment_server.security.roles import SYSTEM
from experiment_server.state import State
from tests.lived import DAY, KEY, START, live

BEGAN = START - DAY  # of the phase


@pytest.fixture
def lived(settings, database):
    return live(settings, database, n_learners=60)


def stored(lived):
    with lived.state.database.read() as session:
        return list(session.exec(select(StoredReadout).order_by(StoredReadout.id)))


def test_looks__their_time_has_not_come__are_not_due(lived):
    assert run_jobs(lived.state, jobs.JOBS, BEGAN + 13 * DAY) == []


def test_looks__missed_for_weeks__are_read_in_order_each_as_of_its_own_time(lived):
    results = run_jobs(lived.state, jobs.JOBS, BEGAN + 40 * DAY)

    assert [(result.job, result.error) for result in results if result.job == "look"] == [
        ("look", "")
    ] * 3
    rows = stored(lived)
    assert [row.look for row in rows] == [1, 2, 3]
    assert [row.as_of for row in rows] == [BEGAN + days * DAY for days in (14, 21, 28)]
    assert [row.plan["final"] for row in rows] == [False, False, True]


def test_looks__each__pays_for_those_before(lived):
    run_jobs(lived.state, jobs.JOBS, BEGAN + 40 * DAY)

    previous = [[look["look"] for look in row.plan["previous_looks"]] for row in stored(lived)]
    assert previous == [[], [1], [1, 2]]
    spent = [row.body["sequential"]["alpha_spent"] for row in stored(lived)]
    assert spent == sorted(spent)
    assert spent[-1] == pytest.approx(0.05)


def test_looks__co_primary__each_tells_the_next_what_it_knew_of_it(settings, database):
    lived = live(settings, database, better=4.0, co_primaries=("energy",))

    run_jobs(lived.state, jobs.JOBS, BEGAN + 40 * DAY)

    rows = stored(lived)
    told = [row.body["sequential"]["co_primaries"][0] for row in rows]
    with database.read() as session:
        found = service.list_previous_looks(session, lived.experiment, rows[0].phase)
    assert [look.co_information for look in found] == [
        {"energy": each["information_fraction"]} for each in told
    ]
    assert [look.co_crossed for look in found] == [
        ("energy",) if each["crossed"] else () for each in told
    ]
    assert found[-1].co_crossed == ("energy",)
    assert list(AnalysisPlan.from_json(rows[-1].plan).previous_looks) == list(found[:2])


def test_looks__run_again__read_nothing_twice(lived):
    run_jobs(lived.state, jobs.JOBS, BEGAN + 40 * DAY)

    assert run_jobs(lived.state, jobs.JOBS, BEGAN + 60 * DAY) == []
    assert len(stored(lived)) == 3


def test_looks__stopped_early__end_with_a_final_one_where_it_stopped(lived):
    stopped_at = BEGAN + 17 * DAY
    with lived.state.database.write() as session:
        experiment = session.merge(lived.experiment)
        experiments.stop_experiment(session, SYSTEM, experiment, "enough", stopped_at)

    run_jobs(lived.state, jobs.JOBS, BEGAN + 40 * DAY)

    rows = stored(lived)
    assert [row.as_of for row in rows] == [BEGAN + 14 * DAY, stopped_at]
    assert rows[-1].plan["final"] is True


def test_looks__archived__are_read_no_more(lived):
    with lived.state.database.write() as session:
        experiment = session.merge(lived.experiment)
        experiments.stop_experiment(session, SYSTEM, experiment, "", BEGAN + 17 * DAY)
        experiments.archive_experiment(session, SYSTEM, experiment, BEGAN + 18 * DAY)

    assert run_jobs(lived.state, jobs.JOBS, BEGAN + 40 * DAY) == []


def test_look__taken_over_by_another_server__is_stored_once(lived, monkeypatch):
    """A server that was paused for longer than its lease must not store a second readout."""
    state = lived.state
    real = analysis_read.run_readout

    def slow(*args):
        found = real(*args)
        if not overtaken:
            overtaken.append(True)
            later = State(
                state.settings, state.database, lambda: state.clock() + timedelta(hours=1)
            )
            run_jobs(later, jobs.JOBS, BEGAN + 15 * DAY)
        return found

    overtaken: list = []
    monkeypatch.setattr(analysis_read, "run_readout", slow)

    results = run_jobs(state, jobs.JOBS, BEGAN + 15 * DAY)

    outcomes = [result.outcome for result in results if result.job == "look"]
    assert outcomes == ["lost"]
    assert [row.look for row in stored(lived)] == [1]


def test_readout_by_hand__between_looks__leaves_the_planned_looks_alone(lived):
    run_jobs(lived.state, jobs.JOBS, BEGAN + 15 * DAY)

    by_hand = read.read_by_hand(lived.state, lived.environment, "streak-bonus", BEGAN + 16 * DAY)
    run_jobs(lived.state, jobs.JOBS, BEGAN + 40 * DAY)

    assert by_hand.look is None
    assert by_hand.verdict != "SHIP"
    rows = stored(lived)
    assert [row.look for row in rows] == [1, None, 2, 3]
    assert [look["look"] for look in rows[-1].plan["previous_looks"]] == [1, 2]


def row(look, verdict, take_out=()):
    body = {"decision": {"verdict": verdict, "take_out": list(take_out)}}
    return StoredReadout(look=look, verdict=verdict, body=body)


@pytest.mark.parametrize(
    ("readouts", "speaks"),
    [
        ([], None),
        ([row(None, "KEEP RUNNING")], 0),
        ([row(1, "SHIP"), row(None, "KEEP RUNNING")], 0),
        ([row(1, "SHIP"), row(None, "ROLL BACK")], 1),
        ([row(1, "SHIP"), row(None, "DO NOT USE"), row(2, "SHIP")], 2),
        ([row(1, "KEEP RUNNING"), row(None, "KEEP RUNNING", ["harmful"])], 1),
    ],
)
def test_headline__readouts_by_hand__hide_no_look_but_may_warn(readouts, speaks):
    found = service.headline(readouts)

    assert found is (None if speaks is None else readouts[speaks])


def test_readout__stored__is_computed_again_to_the_same_numbers(lived):
    """A readout names the plan and the lake version: anyone can repeat it, next year."""
    from analysis.lake.reader import Lake
    from analysis.read import run_readout
    from experiment_server.ingest.sealing import lake_root
    from experiment_server.scores import service as scores

    run_jobs(lived.state, jobs.JOBS, BEGAN + 15 * DAY)
    row = stored(lived)[0]
    plan = AnalysisPlan.from_json(row.plan)
    root = lake_root(lived.state.settings.lake_dir, lived.environment)
    with lived.state.database.read() as session:
        norms = scores.load_norms(session, lived.environment, plan.score_version)

    again = run_readout(plan, Lake.open(root, version=plan.lake_version), norms)

    assert again == service.to_readout(row)


def test_readout__while_its_scale_is_calibrated__others_can_write(lived, monkeypatch):
    """Calibrating reads all of a lake, or of somebody's warehouse: intake must not wait for it."""
    wrote = []
    calibrate = read.scores.find_or_start_norms

    def calibrate_while_others_write(*given):
        others = ThreadPoolExecutor(1)
        try:
            wrote.append(others.submit(write).result(timeout=20))
        finally:
            others.shutdown(wait=False)  # it may wait for us
        return calibrate(*given)

    def write():
        with lived.state.database.write() as session:
            return session.connection().execute(sa.text("DELETE FROM outbox_message")).rowcount

    monkeypatch.setattr(read.scores, "find_or_start_norms", calibrate_while_others_write)

    read.read_by_hand(lived.state, lived.environment, KEY, BEGAN + 10 * DAY)

    assert wrote == [0]


def test_plan_looks__a_stop_before_the_first__is_one_final_look(lived):
    with lived.state.database.read() as session:
        phase = experiments.load_phase(session, lived.experiment)
    phase.stopped_at = BEGAN + 5 * DAY

    assert looks.plan_looks(lived.experiment, phase) == [looks.Look(1, BEGAN + 5 * DAY, final=True)]
