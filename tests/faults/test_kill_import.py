"""SIGKILL to ``momentum import`` in the middle of a file, again and again."""

import csv
import os
import subprocess
import time

import pytest
from sqlmodel import select

from experiment_server.imports.models import ImportRun
from experiment_server.ingest.buffer import read_buffered
from tests.factories import make_environment
from tests.faults.killable import MOMENTUM

pytestmark = [pytest.mark.faults, pytest.mark.slow]

KILLS = 2
N_ROWS = 40_000
BAD_EVERY = 1_000
READY_S = 60


def write_log(path):
    """A log in which every thousandth row is bad."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("id", "learner", "kind", "at"))
        for n in range(N_ROWS):
            kind = "stroll" if n % BAD_EVERY == 0 else "sale"
            writer.writerow((f"row-{n}", f"learner-{n % 500}", kind, "2026-03-01T09:30:00Z"))


def rows_read(database):
    with database.read() as session:
        return session.exec(select(ImportRun.n_rows)).first() or 0


def kill_after_progress(importing, database):
    """Kill the import as soon as it has read more than before."""
    before = rows_read(database)
    deadline = time.monotonic() + READY_S
    while rows_read(database) == before and importing.poll() is None:
        assert time.monotonic() < deadline, "the import does not go on"
        time.sleep(0.01)
    importing.kill()
    importing.wait()


def test_import__killed_again_and_again__takes_and_refuses_each_row_once(
    database, database_url, tmp_path
):
    environment = make_environment(database)
    log = tmp_path / "log.csv"
    write_log(log)
    words = [*MOMENTUM, "import", "events", str(log), "--environment", "production"]
    env = {**os.environ, "MOMENTUM_DATABASE_URL": database_url, "MOMENTUM_DATA_DIR": str(tmp_path)}

    read = []
    for _ in range(KILLS):
        with subprocess.Popen(words, env=env, stdout=subprocess.DEVNULL) as importing:
            kill_after_progress(importing, database)
        read.append(rows_read(database))
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=True)

    with database.read() as session:
        chunks = read_buffered(session, environment.id)
        ids = [row["event_id"] for _chunk, rows in chunks for row in rows]
    report = list(csv.DictReader(log.with_name("log.csv.refused.csv").read_text().splitlines()))
    n_bad = N_ROWS // BAD_EVERY
    assert 0 < read[0] < N_ROWS
    assert f"{N_ROWS - n_bad:,} events were taken, 0 there already, {n_bad} were" in done.stdout
    assert len(ids) == len(set(ids)) == N_ROWS - n_bad
    assert [int(row["row"]) for row in report] == [n * BAD_EVERY + 1 for n in range(n_bad)]
