"""Holdouts, down to what SDKs decide."""

import pytest

from assignment import evaluate, parse_payload
from tests.experiment_server import official_sdk
from tests.experiment_server.experiments.test_experiments_api import EXPERIMENT

ENVIRONMENT = "/api/v1/environments/production"
LEARNERS = [{"id": f"learner-{number}", "team": f"team-{number % 60}"} for number in range(1200)]
HOLDOUT = {"key": "q4", "title": "Fourth quarter", "share": 0.2}


@pytest.fixture
def post(client, editor):
    def act(path, body=None, status=201):
        answer = client.post(f"{ENVIRONMENT}/{path}", json=body, headers=editor)
        assert answer.status_code == status, answer.text
        return answer.json

    return act


@pytest.fixture
def run(post):
    """Defines an experiment and starts it."""

    def make(key, **changes):
        post("experiments", {**EXPERIMENT, "key": key, **changes})
        return post(f"experiments/{key}/start", status=200)

    return make


@pytest.fixture
def decided(client, keys):
    server_key = keys.headers("server")

    def ask(key):
        read = parse_payload(client.get("/api/v1/payload", headers=server_key).json)
        return [evaluate(read, key, learner) for learner in LEARNERS]

    return ask


def held(evaluations):
    return {number for number, each in enumerate(evaluations) if each.reason == "held_out"}


def test_holdout__keeps_the_same_share_out_of_every_experiment_that_starts(post, run, decided):
    made = post("holdouts", HOLDOUT)
    run("ladder")
    run("quest", unit_kind="team")

    ladder, quest = decided("ladder"), decided("quest")

    assert made["ended_at"] is None
    assert held(ladder) == held(quest)
    share = len(held(ladder)) / len(LEARNERS)
    assert abs(share - 0.2) < 4 * (0.2 * 0.8 / len(LEARNERS)) ** 0.5
    kept_out = [ladder[number] for number in held(ladder)]
    assert {(each.variant, each.in_experiment) for each in kept_out} == {("control", False)}


def test_holdout__official_sdk__gives_them_the_control_and_exposes_nobody_of_them(
    post, run, decided, client, keys
):
    post("holdouts", HOLDOUT)
    run("ladder", namespace={"name": "incentives", "low": 0, "high": 0.6})
    ours = decided("ladder")
    features = client.get(f"/api/features/{keys.secret('client')}").json["features"]

    theirs, exposed = official_sdk.ask(features, "ladder", LEARNERS)

    assert theirs == [each.value for each in ours]
    assert exposed == {number for number, each in enumerate(ours) if each.in_experiment}
    assert held(ours)
    assert not exposed & held(ours)


def test_holdout__of_a_domain__leaves_others_alone(post, run, decided):
    post("holdouts", {**HOLDOUT, "domain": "messaging"})
    run("ladder")
    run("nudge", domain="messaging")

    assert held(decided("ladder")) == set()
    assert held(decided("nudge"))


def test_holdout__of_teams__keeps_whole_teams_out(post, run, decided):
    post("holdouts", {**HOLDOUT, "unit_kind": "team"})
    run("ladder")
    out = held(decided("ladder"))

    teams = {LEARNERS[number]["team"] for number in out}

    assert 0 < len(teams) < 60
    assert out == {n for n, learner in enumerate(LEARNERS) if learner["team"] in teams}


def test_holdout__started_later__moves_nobody_who_is_in_a_running_experiment(post, run, decided):
    run("ladder")
    before = decided("ladder")
    post("holdouts", HOLDOUT)

    assert decided("ladder") == before


def test_holdout__that_includes_what_runs__takes_its_units_out_and_moves_no_other(
    post, run, decided
):
    run("ladder")
    before = decided("ladder")
    post("holdouts", {**HOLDOUT, "includes_running": True})
    after = decided("ladder")

    out = held(after)
    assert out
    stayed = [n for n in range(len(LEARNERS)) if n not in out]
    assert [after[n].variant for n in stayed] == [before[n].variant for n in stayed]


def test_holdout__ended__lets_them_in(post, run, decided):
    post("holdouts", HOLDOUT)
    run("ladder")
    before = decided("ladder")
    ended = post("holdouts/q4/end", {"reason": "the quarter is over"}, status=200)
    after = decided("ladder")

    assert ended["end_reason"] == "the quarter is over"
    assert held(after) == set()
    stayed = [n for n in range(len(LEARNERS)) if n not in held(before)]
    assert [after[n].variant for n in stayed] == [before[n].variant for n in stayed]
    post("holdouts/q4/end", status=409)


