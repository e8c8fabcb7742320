"""Versions of the Energize Score: calibrated, tried and shown, by API and on their page."""

import re
from datetime import timedelta
from html import unescape

import pytest

from experiment_server import web
from experiment_server.app import create_app
from experiment_server.audit.service import list_entries
from experiment_server.ingest.sealing import lake_root
from experiment_server.state import State
from tests.analysis.lakes import Population, day, population_lake
from tests.factories import Keys, make_environment, sign_in
from tests.lived import Clock

HTML = {"Accept": "text/html"}
PAGE = "/scores/production"
API = "/api/v1/environments/production/score-versions"
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def program(settings, database):
    """Twelve weeks of history and a server whose clock stands at their end."""
    environment = make_environment(database)
    root = lake_root(settings.lake_dir, environment)
    population_lake(root, Population(n_learners=300, weekly_hazard=0.08))
    state = State(settings=settings, database=database, clock=Clock(day(84)))
    app = create_app(settings, database)
    app.extensions[web.EXTENSION] = state
    return app.test_client(), Keys(environment, database)


def text_of(answer):
    return unescape(re.sub(r"\s+", " ", answer.get_data(True)))


def calibrated(client, keys, until=56):
    body = {"until": (day(until)).isoformat()}
    made = client.post(API, json=body, headers=keys.manage("analyst"))
    assert made.status_code == 201, made.json
    return made.json["version"]


def test_version__tried_by_the_api__keeps_its_report_and_an_audit_entry(program, database):
    client, keys = program
    version = calibrated(client, keys)

    tried = client.post(f"{API}/{version}/validation", headers=keys.manage("analyst"))
    read = client.get(f"{API}/{version}", headers=keys.manage("viewer")).json

    assert tried.status_code == 200, tried.json
    found = read["validation"]
    assert found == tried.json["validation"]
    assert 0.5 < found["score"]["auc"] < 1
    assert {one["name"] for one in found["baselines"]} == {"active_days", "logins"}
    assert len(found["calibration"]) == 10
    assert found["score"]["brier"] < found["brier_base"]
    assert read["norms"] == client.get(API, headers=keys.manage("viewer")).json["items"][0]["norms"]
    with database.read() as session:
        actions = [entry.action for entry in list_entries(session, limit=9)]
    assert {"score.calibrate", "score.validate"} <= set(actions)


def test_version__that_is_not_there_or_cannot_be_tried__says_so(program):
    client, keys = program
    version = calibrated(client, keys)
    headers = keys.manage("analyst")

    unknown = client.post(f"{API}/nothing/validation", headers=headers)
    early = client.post(
        f"{API}/{version}/validation",
        json={"until": (day(0) - timedelta(days=9)).isoformat()},
        headers=headers,
    )

    assert unknown.status_code == 404
    assert early.status_code == 422
    assert "both must be at least 20" in early.json["detail"]


@pytest.mark.parametrize("until", ["0001-01-01T00:00:00Z", "9999-12-31T00:00:00Z"])
def test_version__asked_for_at_a_time_that_nobody_means__names_the_field(program, until):
    client, keys = program
    version = calibrated(client, keys)
    headers = keys.manage("analyst")

    made = client.post(API, json={"until": until}, headers=headers)
    tried = client.post(f"{API}/{version}/validation", json={"until": until}, headers=headers)

    for answer in (made, tried):
        assert answer.status_code == 422
        assert answer.json["errors"][0]["field"] == "until"
        assert answer.json["errors"][0]["expected"] == "a time from 2000-01-01 to tomorrow"


def test_version__of_a_time_to_come__is_refused(program):
    client, keys = program
    body = {"until": (day(84) + timedelta(seconds=1)).isoformat()}

    answer = client.post(API, json=body, headers=keys.manage("analyst"))

    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == "until"


def test_version__of_a_window_longer_than_the_history__is_refused(program):
    client, keys = program
    body = {"until": day(28).isoformat(), "window_days": 56}

    answer = client.post(API, json=body, headers=keys.manage("analyst"))

    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == "window_days"
    assert "at most 27 days" in answer.json["errors"][0]["remedy"]


def test_page__calibrates_tries_and_shows_the_report(program, database):
    client, _ = program
    token = sign_in(client, database, "analyst")
    assert "Not calibrated yet" in text_of(client.get(PAGE, headers=HTML))

    made = client.post(f"{PAGE}/calibrate", data={"csrf_token": token}, headers=HTML)
    shown = text_of(client.get(made.location, headers=HTML))
    assert "The score has a new version" in shown
    assert "It was not tried yet" in shown
    version = re.search(r'name="score_version" value="([^"]+)"', shown)[1]

    data = {"csrf_token": token, "score_version": version}
    tried = client.post(f"{PAGE}/validate", data=data, headers=HTML)
    page = client.get(tried.location, headers=HTML)

    text = text_of(page)
    assert "in the window from" in text
    assert "active days alone" in text
    assert "(Brier score), less than the" in text
    assert page.get_data(True).count("<svg") >= 3
    beats = "does not beat what anybody could count" not in text
    assert beats == ("It does not beat" not in text)


def test_page__version_that_cannot_be_tried__says_why_and_stays(program, database):
    client, keys = program
    version = calibrated(client, keys)
    client.application.extensions[web.EXTENSION].clock.now = day(20)
    token = sign_in(client, database, "analyst")

    answer = client.post(
        f"{PAGE}/validate", data={"csrf_token": token, "score_version": version}, headers=HTML
    )

    assert answer.status_code == 422
    assert "The version cannot be tried" in text_of(answer)
    assert version in text_of(answer)


def test_page__viewer__reads_and_changes_nothing(program, database):
    client, keys = program
    calibrated(client, keys)
    token = sign_in(client, database, "viewer")

    shown = text_of(client.get(PAGE, headers=HTML))

    assert "Half full at" in shown
    assert "Calibrate anew" not in shown
    refused = client.post(f"{PAGE}/calibrate", data={"csrf_token": token}, headers=HTML)
    assert refused.status_code == 403
