"""Readouts, questions and score versions over HTTP."""

import pytest

from experiment_server.app import create_app
from experiment_server.environments import service as environments
from experiment_server.readouts import jobs
from experiment_server.schedule.run import run_jobs
from experiment_server.security.roles import SYSTEM
from tests.factories import NOW, Keys
from tests.lived import DAY, KEY, START, live

READOUTS = f"/api/v1/environments/production/experiments/{KEY}/readouts"
AS_OF = (START + 20 * DAY).isoformat()


@pytest.fixture
def lived(settings, database):
    lived = live(settings, database, n_learners=120, better=1.0)
    run_jobs(lived.state, jobs.JOBS, START + 15 * DAY)
    return lived


@pytest.fixture
def client(lived, settings, database):
    return create_app(settings, database).test_client()


@pytest.fixture
def keys(lived, database):
    return Keys(lived.environment, database)


def test_list__after_a_look__names_it(client, keys):
    items = client.get(READOUTS, headers=keys.manage("viewer")).json["items"]

    assert [(item["look"], item["phase"]) for item in items] == [(1, 1)]
    assert items[0]["verdict"]
    assert items[0]["reason"]


def test_read__a_stored_readout__has_the_plan_it_was_computed_from(client, keys):
    headers = keys.manage("viewer")
    readout_id = client.get(READOUTS, headers=headers).json["items"][0]["id"]

    found = client.get(f"/api/v1/readouts/{readout_id}", headers=headers).json

    assert found["plan"]["experiment"] == KEY
    assert found["readout"]["plan_fingerprint"]
    assert found["readout"]["lake_version"]["events"] >= 0


def test_post__by_an_analyst__reads_now_and_names_no_winner(client, keys):
    answer = client.post(READOUTS, json={"as_of": AS_OF}, headers=keys.manage("analyst"))

    assert answer.status_code == 201
    assert answer.json["look"] is None
    assert answer.json["verdict"] != "SHIP"


def test_post__in_the_future__is_refused(client, keys):
    answer = client.post(
        READOUTS, json={"as_of": "2999-01-01T00:00:00Z"}, headers=keys.manage("analyst")
    )

    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "as_of")


def test_post__before_the_start__is_refused(client, keys):
    answer = client.post(
        READOUTS, json={"as_of": "2025-01-01T00:00:00Z"}, headers=keys.manage("analyst")
    )

    assert answer.status_code == 409


def test_post__by_a_viewer__is_forbidden(client, keys):
    assert client.post(READOUTS, json={}, headers=keys.manage("viewer")).status_code == 403


def test_read__a_readout_of_another_environment__is_forbidden(client, keys, database):
    readout_id = client.get(READOUTS, headers=keys.manage()).json["items"][0]["id"]
    with database.write() as session:
        other = environments.create_environment(session, SYSTEM, "staging", "Staging", NOW)

    answer = client.get(f"/api/v1/readouts/{readout_id}", headers=Keys(other, database).manage())

    assert answer.status_code == 403


def test_list__an_unknown_experiment__is_404(client, keys):
    url = "/api/v1/environments/production/experiments/nope/readouts"

    assert client.get(url, headers=keys.manage()).status_code == 404


def test_questions__over_http__are_five(client, keys):
    answer = client.get("/api/v1/environments/production/questions", headers=keys.manage("viewer"))

    assert answer.status_code == 200
    assert len(answer.json["answers"]) == 5


def test_score__calibrated_and_explained__adds_up(client, keys):
    headers = keys.manage("analyst")
    base = "/api/v1/environments/production"
    made = client.post(
        f"{base}/score-versions",
        json={"until": (START + 28 * DAY).isoformat(), "window_days": 28},
        headers=headers,
    )
    listed = client.get(f"{base}/score-versions", headers=headers).json["items"]
    explained = client.get(f"{base}/learners/learner-3/score", headers=headers)

    assert made.status_code == 201
    assert made.json["version"] in [version["version"] for version in listed]
    assert explained.status_code == 200
    points = sum(component["points"] for component in explained.json["components"])
    assert points == pytest.approx(explained.json["score"])


def test_score__of_somebody_unknown__is_404(client, keys):
    url = "/api/v1/environments/production/learners/nobody/score"

    answer = client.get(url, headers=keys.manage())

    assert answer.status_code == 404


def test_score__calibrated_before_anybody_was_there__is_a_422(client, keys):
    answer = client.post(
        "/api/v1/environments/production/score-versions",
        json={"until": "2020-01-01T00:00:00Z"},
        headers=keys.manage("analyst"),
    )

    assert answer.status_code == 422
    assert "active" in answer.json["detail"]
