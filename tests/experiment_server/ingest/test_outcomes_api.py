"""POST /api/v1/outcomes, down to what the lake shows."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from analysis.lake.reader import Lake
from experiment_server.environments.service import load_environment
from experiment_server.ingest.outcome_service import forget_learner, receive_outcomes
from experiment_server.ingest.pseudonyms import Pseudonyms
from experiment_server.ingest.sealing import lake_root, seal_all

GOOD = {"learner": "ada", "name": "sales", "day": "2026-03-01", "value": 1250.0}


def send(client, headers, *items):
    return client.post("/api/v1/outcomes", json={"items": list(items)}, headers=headers)


def values_shown(database, settings):
    """What the lake shows of each learner's name and day, as events."""
    with database.read() as session:
        environment = load_environment(session, "production")
    root = lake_root(settings.lake_dir, environment)
    seal_all(database, environment, root)
    rows = Lake.open(root).table("events").to_pyarrow().to_pylist()
    return sorted((row["kind"], row["occurred_at"].isoformat(), row["value"]) for row in rows)


def test_outcomes__good_and_bad__take_the_good_and_hold_the_bad(client, keys, server_key, editor):
    answer = send(client, server_key, GOOD, {**GOOD, "value": "much"}, GOOD)

    held = client.get("/api/v1/environments/production/quarantine", headers=editor).json["items"]
    assert answer.status_code == 202
    assert (answer.json["accepted"], answer.json["duplicates"]) == (1, 1)
    assert [(one["index"], one["field"]) for one in answer.json["refused"]] == [(1, "value")]
    assert [(one["standard"], one["field"]) for one in held] == [("outcomes", "value")]


def test_outcomes__corrected_and_back__show_the_last_value_at_noon(
    client, database, settings, server_key
):
    for value in (5, 7, 5):
        assert send(client, server_key, {**GOOD, "value": value}).json["accepted"] == 1
    assert send(client, server_key, {**GOOD, "value": 5}).json["duplicates"] == 1

    shown = values_shown(database, settings)

    assert shown == [("outcome:sales", "2026-03-01T12:00:00+00:00", 5.0)]


def test_outcomes__sent_again_after_sealing__change_nothing(client, database, settings, server_key):
    items = [{**GOOD, "id": f"crm-{n}", "name": f"kpi-{n}"} for n in range(3)]
    send(client, server_key, *items)
    once = values_shown(database, settings)

    again = send(client, server_key, *items).json

    assert (again["accepted"], again["duplicates"]) == (0, 3)
    assert values_shown(database, settings) == once
    assert len(once) == 3


def test_outcomes__id_of_an_event__is_another_id(client, database, settings, server_key):
    event = {
        "type": "event",
        "id": "same",
        "kind": "sale",
        "learner": "ada",
        "at": "2026-03-01T09:00:00Z",
    }
    client.post("/api/v1/events", json={"items": [event]}, headers=server_key)

    assert send(client, server_key, {**GOOD, "id": "same"}).json["accepted"] == 1
    assert len(values_shown(database, settings)) == 2


def test_outcomes__many_senders_of_one_fact__are_taken_once(database, keys):
    items = [{**GOOD, "learner": f"l-{n}"} for n in range(20)]

    def send_all(seed):
        ordered = items if seed % 2 else items[::-1]
        now = datetime(2026, 3, 2, tzinfo=UTC)
        return receive_outcomes(database, keys.environment.id, ordered, now).accepted

    with ThreadPoolExecutor(6) as pool:
        accepted = list(pool.map(send_all, range(12)))

    assert sum(accepted) == len(items)


def test_outcomes__replayed_after_a_newer_value__leave_the_newer_one(
    client, database, settings, keys, server_key, editor
):
    future = datetime.now(UTC).date().replace(year=datetime.now(UTC).year + 1, day=1).isoformat()
    send(client, server_key, GOOD, {**GOOD, "day": future})

    done = client.post(
        "/api/v1/environments/production/quarantine/replay", json={}, headers=editor
    ).json

    assert done == {"n_replayed": 0, "n_kept": 1, "n_left": 0}
    assert len(values_shown(database, settings)) == 1


@pytest.mark.parametrize("kind", ["client", "management"])
def test_outcomes__key_that_is_not_a_server_s__is_refused(client, keys, kind):
    headers = keys.manage("admin") if kind == "management" else keys.headers(kind)

    assert send(client, headers, GOOD).status_code == 403


@pytest.mark.parametrize("body", [[], {}, {"items": []}, {"items": {}}, {"items": [1]}])
def test_outcomes__body_that_is_no_batch__is_refused_with_a_remedy(client, server_key, body):
    answer = client.post("/api/v1/outcomes", json=body, headers=server_key)

    assert answer.status_code == 422
    assert answer.json["errors"][0]["remedy"]


def test_forget_learner__current_outcomes__leave_with_it_and_others_stay(
    client, database, keys, server_key
):
    send(client, server_key, GOOD, {**GOOD, "name": "calls"}, {**GOOD, "learner": "ben"})
    ada = Pseudonyms(keys.environment.pseudonym_key).learner("ada")

    with database.write() as session:
        n_forgotten = forget_learner(session, keys.environment.id, ada)

    again = send(client, server_key, GOOD, {**GOOD, "learner": "ben"}).json
    assert n_forgotten == 2
    assert (again["accepted"], again["duplicates"]) == (1, 1)


def test_outcomes__whose_id_somebody_sent_as_an_event__are_taken_all_the_same(
    client, keys, server_key
):
    """A client key is public: what it sends must not make a server's outcomes repeats."""
    event = {"type": "event", "id": "outcome:crm-1", "kind": "sale", "learner": "eve"}
    event["at"] = "2026-03-01T09:30:00Z"
    headers = {"Authorization": f"Bearer {keys.secret('client')}"}

    sent = client.post("/api/v1/events", json={"items": [event]}, headers=headers)

    assert sent.status_code == 422
    assert sent.json["refused"][0]["field"] == "id"
    assert send(client, server_key, {**GOOD, "id": "crm-1"}).json["accepted"] == 1
