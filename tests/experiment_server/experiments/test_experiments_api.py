from datetime import UTC, datetime, timedelta

import pytest

from experiment_server.scores.models import ScoreVersion
from tests.factories import NOW, make_environment

URL = "/api/v1/environments/production/experiments"
EXPERIMENT = {
    "key": "badge",
    "title": "Welcome badge",
    "hypothesis": "A badge on the first day brings learners back.",
    "domain": "incentive",
    "variants": [
        {"key": "control", "payload": {"badge": False}},
        {"key": "badge", "weight": 3, "payload": {"badge": True}},
    ],
    "metrics": [
        {"metric": "energize_score", "role": "primary"},
        {"metric": "sales", "role": "guardrail", "minimum_effect": 5},
    ],
}


@pytest.fixture
def draft(client, editor):
    return client.post(URL, json=EXPERIMENT, headers=editor)


def do(client, editor, action, body=None):
    return client.post(f"{URL}/badge/{action}", json=body, headers=editor)


def put(client, editor, version, **changes):
    body = {name: value for name, value in EXPERIMENT.items() if name != "key"}
    return client.put(
        f"{URL}/badge", json={**body, **changes}, headers={**editor, "If-Match": str(version)}
    )


def test_experiment__created__is_a_draft_with_weights_that_sum_to_1(draft):
    assert draft.status_code == 201
    assert draft.json["state"] == "draft"
    assert [variant["weight"] for variant in draft.json["variants"]] == [0.25, 0.75]


def test_experiment__without_a_schedule__looks_after_the_window_and_a_week_then_weekly(draft):
    assert draft.json["schedule"] == {"looks": 4, "first_after_days": 35, "every_days": 7}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"variants": EXPERIMENT["variants"][:1]}, "variants"),
        ({"variants": [{"key": "a", "weight": 0}, {"key": "b"}]}, "variants[0].weight"),
        ({"variants": [{"key": "a"}, {"key": "a"}]}, "variants[1].key"),
        ({"variants": [{"key": "a"}, {"key": "B !"}]}, "variants[1].key"),
        (
            {"variants": [{"key": "a", "cost_per_learner": 2}, {"key": "b"}]},
            "variants[1].cost_per_learner",
        ),
        (
            {"variants": [{"key": "a", "cost_per_learner": -1}, {"key": "b"}]},
            "variants[0].cost_per_learner",
        ),
        ({"coverage": 1.4}, "coverage"),
        ({"coverage": "NaN"}, "coverage"),
        ({"domain": "prices"}, "domain"),
        ({"unit_kind": "planet"}, "unit_kind"),
        ({"namespace": {"name": "home", "low": 0.6, "high": 0.4}}, "namespace.high"),
        ({"metrics": [{"metric": "sales", "role": "secondary"}]}, "metrics"),
        ({"metrics": [{"metric": "nonsense", "role": "primary"}]}, "metrics[0].metric"),
        ({"metrics": EXPERIMENT["metrics"] + EXPERIMENT["metrics"][1:]}, "metrics[2].metric"),
        ({"schedule": {"looks": 51}}, "schedule.looks"),
        ({"schedule": {"looks": 0}}, "schedule.looks"),
        ({"analysis": {"alpha": 0.9}}, "analysis.alpha"),
        ({"analysis": {"take_up_kinds": ["clicked"]}}, "analysis.take_up_kinds[0]"),
        (
            {"unit_kind": "team", "analysis": {"take_up_kinds": ["reward_claimed"]}},
            "analysis.take_up_kinds",
        ),
        ({"forced": {"ada": "nobody"}}, "forced.'ada'"),
        ({"condition": {"role": {"$in": "x"}}}, "condition.role.$in"),
        ({"key": "UPPER case"}, "key"),
        ({"title": ["a", "list"]}, "title"),
        ({"state": "running"}, "state"),
    ],
)
def test_experiment__that_does_not_fit__names_the_field(client, editor, change, field):
    answer = client.post(URL, json={**EXPERIMENT, **change}, headers=editor)

    assert answer.status_code == 422
    assert field in [error["field"] for error in answer.json["errors"]]
    assert all(error["remedy"] for error in answer.json["errors"])


METRICS = ("sales", "active_days", "retention")


def with_co_primaries(*uses):
    """The experiment's primary, and these beside it."""
    others = [{"role": "co_primary", "minimum_effect": 5, **use} for use in uses]
    return {**EXPERIMENT, "metrics": [EXPERIMENT["metrics"][0], *others]}


def test_co_primaries__two_with_a_minimum_effect__are_kept(client, editor):
    wish = with_co_primaries({"metric": "sales"}, {"metric": METRICS[1]})

    answer = client.post(URL, json=wish, headers=editor)

    assert answer.status_code == 201
    assert [use["role"] for use in answer.json["metrics"]] == ["primary", *["co_primary"] * 2]


def test_co_primaries__three__are_refused_at_the_third(client, editor):
    wish = with_co_primaries(*({"metric": metric} for metric in METRICS))

    answer = client.post(URL, json=wish, headers=editor)

    assert answer.status_code == 422
    (error,) = answer.json["errors"]
    assert (error["field"], error["expected"]) == ("metrics[3].role", "at most 2")
    assert error["found"] == "3 co-primary metrics"
    assert "secondary" in error["remedy"]


