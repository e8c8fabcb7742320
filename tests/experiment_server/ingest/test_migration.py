"""Migration 0007: rows of the old buffer become chunks, and none is lost or doubled."""

from datetime import UTC, datetime
from hashlib import blake2b

import orjson
import pyarrow as pa
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from analysis.lake.schema import TABLES
from analysis.lake.tables import open_table
from analysis.lake.writer import append
from experiment_server.db import MIGRATIONS, Database
from experiment_server.environments.models import Environment
from experiment_server.ingest import buffer, sealing
from experiment_server.ingest.buffer import read_buffered
from experiment_server.ingest.items import ParsedItem, to_micros
from experiment_server.migrations.tables import METADATA

N_WAITING = 1_203  # more than one chunk's worth
OLD = datetime(2026, 3, 1, 8, 30, 0, 250_000, tzinfo=UTC)


def at_revision(database, revision):
    """Bring the schema to a revision, up or down."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with database.connect() as connection:
        config.attributes["connection"] = connection
        found = sa.inspect(connection).has_table("alembic_version")
        go = command.downgrade if found and revision < newest(connection) else command.upgrade
        go(config, revision)


def newest(connection):
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one()


@pytest.fixture
def old(database, database_url):
    """A database as revision 0006 left it, with an environment and nothing else."""
    with database.connect() as connection:
        METADATA.drop_all(connection)
        connection.execute(sa.text("DROP TABLE alembic_version"))
    database.dispose()
    opened = Database(database_url)
    at_revision(opened, "0006")
    with opened.write() as session:
        columns = "id, key, title, pseudonym_key, payload_version, created_at"
        session.execute(
            sa.text(f"INSERT INTO environment ({columns}) VALUES (1, 'old', 'Old', '00', 1, :now)"),
            {"now": "2026-03-01 00:00:00"},
        )
    yield opened
    opened.dispose()


def row(number):
    return {
        "event_id": f"e{number:05}",
        "learner": f"{number % 7:032x}",
        "kind": "sale",
        "occurred_at": to_micros(OLD) + number,
        "received_at": to_micros(OLD),
        "value": number + 0.1,
        "properties": '{"text":"Zoë \\"学习\\" \\u0001"}',
    }


def buffer_rows(database, numbers, batch=None):
    rows = [
        {"row": orjson.dumps(row(n)).decode(), "batch": batch, "at": OLD.replace(tzinfo=None)}
        for n in numbers
    ]
    with database.write() as session:
        session.execute(
            sa.text(
                "INSERT INTO buffered_event (environment_id, lake_table, row, received_at, batch) "
                "VALUES (1, 'events', :row, :at, :batch)"
            ),
            rows,
        )


def lake_rows(root):
    found = open_table(root, "events").to_pyarrow_table().to_pylist()
    return sorted((row["event_id"], row["value"], row["properties"]) for row in found)


def expected(*groups):
    every = sorted(number for group in groups for number in group)
    return [(row(n)["event_id"], row(n)["value"], row(n)["properties"]) for n in every]


def test_migration__rows_that_wait_and_rows_on_their_way__are_in_the_lake_once(old, tmp_path):
    root = str(tmp_path / "lake")
    on_their_way, waiting = range(300), range(300, 300 + N_WAITING)
    buffer_rows(old, on_their_way, batch=5)
    buffer_rows(old, waiting)
    with old.write() as session:
        session.execute(sa.text("INSERT INTO sealing_cursor VALUES (1, 5)"))
    in_lake = pa.Table.from_pylist([row(n) for n in on_their_way], schema=TABLES["events"])
    append(root, "events", in_lake, sealing.APP_ID, 5)  # and then the server died

    at_revision(old, "head")
    with old.read() as session:
        environment = session.get_one(Environment, 1)
    sealing.seal_all(old, environment, root)

    assert lake_rows(root) == expected(on_their_way, waiting)


def test_migration__down_again__gives_every_row_back(old):
    buffer_rows(old, range(700), batch=5)
    buffer_rows(old, range(700, 700 + N_WAITING))

    at_revision(old, "0007")
    with old.read() as session:
        chunks = [chunk for chunk, _rows in read_buffered(session, 1)]
    at_revision(old, "0006")

    assert len(chunks) < 10
    assert {chunk.received_at for chunk in chunks} == {OLD}
    with old.read() as session:
        found = session.execute(
            sa.text("SELECT row, batch FROM buffered_event ORDER BY sequence")
        ).all()
    plain = [(orjson.loads(r) if isinstance(r, str) else r, batch) for r, batch in found]
    assert sorted(plain, key=lambda pair: pair[0]["event_id"]) == [
        (row(n), 5 if n < 700 else None) for n in range(700 + N_WAITING)
    ]


def test_migration__an_id_that_came_before_it__is_still_known(old):
    with old.write() as session:
        ledger = sa.text("INSERT INTO received_event VALUES (1, :key)")
        for event_id in ("e-1", "e-2"):
            key = blake2b(event_id.encode(), digest_size=16).digest()  # how keys were made
            session.execute(ledger, {"key": key})

    at_revision(old, "head")
    items = [ParsedItem(i, "events", {"event_id": i}) for i in ("e-1", "e-2", "e-3")]
    with old.write() as session:
        appended = buffer.append(session, 1, items, OLD)

    assert appended == (1, 2)
    with old.read() as session:
        assert [rows for _chunk, rows in read_buffered(session, 1)] == [[{"event_id": "e-3"}]]


def test_migration__of_an_empty_buffer__makes_no_chunk(old):
    at_revision(old, "0007")

    with old.read() as session:
        assert list(read_buffered(session, 1)) == []
