"""Rules of retention: set by admins, applied at night, and only to what is past its time."""

from datetime import timedelta
from pathlib import Path

import pytest

from analysis.lake.reader import Lake
from analysis.rollups.shelf import FOLDER, list_folders
from experiment_server.columns import utc_now
from experiment_server.environments.service import load_environment
from experiment_server.ingest import sealing
from experiment_server.ingest.rewriting import rewriting
from experiment_server.ingest.sealing import lake_root, seal_all
from experiment_server.ingest.service import receive
from experiment_server.retention import jobs, service
from experiment_server.schedule.run import run_jobs
from experiment_server.security.roles import SYSTEM
from experiment_server.state import State
from tests.factories import Keys, make_environment

RETAIN = [job for job in jobs.JOBS if job.name == "retain"]
URL = "/api/v1/environments/production/retention"


@pytest.fixture
def environment(database):
    return make_environment(database)


@pytest.fixture
def state(settings, database):
    return State(settings=settings, database=database)


def send(state, environment, ages):
    now = utc_now()
    items = [
        {
            "type": "event",
            "id": f"e-{age}",
            "kind": "challenge_completed",
            "learner": f"l-{age}",
            "at": (now - timedelta(days=age)).isoformat(),
        }
        for age in ages
    ]
    receive(state.database, environment.id, items, now, may_describe=True)
    seal_all(state.database, environment, lake_root(state.settings.lake_dir, environment))


def n_events(state, environment):
    root = lake_root(state.settings.lake_dir, environment)
    return Lake.open(root).table("events").count().to_pyarrow().as_py()


def test_retention__rule_for_events__removes_older_days_once_a_night(state, environment):
    send(state, environment, [0, 50, 99, 101, 400])
    with state.database.write() as session:
        service.set_rules(session, SYSTEM, environment, {"events": 100})

    first = run_jobs(state, RETAIN, utc_now())
    again = run_jobs(state, RETAIN, utc_now())

    assert [result.outcome for result in first] == ["done"]
    assert again == []
    assert n_events(state, environment) == 3


def test_retention__rule_for_learners__removes_superseded_descriptions_only(state, environment):
    now = utc_now()
    root = lake_root(state.settings.lake_dir, environment)
    items = [
        {
            "type": "learner",
            "id": f"d-{age}",
            "learner": "ada",
            "at": (now - timedelta(days=age)).isoformat(),
            "attributes": {"role": f"role {age}"},
        }
        for age in (300, 200, 50)
    ]
    receive(state.database, environment.id, items, now, may_describe=True)
    seal_all(state.database, environment, root)
    with state.database.write() as session:
        service.set_rules(session, SYSTEM, environment, {"learners": 100})

    first = service.apply(state, environment, now)
    again = service.apply(state, environment, now)

    roles = Lake.open(root).table("learners").order_by("described_at").role.to_pyarrow()
    assert (first, again) == ({"learners": 1}, {"learners": 0})
    assert roles.to_pylist() == ["role 200", "role 50"]


def test_retention__while_the_lake_is_compacted__waits_for_its_turn(
    state, environment, monkeypatch
):
    monkeypatch.setattr(sealing, "WAIT_S", 0.0)
    send(state, environment, [0, 400])
    with state.database.write() as session:
        service.set_rules(session, SYSTEM, environment, {"events": 100})

    with rewriting(state.database, environment.id):
        meanwhile = run_jobs(state, RETAIN, utc_now())
        kept = n_events(state, environment)
    afterwards = service.apply(state, environment, utc_now())

    assert [result.outcome for result in meanwhile] == ["failed"]
    assert (kept, afterwards) == (2, {"events": 1})


@pytest.mark.parametrize(("age", "left"), [(400, ()), (0, ("sales-1-abc",))])
def test_retention__rows_went__roll_ups_that_may_hold_them_go_too(state, environment, age, left):
    send(state, environment, [age])
    root = lake_root(state.settings.lake_dir, environment)
    folder = Path(root) / FOLDER / "sales-1-abc"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text("{}")
    with state.database.write() as session:
        service.set_rules(session, SYSTEM, environment, {"events": 100})

    run_jobs(state, RETAIN, utc_now())

    assert list_folders(root) == left


def test_retention__no_rule__keeps_everything_and_runs_nothing(state, environment):
    send(state, environment, [0, 4_000])

    assert run_jobs(state, RETAIN, utc_now()) == []
    assert n_events(state, environment) == 2


def test_api__rules__are_set_read_and_audited(client, database, environment):
    keys = Keys(environment, database)
    admin = keys.manage("admin")
    sent = client.put(URL, json={"events": 730, "statements": 90}, headers=admin)

    read = client.get(URL, headers=keys.manage("viewer"))
    audit = client.get("/api/v1/audit", headers=admin).json["items"]

    assert sent.status_code == 200, sent.text
    assert read.json == {
        "events": 730,
        "exposures": None,
        "outcomes": None,
        "learners": None,
        "statements": 90,
    }
    assert [one["after"] for one in audit if one["action"] == "environment.retention"] == [
        {"events": 730, "statements": 90}
    ]
    with database.read() as session:
        place = load_environment(session, "production")
        assert service.list_rules(session, place) == {"events": 730, "statements": 90}


@pytest.mark.parametrize("body", [{"events": 5}, {"events": "x"}, {"sales": 400}, [], None])
def test_api__rule_that_cannot_be__is_refused_by_name(client, database, environment, body):
    admin = Keys(environment, database).manage("admin")

    answer = client.put(URL, json=body, headers=admin)

    assert answer.status_code in (400, 422)
    assert client.get(URL, headers=admin).json["events"] is None
