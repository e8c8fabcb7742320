"""Several schedulers on one database, one killed in the middle: each slot runs once."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

pytestmark = pytest.mark.faults

# A scheduler process: its job has one slot each 0.2 s of real time; a run stores one result, in
# the transaction that confirms its claim, as looks and reports do.
SCHEDULER = """
import os, sys, time
from datetime import timedelta
import sqlalchemy as sa
from experiment_server.columns import utc_now
from experiment_server.db import Database
from experiment_server.schedule import slots
from experiment_server.schedule.grid import latest_slot
from experiment_server.schedule.job import Job, Slot
from experiment_server.schedule.run import run_jobs
from experiment_server.schedule.ticker import Ticker
from experiment_server.settings import Settings
from experiment_server.state import State

url = sys.argv[1]
EVERY = timedelta(seconds=0.2)

def due(state, session, now):
    done = set(session.execute(sa.text("SELECT slot FROM probe")).scalars())
    last = latest_slot(now, EVERY)
    times = [last - n * EVERY for n in range(9, -1, -1)]  # missed ones are caught up
    return [Slot("", at) for at in times if at.isoformat() not in done]

def run(state, claim):
    time.sleep(0.03)
    with state.database.write() as session:
        slots.confirm(session, claim)
        session.execute(
            sa.text("INSERT INTO probe VALUES (:slot, :pid)"),
            {"slot": claim.slot_at.isoformat(), "pid": os.getpid()},
        )

job = Job("probe", "Probe", due, run, lease_s=1.0)
state = State(Settings(database_url=url), Database(url))
ticker = Ticker([lambda: run_jobs(state, [job], utc_now())], 0.05)
ticker.start()
print("ticking", flush=True)
sys.stdin.read()  # until the test has seen enough
ticker.stop()
"""


ENOUGH = 20
PATIENCE_S = 120


@pytest.fixture
def results(database):
    """Reads what the schedulers stored, as (slot, process) pairs."""
    with database.write() as session:
        session.execute(sa.text("CREATE TABLE probe (slot varchar(40), pid integer)"))

    def read():
        with database.read() as session:
            return list(session.execute(sa.text("SELECT slot, pid FROM probe")))

    return read


@contextmanager
def schedulers(n, database_url):
    """So many scheduler processes, which end with the block."""
    command = [sys.executable, "-c", SCHEDULER, database_url]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(n)
    ]
    for process in processes:
        assert process.stdout.readline() == "ticking\n"
    yield processes
    for process in processes:
        process.stdin.close()
    for process in processes:
        process.wait(30)
        process.stdout.close()


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "too few slots were run"
        time.sleep(0.1)


def test_schedulers__one_is_killed__run_each_slot_once(database, database_url, results):
    with schedulers(3, database_url) as processes:
        wait_until(lambda: len({pid for _slot, pid in results()}) > 1)  # they share the work
        os.kill(processes[0].pid, signal.SIGKILL)
        before = len(results())
        wait_until(lambda: len(results()) > before + ENOUGH)

    slots_run = [slot for slot, _pid in results()]
    assert len(slots_run) == len(set(slots_run))


def test_scheduler__stopped_for_longer_than_its_lease__stores_nothing_that_was_taken_over(
    database, database_url, results
):
    with schedulers(2, database_url) as processes:
        for _ in range(3):
            time.sleep(0.3)
            os.kill(processes[0].pid, signal.SIGSTOP)
            time.sleep(1.4)
            os.kill(processes[0].pid, signal.SIGCONT)
        wait_until(lambda: len(results()) > ENOUGH)

    slots_run = [slot for slot, _pid in results()]
    assert len(slots_run) == len(set(slots_run))
