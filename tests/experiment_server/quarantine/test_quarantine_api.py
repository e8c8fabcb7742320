"""The quarantine over HTTP: listing, counting, replaying after the cause is gone, discarding."""

import pytest
from sqlmodel import select

from analysis.lake.reader import Lake
from experiment_server.audit.models import AuditEntry
from experiment_server.environments.service import load_environment
from experiment_server.experiments.models import Experiment
from experiment_server.ingest.sealing import lake_root, seal_all
from tests.factories import NOW, sign_in

AT = "2026-03-01T09:30:00Z"
EXPOSURE = {
    "type": "exposure",
    "id": "x-1",
    "experiment": "badge",
    "variant": "plain",
    "learner": "ada",
    "at": AT,
}
STROLL = {"type": "event", "id": "e-1", "kind": "stroll", "learner": "ada", "at": AT}
QUARANTINE = "/api/v1/environments/production/quarantine"


@pytest.fixture
def waiting(client, server_key):
    """An exposure of an experiment that nobody started, and an event of an unknown kind."""
    answer = client.post("/api/v1/events", json={"items": [EXPOSURE, STROLL]}, headers=server_key)
    assert answer.status_code == 422


def start_experiment(database, environment_id):
    with database.write() as session:
        session.add(
            Experiment(
                environment_id=environment_id,
                key="badge",
                title="Badge",
                domain="incentive",
                variants=[{"key": "plain", "weight": 0.5}, {"key": "badge", "weight": 0.5}],
                metrics=[],
                phase=1,
                created_at=NOW,
                updated_at=NOW,
            )
        )


def sealed(database, settings, table):
    with database.read() as session:
        environment = load_environment(session, "production")
    root = lake_root(settings.lake_dir, environment)
    seal_all(database, environment, root)
    return Lake.open(root).table(table).to_pyarrow().to_pylist()


def test_list__editor__sees_each_thing_with_reason_and_remedy(client, editor, waiting):
    listed = client.get(QUARANTINE, headers=editor).json["items"]
    only = client.get(f"{QUARANTINE}?standard=native&status=waiting&limit=1", headers=editor).json
    rest = client.get(f"{QUARANTINE}?after={only['next']}", headers=editor).json["items"]

    assert {(item["field"], item["status"], item["times"]) for item in listed} == {
        ("experiment", "waiting", 1),
        ("kind", "waiting", 1),
    }
    assert all(item["remedy"] and item["raw"].startswith("{") for item in listed)
    assert [item["id"] for item in only["items"] + rest] == [item["id"] for item in listed]


@pytest.mark.parametrize("query", ["status=gone", "status=%00", "limit=0", "cause=%00"])
def test_list__query_that_cannot_be__is_refused(client, editor, query):
    assert client.get(f"{QUARANTINE}?{query}", headers=editor).status_code == 422


def test_counts__of_two_causes__say_what_to_do(client, editor, waiting):
    counted = client.get(f"{QUARANTINE}/counts", headers=editor).json

    assert counted["n_waiting"] == 2
    assert {(one["field"], one["n_items"]) for one in counted["items"]} == {
        ("experiment", 1),
        ("kind", 1),
    }


def test_replay__experiment_started_since__takes_the_exposure_once(
    client, database, settings, keys, editor, waiting
):
    start_experiment(database, keys.environment.id)

    first = client.post(f"{QUARANTINE}/replay", json={}, headers=editor).json
    second = client.post(f"{QUARANTINE}/replay", json={}, headers=editor).json

    exposures = sealed(database, settings, "exposures")
    assert first == {"n_replayed": 1, "n_kept": 1, "n_left": 0}
    assert second == {"n_replayed": 0, "n_kept": 1, "n_left": 0}
    assert [(row["event_id"], row["variant"]) for row in exposures] == [("x-1", "plain")]


def test_replay__thing_that_the_host_sent_again_meanwhile__counts_once(
    client, database, settings, keys, editor, server_key, waiting
):
    start_experiment(database, keys.environment.id)
    client.post("/api/v1/events", json={"items": [EXPOSURE]}, headers=server_key)

    done = client.post(f"{QUARANTINE}/replay", json={}, headers=editor).json

    assert done["n_replayed"] == 1
    assert len(sealed(database, settings, "exposures")) == 1


def test_replay__learner_item_of_a_client_key__is_still_refused(client, keys, editor):
    item = {"type": "learner", "id": "l", "learner": "ada", "at": AT, "attributes": {}}
    client.post("/api/v1/events", json={"items": [item]}, headers=keys.headers("client"))

    done = client.post(f"{QUARANTINE}/replay", json={}, headers=editor).json

    assert done == {"n_replayed": 0, "n_kept": 1, "n_left": 0}


def test_discard__one_cause__keeps_the_other_and_is_audited(client, database, editor, waiting):
    body = {"cause": "'stroll' is unknown", "reason": "a test client"}

    done = client.post(f"{QUARANTINE}/discard", json=body, headers=editor).json

    listed = client.get(QUARANTINE, headers=editor).json["items"]
    with database.read() as session:
        actions = set(session.exec(select(AuditEntry.action)))
    assert done == {"n_discarded": 1}
    assert {item["field"]: item["status"] for item in listed} == {
        "experiment": "waiting",
        "kind": "discarded",
    }
    assert "quarantine.discard" in actions


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"reason": ""},
        {"reason": "x", "ids": [0]},
        {"reason": "x", "ids": [2**60]},
        {"reason": "x", "cause": "\x00"},
        {"reason": "x", "what": 1},
    ],
)
def test_discard__body_that_does_not_fit__is_refused(client, editor, waiting, body):
    answer = client.post(f"{QUARANTINE}/discard", json=body, headers=editor)

    assert answer.status_code in (400, 422)


@pytest.mark.parametrize("role", ["viewer", "analyst"])
def test_quarantine__role_that_may_not_see_raw_ids__is_refused(client, keys, waiting, role):
    headers = keys.manage(role)

    assert client.get(QUARANTINE, headers=headers).status_code == 403
    assert client.get(f"{QUARANTINE}/counts", headers=headers).status_code == 403
    assert client.post(f"{QUARANTINE}/replay", json={}, headers=headers).status_code == 403


def test_page__replay_and_discard__act_and_say_so(client, database, keys, waiting):
    token = sign_in(client, database, "editor")
    start_experiment(database, keys.environment.id)
    shown = client.get("/quarantine/production").text
    cause = "'badge' is not an experiment of this environment"
    forms = {"standard": "native", "csrf_token": token}

    client.post("/quarantine/production/replay", data={**forms, "cause": cause})
    half = client.get("/quarantine/production").text
    unsaid = client.post(
        "/quarantine/production/discard", data={**forms, "cause": "'stroll' is unknown"}
    )
    client.post(
        "/quarantine/production/discard",
        data={**forms, "cause": "'stroll' is unknown", "reason": "a test client"},
    )
    empty = client.get("/quarantine/production?notice=discarded").text

    assert "&#39;stroll&#39; is unknown" in shown
    assert 'Quarantine <span class="count">2</span>' in shown
    assert 'Quarantine <span class="count">1</span>' in half
    assert unsaid.status_code == 422
    assert "Nothing waits" in empty
    assert "set aside" in empty


def test_page__viewer__sees_neither_it_nor_its_count(client, database, waiting):
    sign_in(client, database, "viewer")

    assert client.get("/quarantine/production").status_code == 403
    assert "Quarantine" not in client.get("/flags/production").text
