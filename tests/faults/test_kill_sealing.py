"""SIGKILL at every step of sealing, twice in a row: every event is in the lake exactly once."""

import signal
import subprocess
import sys
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from deltalake import DeltaTable

from experiment_server.ingest import sealing
from experiment_server.ingest.service import receive
from tests.factories import make_environment

pytestmark = pytest.mark.faults

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
N_EVENTS = 40

SEALER = """
import os, signal, sys
from experiment_server.db import Database
from experiment_server.environments.models import Environment
from experiment_server.ingest import sealing

url, root, step = sys.argv[1:4]
die = lambda: os.kill(os.getpid(), signal.SIGKILL)

def before(name, nth=1):
    wrap(name, nth, lambda call: die())

def after(name, nth=1):
    wrap(name, nth, lambda call: (call(), die()))

def wrap(name, nth, last):
    real, calls = getattr(sealing, name), []
    def patched(*args, **kwargs):
        calls.append(1)
        if len(calls) == nth:
            return last(lambda: real(*args, **kwargs))
        return real(*args, **kwargs)
    setattr(sealing, name, patched)

def within_marking():
    import sqlalchemy as sa
    real = sealing._has_chunks
    def patched(session, *args):
        sa.event.listen(session.connection().engine, "before_cursor_execute", on_update)
        return real(session, *args)
    def on_update(conn, cursor, statement, *rest):
        if "UPDATE sealing_cursor" in statement:
            die()
    sealing._has_chunks = patched

def within_commit():
    from analysis.lake import writer
    writer.make_durable = lambda *args: die()

{
    "before the batch is taken": lambda: before("_take_batch"),
    "while the batch is marked": within_marking,
    "after the batch is taken": lambda: after("_take_batch"),
    "after the batch is loaded": lambda: after("_load_batch"),
    "before the first table": lambda: before("append"),
    "after a commit, before it is synced": within_commit,
    "after the first table": lambda: after("append"),
    "before the second table": lambda: before("append", 2),
    "after the second table": lambda: after("append", 2),
    "before the rows leave": lambda: before("_drop_batch"),
    "after the rows left": lambda: after("_drop_batch"),
}[step]()
database = Database(url)
with database.read() as session:
    environment = session.get(Environment, 1)
sealing.seal(database, environment, root, limit=25)
"""

STEPS = [
    "before the batch is taken",
    "while the batch is marked",
    "after the batch is taken",
    "after the batch is loaded",
    "before the first table",
    "after a commit, before it is synced",
    "after the first table",
    "before the second table",
    "after the second table",
    "before the rows leave",
    "after the rows left",
]


def send(database, environment):
    items = []
    for n in range(N_EVENTS):
        base = {"id": f"{n:03}", "learner": f"learner-{n % 5}", "at": NOW.isoformat()}
        described = {"type": "learner", "attributes": {"role": "rep"}}
        items.append({**base, **(described if n % 3 == 0 else {"type": "event", "kind": "sale"})})
    for first in range(0, N_EVENTS, 10):  # several chunks, and one batch does not take them all
        ten = items[first : first + 10]
        receipt = receive(database, environment.id, ten, NOW, may_describe=True)
        assert receipt.accepted == 10


def seal_and_die(database_url, root, step):
    command = [sys.executable, "-c", SEALER, database_url, root, step]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr


@pytest.mark.parametrize("step", STEPS)
def test_sealing__killed_twice_at_a_step__loses_and_doubles_nothing(
    step, database, database_url, tmp_path
):
    environment = make_environment(database)
    root = str(tmp_path / "lake")
    send(database, environment)

    seal_and_die(database_url, root, step)
    seal_and_die(database_url, root, step)
    sealing.seal_all(database, environment, root)

    ids = [
        event_id
        for table in ("events", "learners")
        for event_id in DeltaTable(f"{root}/{table}").to_pyarrow_table()["event_id"].to_pylist()
    ]
    assert sorted(ids) == [f"{n:03}" for n in range(N_EVENTS)]
    with database.read() as session:
        assert session.execute(sa.text("SELECT count(*) FROM buffered_chunk")).scalar_one() == 0
