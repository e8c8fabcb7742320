"""Outcomes by HTTP and by file, down to a readout; and a correction that moves it."""

import csv
from datetime import timedelta

import pytest

from experiment_server import web
from experiment_server.app import create_app
from experiment_server.imports.mapping import OUTCOMES, Wish
from experiment_server.imports.service import FileWish, run_import
from experiment_server.ingest.service import receive
from experiment_server.state import State
from tests.factories import Keys, make_environment
from tests.lived import DAY, START, Clock

BASE = "/api/v1/environments/production/experiments"
MET_AT = START + 2 * DAY
FACT_DAY = (MET_AT + 2 * DAY).date().isoformat()
AS_OF = (START + 20 * DAY).isoformat()
N_LEARNERS = 60


def sold(n):
    """What learner n sold: odd ones, with the bonus, four more."""
    return 20.0 + n % 7 + (4.0 if n % 2 else 0.0)


def mean(values):
    return sum(values) / len(values)


@pytest.fixture
def program(settings, database):
    state = State(settings=settings, database=database, clock=Clock(START - DAY))
    environment = make_environment(database)
    app = create_app(settings, database)
    app.extensions[web.EXTENSION] = state
    return state, environment, app.test_client(), Keys(environment, database)


def start_experiment(client, admin):
    metric = {"key": "sales", "title": "Sales", "kind": "sum", "event_kinds": ["outcome:sales"]}
    wish = {
        "key": "bonus",
        "title": "Bonus",
        "domain": "incentive",
        "variants": [{"key": "plain"}, {"key": "bonus"}],
        "metrics": [{"metric": "sales", "role": "primary"}],
    }
    made = client.post("/api/v1/metrics", json={**metric, "window_days": 7}, headers=admin)
    assert made.status_code == 201, made.json
    drafted = client.post(BASE, json=wish, headers=admin)
    assert drafted.status_code == 201, drafted.json
    headers = {**admin, "If-Match": drafted.headers["ETag"]}
    assert client.post(f"{BASE}/bonus/start", json={}, headers=headers).status_code == 200


def expose(state, environment):
    items = [
        {
            "type": "exposure",
            "id": f"x-{n}",
            "experiment": "bonus",
            "variant": ("plain", "bonus")[n % 2],
            "learner": f"learner-{n}",
            "at": MET_AT.isoformat(),
        }
        for n in range(N_LEARNERS)
    ]
    receipt = receive(state.database, environment.id, items, state.clock(), may_describe=True)
    assert receipt.accepted == N_LEARNERS


def send(client, headers, learners):
    items = [
        {"learner": f"learner-{n}", "name": "sales", "day": FACT_DAY, "value": sold(n)}
        for n in learners
    ]
    answer = client.post("/api/v1/outcomes", json={"items": items}, headers=headers)
    assert answer.json["accepted"] == len(items)


def import_file(state, environment, path, values):
    """A file as a CRM exports it: its own column names, one column for what."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(("rep", "date", "amount"))
        writer.writerows((f"learner-{n}", FACT_DAY, value) for n, value in values.items())
    wish = Wish({"learner": "rep", "day": "date", "value": "amount"}, {"name": "sales"})
    done = run_import(state, environment, OUTCOMES, FileWish(path, wish), lambda *_at: None)
    assert done.n_accepted == len(values)


def read_effect(client, headers):
    answer = client.post(f"{BASE}/bonus/readouts", json={"as_of": AS_OF}, headers=headers)
    assert answer.status_code == 201, answer.json
    found = client.get(f"/api/v1/readouts/{answer.json['id']}", headers=headers).json["readout"]
    [metric] = [one for one in found["metrics"] if one["key"] == "sales"]
    return metric["estimates"][0]["effect"]


def test_outcomes__by_http_and_by_file__show_in_a_readout_and_a_correction_moves_it(
    program, tmp_path
):
    state, environment, client, keys = program
    admin = keys.manage("admin")
    start_experiment(client, admin)
    state.clock.now = START + 20 * DAY
    expose(state, environment)

    send(client, keys.headers("server"), range(N_LEARNERS // 2))
    by_file = {n: sold(n) for n in range(N_LEARNERS // 2, N_LEARNERS)}
    import_file(state, environment, tmp_path / "crm.csv", by_file)
    first = read_effect(client, admin)
    state.clock.now += timedelta(minutes=1)
    import_file(state, environment, tmp_path / "corrections.csv", {1: sold(1) + 90.0})
    second = read_effect(client, admin)

    odd, even = range(1, N_LEARNERS, 2), range(0, N_LEARNERS, 2)
    expected = mean([sold(n) for n in odd]) - mean([sold(n) for n in even])
    assert first == pytest.approx(expected)
    assert second == pytest.approx(expected + 90.0 / len(odd))
