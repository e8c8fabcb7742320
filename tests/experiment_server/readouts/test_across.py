"""What an environment's past experiments say together: service, HTTP, page and command."""

import json
from datetime import timedelta

import pytest

from experiment_server.experiments.models import Experiment, ExperimentPhase
from experiment_server.metrics.service import ensure_built_in
from experiment_server.readouts.models import StoredReadout
from tests.factories import NOW, make_environment, make_keys, sign_in

MOVED = (2.0, -1.0, 3.0, 0.5, 4.0, -2.0, 1.0, 2.5)
PATH = "/api/v1/environments/production/across"


def remember(database, environment, moved=MOVED, state="stopped", verdict="SHIP", prefix="past"):
    """Experiments that moved the score, and sales by a fifth of that."""
    with database.write() as session:
        ensure_built_in(session, NOW)
        for number, by in enumerate(moved):
            ended = NOW - timedelta(days=100 - number)
            experiment = Experiment(
                environment_id=environment.id,
                key=f"{prefix}-{number}",
                title="Past",
                domain=("incentive", "messaging")[number % 2],
                state=state,
                variants=[],
                metrics=[],
                phase=1,
                created_at=ended,
                updated_at=ended,
            )
            session.add(experiment)
            session.flush()
            phase = ExperimentPhase(
                experiment_id=experiment.id,
                number=1,
                seed="s",
                started_at=ended - timedelta(days=30),
                stopped_at=ended,
                design={},
            )
            session.add(phase)
            for look, effect in ((1, 99.0), (2, by)):  # only the last look speaks
                session.add(readout(experiment, look, effect, verdict, ended))


def readout(experiment, look, by, verdict, ended):
    effects = {"energize_score": (by, 0.3), "sales": (0.2 * by, 0.05)}
    metrics = [
        {
            "key": key,
            "estimates": [
                {"variant": "new", "effect": effect, "se": se},
                {"reason": "no unit", "remedy": "wait"},
            ],
        }
        for key, (effect, se) in effects.items()
    ]
    return StoredReadout(
        experiment_id=experiment.id,
        phase=1,
        look=look,
        as_of=ended - timedelta(days=3 - look),
        verdict=verdict,
        plan={},
        body={"metrics": metrics},
        created_at=ended,
    )


@pytest.fixture
def keys(database):
    keys = make_keys(database)
    remember(database, keys.environment)
    return keys


def sales_of(report):
    return next(each["found"] for each in report["kpis"] if each["kpi"]["key"] == "sales")


def test_across__planted_past__has_its_effects_and_its_slope(client, keys):
    report = client.get(PATH, headers=keys.manage("viewer")).json

    assert report["experiments"] == [f"past-{n}" for n in range(len(MOVED))]
    assert report["overall"]["mean"] == pytest.approx(sum(MOVED) / len(MOVED), abs=1e-3)
    assert [each["domain"] for each in report["domains"]] == ["incentive", "messaging"]
    assert report["domains"][0]["found"]["n_experiments"] == 4
    assert sales_of(report)["slope"] == pytest.approx(0.2, abs=1e-6)


@pytest.mark.parametrize(
    "other", [{"state": "running"}, {"verdict": "DO NOT USE"}], ids=["running", "not to be used"]
)
def test_across__what_does_not_count__is_left_out(client, database, keys, other):
    remember(database, keys.environment, (50.0, 60.0), prefix="other", **other)

    report = client.get(PATH, headers=keys.manage("viewer")).json

    assert len(report["experiments"]) == len(MOVED)


def test_across__other_environment__learns_nothing(client, database, keys):
    other = make_keys(database, "staging")

    found = client.get(PATH.replace("production", "staging"), headers=other.manage("viewer")).json

    assert found["experiments"] == []
    assert found["overall"]["remedy"]


def test_across__metric_and_kpi_asked_for__are_those(client, keys):
    query = "?metric=sales&kpi=energize_score"

    report = client.get(PATH + query, headers=keys.manage("viewer")).json

    assert report["metric"]["key"] == "sales"
    assert [each["kpi"]["key"] for each in report["kpis"]] == ["energize_score"]
    assert report["kpis"][0]["found"]["slope"] == pytest.approx(5.0, abs=1e-5)


@pytest.mark.parametrize("query", ["?metric=nothing", "?kpi=nothing"])
def test_across__unknown_metric__is_404(client, keys, query):
    assert client.get(PATH + query, headers=keys.manage("viewer")).status_code == 404


def test_page__planted_past__says_it_with_what_it_assumes(client, database, keys):
    sign_in(client, database, "viewer")

    text = client.get("/across/production").text

    assert "8 experiments moved it by" in text
    assert "it rose by 0.2" in text
    assert "free of" not in text
    assert "moved the score at random" in text


def test_page__nothing_over__says_what_will_stand_here(client, database):
    make_environment(database)
    sign_in(client, database, "viewer")

    assert "Nothing to pool yet" in client.get("/across/production").text


def test_command__planted_past__prints_sentences_and_json(momentum, keys):
    said = momentum("across", "--kpi", "sales")
    found = json.loads(momentum("across", "--kpi", "sales", "--json").text)

    assert said.code == 0
    assert "Incentive: " in said.text
    assert "All together: " in said.text
    assert sales_of(found)["n_experiments"] == len(MOVED)


def test_command__unknown_metric__is_refused_by_name(momentum, keys):
    refused = momentum("across", "--metric", "nothing")

    assert refused.code == 2
    assert "nothing" in refused.refusal
