"""Fixtures that every test may use: both databases, an app on them, a client."""

import gc
import shutil
from itertools import count

import psycopg
import pytest
import sqlalchemy as sa
import structlog

from experiment_server.app import create_app
from experiment_server.db import Database, migrate
from experiment_server.settings import Settings
from tests import postgresql

TEMPLATE = "momentum_template"
_numbers = count(1)


def pytest_collection_finish():
    """Leave what the imports made to nobody's collection: some libraries collect at each call."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def postgresql_url():
    """The URL of a running, private PostgreSQL server; one per test process."""
    with postgresql.cluster() as url:
        yield url


@pytest.fixture(scope="session")
def postgresql_template(postgresql_url):
    """The name of a migrated database that tests are copied from."""
    _administer(postgresql_url, f"CREATE DATABASE {TEMPLATE}")
    _migrate_once(str(sa.make_url(postgresql_url).set(database=TEMPLATE)))
    return TEMPLATE


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory):
    """A migrated SQLite file that tests are copied from."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    _migrate_once(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path):
    """The URL of a fresh, migrated database: each test runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        path = tmp_path / "momentum.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server = request.getfixturevalue("postgresql_url")
    template = request.getfixturevalue("postgresql_template")
    name = f"test_{next(_numbers)}"
    _administer(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield str(sa.make_url(server).set(database=name))
    _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(database_url):
    """A fresh, migrated database, on SQLite and on PostgreSQL."""
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def settings(database_url, tmp_path):
    """The settings of a server on the test's own database and folders."""
    return Settings(
        database_url=database_url,
        data_dir=tmp_path,
        lake_dir=str(tmp_path / "lake"),
        scheduler=False,
    )


@pytest.fixture
def app(settings, database):
    """The composed application."""
    return create_app(settings, database)


@pytest.fixture
def client(app):
    """A client without a key or a session."""
    return app.test_client()


@pytest.fixture(autouse=True)
def _quiet_logs():
    """Log lines are captured: a test that is about them asks for ``structlog.testing``."""
    structlog.reset_defaults()  # another test's command may have asked for warnings only
    with structlog.testing.capture_logs():
        yield


def _migrate_once(url):
    template = Database(url)
    migrate(template)
    template.dispose()


def _administer(url, statement):
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)
