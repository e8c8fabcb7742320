"""Where the server reads its lake."""

from dataclasses import replace

import pytest

from experiment_server.app import create_app
from experiment_server.environments.service import load_environment
from experiment_server.ingest.place import open_lake
from experiment_server.state import State
from tests.factories import Keys
from tests.lived import DAY, KEY, START, live

READOUTS = f"/api/v1/environments/production/experiments/{KEY}/readouts"
NOWHERE = "spark:active"  # this process has no session


@pytest.fixture
def lived(settings, database):
    return live(settings, database, n_learners=20)


def test_lake__of_a_server_without_setting__is_read_by_duckdb(lived, settings, database):
    state = State(settings=settings, database=database)
    with database.read() as session:
        environment = load_environment(session, "production")

    assert open_lake(state, environment, fresh=True).engine == "duckdb"


def test_post__an_engine_that_is_not_there__says_so(lived, settings, database):
    app = create_app(replace(settings, analytics_engine=NOWHERE), database)
    headers = Keys(lived.environment, database).manage("analyst")

    answer = app.test_client().post(
        READOUTS, json={"as_of": (START + 20 * DAY).isoformat()}, headers=headers
    )

    assert answer.status_code == 503
    assert "this process has no Spark session" in answer.json["detail"]


def test_command__engine_that_is_not_there__says_so(lived, momentum):
    refused = momentum("readout", KEY, "--engine", NOWHERE)

    assert refused.code == 2
    assert "this process has no Spark session" in refused.refusal


def test_command__engine_of_this_process__reads(lived, momentum):
    read = momentum("readout", KEY, "--engine", "duckdb", "--as-of", f"{START + 20 * DAY:%Y-%m-%d}")

    assert read.code == 0
    assert "Stored as readout" in read.text


def test_command__no_such_engine__names_those_there_are(lived, momentum):
    with pytest.raises(ValueError, match="expected duckdb or the address of a Spark master"):
        momentum("readout", KEY, "--engine", "flink")