def test_holdout__what_is_shipped__stays_from_them_until_it_ends(post, run, decided):
    post("holdouts", HOLDOUT)
    run("ladder")
    out = held(decided("ladder"))
    after = {"after": {"rule": "ship", "variant": "badge"}}
    post("experiments/ladder/stop", after, status=200)

    shipped = decided("ladder")
    assert held(shipped) == out
    assert {each.variant for n, each in enumerate(shipped) if n not in out} == {"badge"}
    post("holdouts/q4/end", status=200)
    assert {each.variant for each in decided("ladder")} == {"badge"}


def test_holdout__measured_by_an_experiment__compares_those_held_out_with_all_others(
    post, run, decided
):
    post("holdouts", HOLDOUT)
    run("ladder")
    variants = [{"key": "held-out"}, {"key": "open"}]
    measure = run("measure", holdout_key="q4", variants=variants)

    sides = decided("measure")

    assert measure["variants"][0]["weight"] == pytest.approx(0.2)
    assert {n for n, each in enumerate(sides) if each.variant == "held-out"} == held(
        decided("ladder")
    )
    assert all(each.in_experiment for each in sides)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"coverage": 0.5}, "coverage"),
        ({"unit_kind": "team"}, "unit_kind"),
        ({"variants": [{"key": "a"}, {"key": "b"}, {"key": "c"}]}, "variants"),
    ],
    ids=["coverage", "unit", "variants"],
)
def test_measuring__other_units_than_the_holdouts__is_422(post, changes, field):
    post("holdouts", HOLDOUT)
    body = {**EXPERIMENT, "key": "measure", "holdout_key": "q4", **changes}

    refused = post("experiments", body, status=422)

    assert field in [each["field"] for each in refused["errors"]]


def test_measuring__after_the_end__is_409(post):
    post("holdouts", HOLDOUT)
    post("experiments", {**EXPERIMENT, "key": "measure", "holdout_key": "q4"})
    post("holdouts/q4/end", status=200)

    refused = post("experiments/measure/start", status=409)

    assert "has ended" in refused["detail"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"share": 0.6}, "share"),
        ({"share": 0}, "share"),
        ({"domain": "weather"}, "domain"),
        ({"unit_kind": "school"}, "unit_kind"),
    ],
    ids=["too much", "nothing", "domain", "unit"],
)
def test_holdout__that_makes_no_sense__is_422(post, changes, field):
    refused = post("holdouts", {**HOLDOUT, **changes}, status=422)

    assert refused["errors"][0]["field"] == field


def test_holdout__key_taken__is_409_even_after_its_end(post):
    post("holdouts", HOLDOUT)
    post("holdouts", HOLDOUT, status=409)
    post("holdouts/q4/end", status=200)
    post("holdouts", HOLDOUT, status=409)


def test_holdout__title__changes_with_the_current_version_and_nothing_else_does(
    post, client, editor
):
    post("holdouts", HOLDOUT)
    url = f"{ENVIRONMENT}/holdouts/q4"
    headers = {**editor, "If-Match": client.get(url, headers=editor).headers["ETag"].strip('"')}

    renamed = client.put(url, json={"title": "Autumn"}, headers=headers)
    stale = client.put(url, json={"title": "Winter"}, headers=headers)
    unsaid = client.put(url, json={"title": "Winter"}, headers=editor)
    wider = client.put(url, json={"title": "Autumn", "share": 0.3}, headers=headers)

    assert (renamed.status_code, renamed.json["title"]) == (200, "Autumn")
    assert (stale.status_code, unsaid.status_code, wider.status_code) == (412, 428, 422)


def test_holdout__is_listed_and_in_the_audit_log(post, client, editor, keys):
    post("holdouts", HOLDOUT)
    post("holdouts/q4/end", status=200)

    listed = client.get(f"{ENVIRONMENT}/holdouts", headers=editor).json["items"]
    audit = client.get("/api/v1/audit", headers=keys.manage("admin")).json["items"]

    assert [each["key"] for each in listed] == ["q4"]
    assert {"holdout.start", "holdout.end"} <= {each["action"] for each in audit}
