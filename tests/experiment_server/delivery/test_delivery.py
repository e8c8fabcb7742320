import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from assignment import InMemoryStickyStore, Visit, evaluate, parse_payload
from tests.experiment_server.experiments.test_experiments_api import EXPERIMENT
from tests.factories import make_keys

URL = "/api/v1/environments/production"


def payload(client, key):
    return parse_payload(client.get("/api/v1/payload", headers=key).json)


def run_experiment(client, editor, **changes):
    body = {**EXPERIMENT, **changes}
    assert client.post(f"{URL}/experiments", json=body, headers=editor).status_code == 201
    assert client.post(f"{URL}/experiments/badge/start", headers=editor).status_code == 200


def test_payload__fresh_environment__is_empty_and_names_itself(client, server_key):
    answer = client.get("/api/v1/payload", headers=server_key)

    assert answer.json["features"] == {}
    assert answer.json["momentum"] == {"format": 1, "environment": "production", "version": 1}


def test_payload__draft__is_not_delivered(client, editor, server_key):
    client.post(f"{URL}/experiments", json=EXPERIMENT, headers=editor)

    assert client.get("/api/v1/payload", headers=server_key).json["features"] == {}


def test_payload__running_experiment__splits_learners_by_its_weights(client, editor, server_key):
    run_experiment(client, editor)

    read = payload(client, server_key)
    variants = [evaluate(read, "badge", {"id": f"learner-{n}"}).variant for n in range(4000)]

    assert abs(variants.count("badge") / 4000 - 0.75) < 4 * (0.75 * 0.25 / 4000) ** 0.5
    assert set(variants) == {"badge", "control"}


def test_payload__forced_unit__gets_its_variant_and_is_not_in_the_experiment(
    client, editor, server_key
):
    run_experiment(client, editor, forced={"ada": "badge", "bob": "control"}, coverage=0)

    read = payload(client, server_key)

    answers = [evaluate(read, "badge", {"id": name}) for name in ("ada", "bob", "cyd")]
    assert [answer.variant for answer in answers] == ["badge", "control", "control"]
    assert [answer.reason for answer in answers[:2]] == ["forced", "forced"]
    assert not any(answer.in_experiment for answer in answers)


def test_payload__team_experiment__gives_a_whole_team_one_variant(client, editor, server_key):
    run_experiment(client, editor, unit_kind="team")

    read = payload(client, server_key)
    variants = {
        team: {
            evaluate(read, "badge", {"id": f"{team}-{n}", "team": team}).variant for n in range(9)
        }
        for team in map(str, range(20))
    }

    assert {len(found) for found in variants.values()} == {1}
    assert set.union(*variants.values()) == {"badge", "control"}


def test_payload__experiment_archived__is_gone(client, editor, server_key):
    run_experiment(client, editor)
    client.post(f"{URL}/experiments/badge/stop", headers=editor)
    before = client.get("/api/v1/payload", headers=server_key).json
    client.post(f"{URL}/experiments/badge/archive", headers=editor)
    after = client.get("/api/v1/payload", headers=server_key).json

    assert before["features"].keys() == {"badge"}
    assert after["features"] == {}
    assert after["momentum"]["version"] > before["momentum"]["version"]


def test_payload__second_phase__shuffles_learners_anew(client, editor, server_key):
    run_experiment(client, editor)
    first = payload(client, server_key)
    client.post(f"{URL}/experiments/badge/stop", headers=editor)
    client.post(f"{URL}/experiments/badge/start", headers=editor)
    second = payload(client, server_key)

    learners = [{"id": f"learner-{n}"} for n in range(500)]
    moved = [
        evaluate(first, "badge", each).variant != evaluate(second, "badge", each).variant
        for each in learners
    ]
    assert 100 < sum(moved) < 270  # independent phases: 2 * 0.75 * 0.25 = 37.5 % move


def test_payload__second_phase__is_not_decided_by_what_the_first_left_behind(
    client, editor, server_key
):
    run_experiment(client, editor)
    first, store = payload(client, server_key), InMemoryStickyStore()
    learners = [{"id": f"learner-{n}"} for n in range(200)]
    for learner in learners:
        evaluate(first, "badge", learner, Visit(sticky=store))
    client.post(f"{URL}/experiments/badge/stop", json={"reason": "again"}, headers=editor)
    client.post(f"{URL}/experiments/badge/start", headers=editor)

    second = payload(client, server_key)

    remembered = [evaluate(second, "badge", one, Visit(sticky=store)).variant for one in learners]
    assert remembered == [evaluate(second, "badge", one).variant for one in learners]
    assert remembered != [evaluate(first, "badge", one).variant for one in learners]


def test_payload__flag__follows_its_switch(client, editor, server_key):
    client.post("/api/v1/flags", json={"key": "home", "title": "Home"}, headers=editor)
    rules = [{"condition": {"role": "seller"}, "value": True}]
    seen = []
    for version, enabled in enumerate((True, False)):
        client.put(
            "/api/v1/flags/home/environments/production",
            json={"enabled": enabled, "rules": rules},
            headers={**editor, "If-Match": str(version)},
        )
        answer = evaluate(payload(client, server_key), "home", {"id": "a", "role": "seller"})
        seen.append((answer.value, answer.reason))

    assert seen == [(True, "targeting_match"), (False, "off")]


def test_payload__unchanged__is_304_until_a_change(client, editor, server_key):
    etag = client.get("/api/v1/payload", headers=server_key).headers["ETag"]
    asking = {**server_key, "If-None-Match": etag}

    before = client.get("/api/v1/payload", headers=asking)
    run_experiment(client, editor)
    after = client.get("/api/v1/payload", headers=asking)

    assert (before.status_code, before.data, after.status_code) == (304, b"", 200)
    assert after.json["momentum"]["version"] == 2


def test_payload__other_environment__is_untouched_by_a_change(client, database, editor, server_key):
    staging = make_keys(database, "staging").headers("server")
    run_experiment(client, editor)

    assert client.get("/api/v1/payload", headers=staging).json["features"] == {}


def test_payload__database_down__is_served_from_memory(
    client, app, editor, server_key, monkeypatch
):
    run_experiment(client, editor)
    before = client.get("/api/v1/payload", headers=server_key)

    def broken(*_args, **_kwargs):
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    monkeypatch.setattr(sa.engine.Engine, "connect", broken)
    after = client.get("/api/v1/payload", headers=server_key)
    other = client.get("/api/v1/flags", headers=editor)

    assert (after.status_code, after.data) == (200, before.data)
    assert (other.status_code, other.headers["Retry-After"]) == (503, "2")


@pytest.mark.parametrize("role", ["viewer", "admin"])
def test_payload__management_key__is_refused(client, keys, role):
    assert client.get("/api/v1/payload", headers=keys.manage(role)).status_code == 403
