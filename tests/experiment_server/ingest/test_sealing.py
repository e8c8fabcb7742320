"""Sealing: what was buffered is in the lake, once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from deltalake import DeltaTable

from experiment_server.ingest import sealing
from experiment_server.ingest.place import open_lake
from experiment_server.ingest.service import receive
from experiment_server.problems import Problem
from experiment_server.state import State
from tests.factories import make_environment

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def events(*ids):
    return [
        {"type": "event", "id": i, "kind": "sale", "learner": "ann", "at": NOW.isoformat()}
        for i in ids
    ]


def send(database, environment, items):
    return receive(database, environment.id, items, NOW, may_describe=True)


def lake_ids(root, table="events"):
    return sorted(DeltaTable(f"{root}/{table}").to_pyarrow_table()["event_id"].to_pylist())


@pytest.fixture
def root(tmp_path):
    return str(tmp_path / "lake" / "production")


def test_seal__buffered_rows__are_in_their_lake_tables(database, root):
    environment = make_environment(database)
    described = {
        "type": "learner",
        "id": "l-1",
        "learner": "ann",
        "at": NOW.isoformat(),
        "attributes": {"role": "rep", "started_on": "2026-01-05"},
    }
    send(database, environment, [*events("a", "b"), described])

    moved = sealing.seal(database, environment, root)

    assert moved == 3
    assert lake_ids(root) == ["a", "b"]
    learner = DeltaTable(f"{root}/learners").to_pyarrow_table().to_pylist()[0]
    assert learner["described_at"] == NOW
    assert learner["received_at"] == NOW
    assert str(learner["started_on"]) == "2026-01-05"
    assert learner["role"] == "rep"


def test_seal__an_empty_buffer__writes_nothing(database, root):
    assert sealing.seal(database, make_environment(database), root) == 0


def test_seal__more_than_the_limit__goes_in_several_batches(database, root):
    environment = make_environment(database)
    for ids in ("ab", "c", "de", "f"):
        send(database, environment, events(*ids))

    moved = [sealing.seal(database, environment, root, limit=3) for _ in range(3)]

    assert moved == [3, 3, 0]
    assert lake_ids(root) == list("abcdef")


def test_seal__more_bytes_than_a_batch_may_have__goes_in_several_batches(
    database, root, monkeypatch
):
    environment = make_environment(database)
    for ids in ("ab", "c", "d"):
        send(database, environment, events(*ids))
    monkeypatch.setattr(sealing, "BATCH_BYTES", 10)  # less than any chunk

    moved = [sealing.seal(database, environment, root) for _ in range(4)]

    assert moved == [2, 1, 1, 0]
    assert lake_ids(root) == list("abcd")


def test_seal__an_id_that_is_already_in_the_lake__does_not_come_twice(database, root):
    environment = make_environment(database)
    send(database, environment, events("a"))
    sealing.seal_all(database, environment, root)

    receipt = send(database, environment, events("a"))
    sealing.seal_all(database, environment, root)

    assert receipt.duplicates == 1
    assert lake_ids(root) == ["a"]


def test_seal__a_database_older_than_its_lake__still_writes_new_rows(database, root):
    environment = make_environment(database)
    for event_id in "abc":
        send(database, environment, events(event_id))
        sealing.seal_all(database, environment, root)
    with database.write() as session:  # what restoring a backup of the database does
        session.execute(sa.text("UPDATE sealing_cursor SET last_batch = 1"))

    send(database, environment, events("d"))
    sealing.seal_all(database, environment, root)

    assert lake_ids(root) == list("abcd")


def test_seal__several_servers_at_once__write_each_row_once(database, root):
    environment = make_environment(database)
    ids = [f"e{n:03}" for n in range(200)]
    for first in range(0, 200, 20):
        send(database, environment, events(*ids[first : first + 20]))

    with ThreadPoolExecutor(4) as pool:
        moved = list(pool.map(lambda _: sealing.seal(database, environment, root, 30), range(10)))

    assert sum(moved) == 200
    assert lake_ids(root) == ids


def test_seal__while_another_server_holds_the_environment__says_so(database, root, monkeypatch):
    environment = make_environment(database)
    monkeypatch.setattr(sealing, "WAIT_S", 0.1)

    with (
        sealing.exclusive(database, environment.id),
        pytest.raises(sealing.SealingBusyError, match="another server"),
    ):
        sealing.seal(database, environment, root)


def test_open_lake__while_another_server_holds_it__asks_to_come_again(
    settings, database, monkeypatch
):
    monkeypatch.setattr(sealing, "WAIT_S", 0.0)
    environment = make_environment(database)
    send(database, environment, events("a"))
    state = State(settings=settings, database=database)

    with sealing.exclusive(database, environment.id), pytest.raises(Problem) as refused:
        open_lake(state, environment, fresh=True)

    assert (refused.value.status, refused.value.headers) == (503, {"Retry-After": "60"})
