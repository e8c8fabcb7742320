"""Two processes seal one environment at the same time: each row is in the lake exactly once."""

import subprocess
import sys
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from deltalake import DeltaTable

from experiment_server.ingest.service import receive
from tests.factories import make_environment

pytestmark = pytest.mark.faults

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
N_CHUNKS, PER_CHUNK = 24, 25
N_EVENTS = N_CHUNKS * PER_CHUNK
LIMIT = 50  # rows of a batch: each sealer gets its turn many times

# Seals until nothing is left, once it is told to begin; says how many rows it moved.
SEALER = """
import sys
from experiment_server.db import Database
from experiment_server.environments.models import Environment
from experiment_server.ingest import sealing

url, root, limit = sys.argv[1:4]
database = Database(url)
with database.read() as session:
    environment = session.get(Environment, 1)
print("ready", flush=True)
sys.stdin.readline()
moved = []
while step := sealing.seal(database, environment, root, int(limit)):
    moved.append(step)
print(sum(moved), len(moved), flush=True)
"""


def start(database_url, root):
    process = subprocess.Popen(
        [sys.executable, "-c", SEALER, database_url, root, str(LIMIT)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    return process


def end(process):
    out, _err = process.communicate(timeout=120)
    assert process.returncode == 0
    return [int(word) for word in out.splitlines()[-1].split()]  # the lines before are the log


def test_sealing__by_two_processes_at_once__moves_each_row_once(database, database_url, tmp_path):
    environment = make_environment(database)
    root = str(tmp_path / "lake")
    ids = [f"e{number:04}" for number in range(N_EVENTS)]
    for first in range(0, N_EVENTS, PER_CHUNK):
        items = [
            {"type": "event", "id": i, "kind": "sale", "learner": "ann", "at": NOW.isoformat()}
            for i in ids[first : first + PER_CHUNK]
        ]
        receive(database, environment.id, items, NOW, may_describe=True)

    sealers = [start(database_url, root) for _ in range(2)]
    for sealer in sealers:
        sealer.stdin.write("\n")
        sealer.stdin.flush()
    ended = [end(sealer) for sealer in sealers]

    table = DeltaTable(f"{root}/events")
    assert sorted(table.to_pyarrow_table()["event_id"].to_pylist()) == ids
    assert sum(moved for moved, _batches in ended) == N_EVENTS
    with database.read() as session:
        waiting = session.execute(sa.text("SELECT count(*) FROM buffered_chunk")).scalar_one()
        last = session.execute(sa.text("SELECT last_batch FROM sealing_cursor")).scalar_one()
    assert waiting == 0
    assert last == table.transaction_version("seal") == sum(batches for _moved, batches in ended)
