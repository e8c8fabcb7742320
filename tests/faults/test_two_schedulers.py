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

url, until = sys.argv[1], float(sys.argv[2])
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
ticker = Ticker(lambda: run_jobs(state, [job], utc_now()), 0.05)
ticker.start()
print("ticking", flush=True)
while time.time() < until:
    time.sleep(0.05)
ticker.stop()
"""


N_SECONDS = 10


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
    """So many scheduler processes, which end by themselves."""
    command = [sys.executable, "-c", SCHEDULER, database_url, str(time.time() + N_SECONDS)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(n)]
    for process in processes:
        assert process.stdout.readline() == "ticking\n"
    yield processes
    for process in processes:
        process.wait(30)
        process.stdout.close()


def test_schedulers__one_is_killed__run_each_slot_once(database, database_url, results):
    with schedulers(3, database_url) as processes:
        time.sleep(1.5)
        os.kill(processes[0].pid, signal.SIGKILL)

    slots_run = [slot for slot, _pid in results()]
    assert len(slots_run) == len(set(slots_run))
    assert len(slots_run) > 20
    assert len({pid for _slot, pid in results()}) > 1  # they really shared the work


def test_scheduler__stopped_for_longer_than_its_lease__stores_nothing_that_was_taken_over(
    database, database_url, results
):
    with schedulers(2, database_url) as processes:
        for _ in range(3):
            time.sleep(0.3)
            os.kill(processes[0].pid, signal.SIGSTOP)
            time.sleep(1.4)
            os.kill(processes[0].pid, signal.SIGCONT)

    slots_run = [slot for slot, _pid in results()]
    assert len(slots_run) == len(set(slots_run))
    assert len(slots_run) > 20
