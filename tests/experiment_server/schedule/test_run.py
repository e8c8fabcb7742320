"""Running what is due."""

from datetime import UTC, datetime, timedelta

import pytest

from experiment_server.schedule import service
from experiment_server.schedule.job import Job, Slot
from experiment_server.schedule.run import run_jobs
from experiment_server.state import State

NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)
DAY = timedelta(days=1)


class Clock:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def state(settings, database, clock):
    return State(settings=settings, database=database, clock=clock)


def daily(ran, fails=lambda _slot: False):
    """A job with one slot a day from NOW on, that must run in order."""

    def due(state, session, now):
        done = len(ran)
        at = NOW + done * DAY
        return [Slot("", at)] if at <= now else []

    def run(state, claim):
        if fails(claim.slot):
            raise RuntimeError("the lake is away")
        ran.append(claim.slot_at)

    return Job("daily", "Daily", due, run, lease_s=60)


def test_run_jobs__several_missed_slots__catches_up_in_order(state):
    ran = []

    results = run_jobs(state, [daily(ran)], NOW + 3 * DAY)

    assert ran == [NOW, NOW + DAY, NOW + 2 * DAY, NOW + 3 * DAY]
    assert [result.outcome for result in results] == ["done"] * 4


def test_run_jobs__again_at_the_same_time__runs_nothing(state):
    ran = []
    run_jobs(state, [daily(ran)], NOW)

    assert run_jobs(state, [daily(ran)], NOW) == []


def test_run_jobs__a_job_that_raises__is_recorded_and_the_others_run(state):
    ran = []
    failing = Job("broken", "Broken", lambda *_: [Slot("x", NOW)], lambda *_: 1 / 0, 60)
    confused = Job("confused", "Confused", lambda *_: 1 / 0, lambda *_: None, 60)

    results = run_jobs(state, [failing, confused, daily(ran)], NOW)

    assert [result.outcome for result in results] == ["failed", "done"]
    assert "ZeroDivisionError" in results[0].error
    with state.database.read() as session:
        assert service.list_failed_runs(session)[0].error == results[0].error


def test_run_jobs__a_slot_that_failed_once__succeeds_at_a_later_tick(state, clock):
    ran, broken = [], [True]
    job = daily(ran, fails=lambda _slot: broken[0])
    run_jobs(state, [job], NOW)
    broken[0] = False

    clock.now = NOW + timedelta(minutes=1)
    results = run_jobs(state, [job], NOW)

    assert [result.outcome for result in results] == ["done"]
    assert ran == [NOW]


def test_run_jobs__a_paused_job__waits_and_catches_up_after(state):
    ran = []
    with state.database.write() as session:
        service.pause(session, "daily", NOW)
    assert run_jobs(state, [daily(ran)], NOW + DAY) == []

    with state.database.write() as session:
        service.resume(session, "daily")
    run_jobs(state, [daily(ran)], NOW + DAY)

    assert ran == [NOW, NOW + DAY]


def test_run_jobs__taken_over_while_it_ran__says_lost(state, clock):
    def overtaken(state, claim):
        clock.now += timedelta(hours=1)
        run_jobs(state, [quick], NOW)

    slow = Job("look", "Looks", lambda *_: [Slot("x", NOW)], overtaken, 60)
    quick = Job("look", "Looks", lambda *_: [Slot("x", NOW)], lambda *_: None, 60)

    results = run_jobs(state, [slow], NOW)

    assert [result.outcome for result in results] == ["lost"]


def test_run_jobs__a_job_that_is_always_due__ends(state):
    ran = []
    endless = Job(
        "endless", "Endless", lambda *_: [Slot(str(len(ran)), NOW)], lambda *_: ran.append(1), 60
    )

    run_jobs(state, [endless], NOW)

    assert 0 < len(ran) <= 1_000


def test_forget_failures__a_slot_out_of_attempts__may_run_again(state, clock):
    ran, broken = [], [True]
    job = daily(ran, fails=lambda _slot: broken[0])
    for _ in range(12):
        run_jobs(state, [job], NOW)
        clock.now += 2 * DAY
    broken[0] = False
    assert run_jobs(state, [job], NOW) == []

    with state.database.write() as session:
        assert service.forget_failures(session, "daily") == 1

    assert [result.outcome for result in run_jobs(state, [job], NOW)] == ["done"]


def test_forget_old_runs__after_a_month__keeps_failures(state, clock):
    failing = Job("broken", "Broken", lambda *_: [Slot("x", NOW)], lambda *_: 1 / 0, 60)
    run_jobs(state, [daily([]), failing], NOW)

    with state.database.write() as session:
        assert service.forget_old_runs(session, NOW + 31 * DAY) == 1
    with state.database.read() as session:
        assert len(service.list_failed_runs(session)) == 1