def test_co_primary__without_a_minimum_effect__is_asked_for_one(client, editor):
    wish = with_co_primaries({"metric": "sales", "minimum_effect": None})

    answer = client.post(URL, json=wish, headers=editor)

    assert answer.status_code == 422
    (error,) = answer.json["errors"]
    assert error["field"] == "metrics[1].minimum_effect"
    assert "no minimum effect" in error["found"]


def test_experiment__key_of_a_flag__is_refused_and_the_other_way_round(client, editor, draft):
    client.post("/api/v1/flags", json={"key": "home", "title": "Home"}, headers=editor)

    experiment = client.post(URL, json={**EXPERIMENT, "key": "home"}, headers=editor)
    flag = client.post("/api/v1/flags", json={"key": "badge", "title": "Badge"}, headers=editor)

    assert (experiment.status_code, flag.status_code) == (409, 409)


def test_experiment__started__runs_in_a_phase_with_its_own_seed_and_looks(client, editor, draft):
    answer = do(client, editor, "start", {"started_at": "2026-01-05T00:00:00Z"})

    phase = answer.json["phases"][0]
    assert answer.json["state"] == "running"
    assert phase["seed"] == "badge:1"
    assert phase["look_times"] == [
        f"2026-02-{day:02d}T00:00:00Z" if day < 29 else f"2026-03-{day - 28:02d}T00:00:00Z"
        for day in (9, 16, 23, 30)
    ]


def test_experiment__running__cannot_be_edited_started_or_archived(client, editor, draft):
    do(client, editor, "start")

    edited = put(client, editor, 2, title="Another")
    started, archived = do(client, editor, "start"), do(client, editor, "archive")

    assert [edited.status_code, started.status_code, archived.status_code] == [409, 409, 409]


def test_experiment__stopped_edited_and_started_again__is_a_new_phase(client, editor, draft):
    do(client, editor, "start")
    stopped = do(client, editor, "stop", {"reason": "wrong picture"})
    put(client, editor, stopped.json["version"], title="Better badge")

    again = do(client, editor, "start")

    assert again.json["phase"] == 2
    assert [phase["seed"] for phase in again.json["phases"]] == ["badge:1", "badge:2"]
    assert again.json["phases"][0]["stop_reason"] == "wrong picture"


def test_experiment__started_in_the_future__is_refused(client, editor, draft):
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()

    answer = do(client, editor, "start", {"started_at": tomorrow})

    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == "started_at"


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59Z", "1999-01-01T00:00:00Z", "soon", 1e18, True])
def test_experiment__started_at_nonsense__is_4xx(client, editor, draft, at):
    assert 400 <= do(client, editor, "start", {"started_at": at}).status_code < 500


def test_experiment__second_phase_before_the_first_ended__is_refused(client, editor, draft):
    do(client, editor, "start", {"started_at": "2026-01-05T00:00:00Z"})
    do(client, editor, "stop")

    assert do(client, editor, "start", {"started_at": "2026-01-06T00:00:00Z"}).status_code == 422


@pytest.mark.parametrize(
    ("started_at", "frozen"),
    [
        (None, "second"),
        ("2026-02-01T00:00:00Z", "second"),
        ("2026-01-31T23:59:59Z", "first"),
        ("2026-01-04T00:00:00+02:00", None),
    ],
)
def test_experiment__started__freezes_the_latest_score_version_from_before_its_start(
    client, database, editor, draft, started_at, frozen
):
    # the last one is made of a time before the others
    days = {"twin": "2026-02-01", "second": "2026-02-01", "first": "2026-01-04"}
    for version, day in days.items():
        norms = {"calibrated_to": f"{day}T00:00:00+00:00"}
        with database.write() as session:
            session.add(
                ScoreVersion(environment_id=1, version=version, norms=norms, created_at=NOW)
            )

    started = do(client, editor, "start", started_at and {"started_at": started_at})

    assert started.json["score_version"] == frozen


def test_experiment__overlapping_namespace__cannot_start_beside_one_that_runs(client, editor):
    for key, low, high in (("one", 0, 0.6), ("two", 0.5, 1), ("three", 0.6, 1)):
        space = {"name": "home", "low": low, "high": high}
        client.post(URL, json={**EXPERIMENT, "key": key, "namespace": space}, headers=editor)

    answers = [
        client.post(f"{URL}/{key}/start", headers=editor).status_code
        for key in ("one", "two", "three")
    ]

    assert answers == [200, 409, 200]


def test_experiment__of_another_environment__is_not_found_here(client, database, editor, draft):
    make_environment(database, "staging")

    assert client.get(f"{URL}/nothing", headers=editor).status_code == 404
    staging = client.get("/api/v1/environments/staging/experiments/badge", headers=editor)
    assert staging.status_code == 403


def test_experiment__every_change__is_one_audit_entry_with_before_and_after(client, keys, draft):
    admin = keys.manage()
    do(client, admin, "start")
    do(client, admin, "stop")
    do(client, admin, "archive")

    log = client.get("/api/v1/audit?resource=experiment:badge", headers=admin).json["items"]

    assert [entry["action"] for entry in log] == [
        "experiment.archive",
        "experiment.stop",
        "experiment.start",
        "experiment.create",
    ]
    assert [(entry["before"] or {}).get("state") for entry in log] == [
        "stopped",
        "running",
        "draft",
        None,
    ]
    assert all(entry["request_id"] for entry in log)
