"""A learner's attributes with their history, for admins only."""

import pytest

from experiment_server.audit.service import list_entries
from experiment_server.environments.service import load_environment
from experiment_server.ingest.sealing import lake_root, seal_all
from tests.factories import make_keys

URL = "/api/v1/environments/production/learners"


def described(number, at, **attributes):
    return {
        "type": "learner",
        "id": f"d-{number}",
        "learner": "ada",
        "at": f"2026-01-{at:02}T00:00:00Z",
        "attributes": attributes,
    }


@pytest.fixture
def keys(client, database, settings):
    """Ada was a seller, then a lead; her descriptions arrived in the other order."""
    keys = make_keys(database)
    items = [
        described(2, 20, role="lead"),
        described(1, 5, role="seller", region="north", team="red", started_on="2025-11-03"),
    ]
    sent = client.post("/api/v1/events", json={"items": items}, headers=keys.headers())
    assert sent.json["accepted"] == 2, sent.json
    seal_all(database, keys.environment, lake_root(settings.lake_dir, keys.environment))
    return keys


def test_attributes__of_a_learner__are_told_with_their_history(client, keys):
    answer = client.get(f"{URL}/ada/attributes", headers=keys.manage("admin"))

    assert answer.status_code == 200, answer.json
    first, second = answer.json["statements"]
    assert (first["role"], first["region"], first["started_on"]) == (
        "seller",
        "north",
        "2025-11-03",
    )
    assert (second["role"], second["region"], second["said_by"]) == ("lead", None, "description")
    assert first["team"] not in (None, "red")
    assert "ada" not in answer.get_data(True)


def test_attributes__each_reading__is_in_the_audit_log_under_the_pseudonym(client, keys, database):
    pseudonym = client.get(f"{URL}/ada/attributes", headers=keys.manage("admin")).json["learner"]

    with database.read() as session:
        place = load_environment(session, "production")
        entries = list_entries(session, limit=5, environment_id=place.id)
    assert ("learner.read", f"learner:{pseudonym}") in [
        (entry.action, entry.resource) for entry in entries
    ]


@pytest.mark.parametrize("role", ["viewer", "analyst", "editor"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_attributes__asked_by_others_than_admins__are_refused(client, keys, role):
    answer = client.get(f"{URL}/ada/attributes", headers=keys.manage(role))

    assert answer.status_code == 403


def test_attributes__of_nobody__is_404_and_says_what_to_check(client, keys):
    answer = client.get(f"{URL}/bo/attributes", headers=keys.manage("admin"))

    assert answer.status_code == 404
    assert "as your LMS sends it" in answer.json["detail"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_attributes__asked_very_often__is_429(client, keys):
    headers = keys.manage("admin")

    codes = [client.get(f"{URL}/bo/attributes", headers=headers).status_code for _ in range(31)]

    assert codes[-1] == 429
    assert set(codes[:-1]) == {404}
