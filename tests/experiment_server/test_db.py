from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from experiment_server.db import (
    MIGRATIONS,
    Database,
    DatabaseError,
    gate_sqlite,
    migrate,
    sqlite_can_corrupt,
)
from experiment_server.environments.models import Environment
from experiment_server.flags.models import Flag
from experiment_server.migrations.tables import METADATA
from tests.factories import NOW


def environment(key="production"):
    return Environment(key=key, title=key, pseudonym_key="00", created_at=NOW)


def test_schema__after_migration__equals_the_models(database):
    with database.connect() as connection:
        differences = compare_metadata(
            MigrationContext.configure(connection, opts={"compare_type": True}), METADATA
        )

    assert differences == []


def test_write__that_raises__leaves_nothing(database):
    def change_and_fail():
        with database.write() as session:
            session.add(environment())
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change_and_fail()

    with database.read() as session:
        assert session.get(Environment, 1) is None


def test_read__with_a_change__throws_it_away(database):
    with database.read() as session:
        session.add(environment())
        session.flush()

    with database.read() as session:
        assert session.exec(sa.select(sa.func.count(Environment.id))).scalar_one() == 0


@pytest.mark.parametrize("value", [3, 7.5, "3", True, None, [3], {"a": 3}])
def test_json__of_any_kind__comes_back_as_it_was(database, value):
    now = {"created_at": NOW, "updated_at": NOW}
    with database.write() as session:
        session.add(Flag(key="k", title="t", value_type="json", default_value=value, **now))

    with database.read() as session:
        found = session.get(Flag, 1).default_value
    assert (type(found), found) == (type(value), value)


def test_times__come_back__aware_and_equal(database):
    with database.write() as session:
        session.add(environment())

    with database.read() as session:
        assert session.get(Environment, 1).created_at == NOW


def test_writes__from_many_threads__none_is_lost(database):
    with database.write() as session:
        session.add(environment())

    def bump(_):
        with database.write() as session:
            row = session.get(Environment, 1, with_for_update=True)
            row.payload_version += 1

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(bump, range(100)))

    with database.read() as session:
        assert session.get(Environment, 1).payload_version == 101


def test_migrate__of_a_database_in_use__keeps_its_rows_and_fills_what_is_new(tmp_path):
    before = Database(f"sqlite:///{tmp_path}/old.db")
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with before.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        row = {"key": "old", "title": "Old", "pseudonym_key": "00", "payload_version": 7}
        columns = ", ".join([*row, "created_at"])
        values = ", ".join(f":{name}" for name in row)
        connection.execute(
            sa.text(f"INSERT INTO environment ({columns}) VALUES ({values}, '2026-01-01')"), row
        )

    migrate(before)

    with before.read() as session:
        found = session.get(Environment, 1)
    assert (found.payload_version, found.secret_attributes) == (7, ["email"])
    before.dispose()


def test_migrate__by_servers_that_start_together__runs_once(database_url, database):
    with database.connect() as connection:
        METADATA.drop_all(connection)
        connection.execute(sa.text("DROP TABLE alembic_version"))
    servers = [Database(database_url) for _ in range(4)]

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrate, servers))

    newest = max(path.name[:4] for path in (MIGRATIONS / "versions").glob("0*.py"))
    with database.read() as session:
        assert session.exec(sa.text("SELECT version_num FROM alembic_version")).all() == [(newest,)]
    for server in servers:
        server.dispose()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sqlite__each_connection__is_durable_and_checks_references(database):
    with database.connect() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }

    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sqlite__driver__is_one_without_the_wal_reset_bug(database):
    with database.read() as session:
        version = session.exec(sa.text("SELECT sqlite_version()")).one()[0]

    assert not sqlite_can_corrupt(tuple(int(part) for part in version.split(".")))


@pytest.mark.parametrize(
    ("version", "bad"),
    [
        ((3, 6, 23), False),
        ((3, 7, 0), True),
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 53, 4), False),
    ],
)
def test_sqlite_gate__knows_the_versions_that_corrupt(version, bad):
    assert sqlite_can_corrupt(version) == bad


def test_sqlite_gate__bad_version_and_two_workers__refuses_with_a_remedy():
    with pytest.raises(DatabaseError, match=r"3\.40\.1.*pysqlite3"):
        gate_sqlite((3, 40, 1), workers=2)


def test_database__unknown_backend__names_the_variable():
    with pytest.raises(DatabaseError, match="MOMENTUM_DATABASE_URL"):
        Database("mysql://localhost/momentum")


def test_database__sqlite_in_memory__is_refused_with_an_example():
    with pytest.raises(DatabaseError, match=r"sqlite:///momentum\.db"):
        Database("sqlite://")
