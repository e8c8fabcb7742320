"""Ledger and buffer: durable together, a repeated id stored once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from experiment_server.ingest import buffer
from experiment_server.ingest.items import ParsedItem
from tests.factories import make_environment

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def item(event_id, kind="sale"):
    return ParsedItem(event_id, "events", {"event_id": event_id, "kind": kind})


def append(database, environment, *event_ids):
    with database.write() as session:
        return buffer.append(session, environment.id, [item(e) for e in event_ids], NOW)


def buffered_ids(database, environment):
    with database.read() as session:
        chunks = list(buffer.read_buffered(session, environment.id))
    return sorted(row["event_id"] for _chunk, rows in chunks for row in rows)


def test_append__new_ids__accepts_them_all(database):
    environment = make_environment(database)

    appended = append(database, environment, "a", "b", "c")

    assert appended == (3, 0)
    assert buffered_ids(database, environment) == ["a", "b", "c"]


def test_append__a_repeated_batch__stores_nothing_twice(database):
    environment = make_environment(database)
    append(database, environment, "a", "b")

    appended = append(database, environment, "b", "a", "c")

    assert appended == (1, 2)
    assert buffered_ids(database, environment) == ["a", "b", "c"]


def test_append__the_same_id_twice_in_one_batch__counts_once(database):
    environment = make_environment(database)

    appended = append(database, environment, "a", "a", "b", "a")

    assert appended == (2, 2)
    assert buffered_ids(database, environment) == ["a", "b"]


def test_append__the_same_id_in_another_environment__is_another_event(database):
    append(database, make_environment(database, "staging"), "a")

    appended = append(database, make_environment(database, "production"), "a")

    assert appended == (1, 0)


def test_append__a_transaction_that_fails__leaves_no_trace(database):
    environment = make_environment(database)

    def die_before_the_commit():
        with database.write() as session:
            buffer.append(session, environment.id, [item("a")], NOW)
            raise ConnectionError

    with pytest.raises(ConnectionError):
        die_before_the_commit()

    assert append(database, environment, "a") == (1, 0)


def test_append__a_thousand_items__finds_the_new_ones(database):
    environment = make_environment(database)
    append(database, environment, *[f"e{n}" for n in range(0, 1_000, 2)])

    appended = append(database, environment, *[f"e{n}" for n in range(1_000)])

    assert appended == (500, 500)


def test_append__eight_writers_with_the_same_ids__store_each_once(database):
    environment = make_environment(database)
    ids = [f"e{n}" for n in range(200)]

    def write(shift):
        mine = ids[shift * 20 :] + ids[: shift * 20]
        return append(database, environment, *mine)

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(write, range(8)))

    assert sum(result.accepted for result in results) == 200
    assert sum(result.duplicates for result in results) == 7 * 200
    with database.read() as session:
        assert buffer.count_buffered(session, environment.id) == 200
