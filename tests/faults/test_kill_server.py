"""SIGKILL to the real server in the middle of ingestion and sealing, again and again."""

import subprocess
import time

import pytest
import sqlalchemy as sa
from sqlmodel import select

from analysis.lake.tables import open_table
from experiment_server.environments.models import Environment
from experiment_server.ingest.buffer import read_buffered
from experiment_server.ingest.sealing import lake_root, seal_all
from tests.faults.killable import MOMENTUM, KillableServer, Sender, kill_again_and_again

pytestmark = [pytest.mark.faults, pytest.mark.slow]

KILLS = 8
SENDERS = 4
SEALED_S = 60
SEED = 20260302


@pytest.fixture
def server(database_url, tmp_path):
    running = KillableServer(database_url, tmp_path)
    running.start()
    yield running
    running.close()


def make_key(server):
    made = subprocess.run(
        [*MOMENTUM, "key", "add", "--environment", "production"],
        env=server.env,
        capture_output=True,
        text=True,
        check=True,
    )
    return made.stdout.strip().splitlines()[-1]


def read_lake(database, settings):
    """What the lake holds, before anything is sealed by hand."""
    with database.read() as session:
        environment = session.exec(select(Environment)).one()
    root = lake_root(settings.lake_dir, environment)
    table = open_table(root, "events")  # None also when the kill came while it was being made
    ids = [] if table is None else table.to_pyarrow_table()["event_id"].to_pylist()
    return environment, root, ids


def wait_until_sealed(database, settings):
    """Wait until the server has put something into the lake: it must not be empty in this test."""
    deadline = time.monotonic() + SEALED_S
    while not read_lake(database, settings)[2]:
        assert time.monotonic() < deadline, f"the server sealed nothing in {SEALED_S} s"
        time.sleep(0.2)


def test_server__killed_again_and_again_while_it_takes_events__loses_and_doubles_nothing(
    server, database, settings
):
    key = make_key(server)
    senders = [Sender(f"s{n}", server, key) for n in range(SENDERS)]
    for sender in senders:
        sender.start()
    kill_again_and_again(server, KILLS, SEED)
    wait_until_sealed(database, settings)
    for sender in senders:
        sender.finish()
    server.kill()

    sent = set().union(*(sender.sent for sender in senders))
    environment, root, sealed = read_lake(database, settings)
    with database.read() as session:
        chunks = list(read_buffered(session, environment.id))
    in_batches = [row["event_id"] for chunk, rows in chunks if chunk.batch for row in rows]
    waiting = [row["event_id"] for chunk, rows in chunks if not chunk.batch for row in rows]
    assert len(sealed) == len(set(sealed))  # doubled in the lake: 0
    assert not set(sealed) & set(waiting)
    assert set(sealed) | set(waiting) | set(in_batches) == sent  # lost: 0, invented: 0

    seal_all(database, environment, root)
    _environment, _root, sealed = read_lake(database, settings)
    assert sorted(sealed) == sorted(sent)
    assert [sender.unexpected for sender in senders] == [[]] * SENDERS
    if database.dialect == "sqlite":
        with database.read() as session:
            assert session.execute(sa.text("PRAGMA integrity_check")).scalar_one() == "ok"
    assert len(sent) > KILLS * 100  # there was something to lose
