"""A metric's preview through the server: before it is stored, and after."""

from threading import Thread

import pytest

from analysis.bounded import TookTooLong
from analysis.results import NotEstimable
from experiment_server import web
from experiment_server.app import create_app
from experiment_server.ingest.place import open_lake
from experiment_server.metrics import service as metrics
from experiment_server.problems import Problem
from experiment_server.readouts import metric_previews
from experiment_server.readouts.metric_previews import PreviewMemory, preview_metric
from tests.factories import Keys, make_environment
from tests.lived import DAY, START, live

URL = "/api/v1/environments/production/metrics"
CHALLENGES = {
    "title": "Challenges",
    "kind": "count",
    "event_kinds": ["challenge_completed"],
    "window_days": 7,
    "minimum_effect": 0.5,
}


@pytest.fixture
def lived(settings, database):
    """A program that lived three weeks, all of it in the lake, on its twentieth day."""
    found = live(settings, database, n_learners=240)
    open_lake(found.state, found.environment, fresh=True)
    found.state.clock.now = START + 20 * DAY
    return found


@pytest.fixture
def program(lived, settings, database):
    app = create_app(settings, database)
    app.extensions[web.EXTENSION] = lived.state
    return app.test_client(), Keys(lived.environment, database)


def test_preview__unsaved_definition__is_what_it_would_have_been(program):
    client, keys = program

    answer = client.post(f"{URL}/preview", json=CHALLENGES, headers=keys.manage("analyst"))

    assert answer.status_code == 200, answer.json
    found = answer.json["preview"]
    assert found["n_learners"] >= 100
    assert sum(each["n"] for each in found["bins"]) == found["n_learners"]
    assert 0.5 < found["mean"] < 4
    assert [each["what"] for each in found["detections"]] == ["relative", "minimum"]
    assert found["detections"][1]["n_learners"] > 50
    assert answer.json["cannot"] is None


def test_preview__stored_metric__is_that_of_its_definition(program):
    client, keys = program
    headers = keys.manage("viewer")
    unsaved = client.post(f"{URL}/preview", json=CHALLENGES, headers=keys.manage("analyst")).json

    stored = client.get(f"{URL}/challenges/preview", headers=headers)

    assert stored.status_code == 200
    assert stored.json["preview"]["mean"] == unsaved["preview"]["mean"]
    assert client.get(f"{URL}/nothing/preview", headers=headers).status_code == 404


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"kind": "score", "event_kinds": []}, "never calibrated"),
        ({"window_days": 90}, "history begins"),
        ({"kind": "time_to_event", "minimum_effect": None}, "kept as a life"),
    ],
)
def test_preview__that_cannot_be_had__says_why_and_what_helps(program, change, why):
    client, keys = program

    answer = client.post(f"{URL}/preview", json={**CHALLENGES, **change}, headers=keys.manage())

    assert answer.status_code == 200
    assert answer.json["preview"] is None
    assert why in answer.json["cannot"]["reason"]
    assert answer.json["cannot"]["remedy"]


@pytest.mark.parametrize(
    "change",
    [
        {"minimum_effect": 1e-300},
        {"minimum_effect": 1e15},
        {"cap": 1e-300},
        {"floor": 1e15},
        {"floor": -1e15, "cap": 1e15},
        {"window_days": 365},
        {"kind": "proportion", "minimum_effect": 0.999},
        {"kind": "ratio", "denominator_kinds": ["challenge_completed"]},
        {"kind": "retention", "event_kinds": []},
        {"kind": "sum", "cap_quantile": 0.500001, "covariate": "model"},
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_preview__extreme_definition__is_answered(program, change):
    client, keys = program

    answer = client.post(f"{URL}/preview", json={**CHALLENGES, **change}, headers=keys.manage())

    assert answer.status_code == 200, answer.json
    assert (answer.json["preview"] is None) != (answer.json["cannot"] is None)


def test_preview__definition_that_does_not_fit__names_the_field(client, database):
    keys = Keys(make_environment(database), database)
    body = {**CHALLENGES, "event_kinds": ["challange"]}

    answer = client.post(f"{URL}/preview", json=body, headers=keys.manage())

    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == "event_kinds[0]"


def test_preview__environment_without_any_event__cannot_tell(client, database):
    keys = Keys(make_environment(database), database)

    answer = client.post(f"{URL}/preview", json=CHALLENGES, headers=keys.manage())

    assert "no activity" in answer.json["cannot"]["reason"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_preview__co_primaries__take_more_learners_and_are_remembered_apart(program):
    client, keys = program

    answers = [
        client.post(f"{URL}/preview?co_primaries={n}", json=CHALLENGES, headers=keys.manage())
        for n in (0, 1, 2, 3)
    ]

    alone, one, two = (each.json["preview"]["detections"][1]["n_learners"] for each in answers[:3])
    assert alone < one < two
    assert answers[3].status_code == 422
    assert "co_primaries" in answers[3].text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_preview__asked_again__is_remembered_until_the_lake_or_the_hour_changes(lived, monkeypatch):
    computed = []
    real = metric_previews._compute
    monkeypatch.setattr(
        metric_previews, "_compute", lambda asked: computed.append(asked) or real(asked)
    )
    values = {**CHALLENGES, "title": "Only here"}

    for minutes in (1, 2, 59, 61):
        at = lived.state.clock() + minutes * DAY / 1440
        preview_metric(lived.state, lived.environment, values, at)

    assert len(computed) == 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_preview__that_takes_too_long__is_given_up_and_not_remembered(lived, monkeypatch):
    def stopped(*_given):
        raise TookTooLong

    monkeypatch.setattr("analysis.preview.preview", stopped)
    values = {**CHALLENGES, "title": "Slow"}

    found = preview_metric(lived.state, lived.environment, values, lived.state.clock())

    assert isinstance(found, NotEstimable)
    assert "more than 20 seconds" in found.reason
    monkeypatch.undo()
    again = preview_metric(lived.state, lived.environment, values, lived.state.clock())
    assert not isinstance(again, NotEstimable)


def test_memory__all_places_taken__is_429_with_retry_after_and_free_again_later():
    memory = PreviewMemory(at_once=1)
    taken = Thread(target=memory.enter)
    taken.start()
    taken.join()

    with pytest.raises(Problem) as refused:
        memory.enter(wait_s=0.01)

    assert (refused.value.status, refused.value.headers["Retry-After"]) == (429, "5")
    memory.leave()
    memory.enter(wait_s=0.01)


def test_built_in_metrics__each__makes_a_plan_that_the_analysis_takes():
    for row in metrics.BUILT_IN:
        plan = metrics.as_plan({**row, "cap": None})

        assert (plan.key, plan.kind, plan.window_days) == (row["key"], row["kind"], 28)
