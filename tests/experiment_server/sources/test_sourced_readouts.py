"""Experiments read from sources: as from the lake, by hand and on schedule."""

import json
from dataclasses import replace

import duckdb
import pytest
from sqlmodel import select

from analysis.lake.reader import Lake
from experiment_server.experiments import service as experiments
from experiment_server.ingest.pseudonyms import Pseudonyms
from experiment_server.ingest.sealing import lake_root, seal_all
from experiment_server.metrics import service as metrics
from experiment_server.problems import Problem
from experiment_server.readouts import jobs, read
from experiment_server.readouts.models import StoredReadout
from experiment_server.schedule.run import run_jobs
from experiment_server.security.roles import SYSTEM
from experiment_server.sources import service as sources
from tests.lived import DAY, KEY, START, WINDOW_DAYS, live

VARIABLE = "MOMENTUM_SOURCE_TEST"
BEGAN = START - DAY
WHOLE = {
    "exposures": {
        "table": "assigned",
        "learner": "person",
        "variant": "arm",
        "exposed_at": "met",
        "experiment": "test",
        "experiments": {"STREAKS": "from-source"},
        "variants": {"0": "plain", "1": "bonus"},
    },
    "events": [
        {
            "query": "SELECT person, verb, happened FROM did WHERE verb <> 'noise'",
            "learner": "person",
            "occurred_at": "happened",
            "kind": "verb",
            "kinds": {"won": "challenge_completed"},
        }
    ],
}
BESIDE = {
    "events": [
        {
            "table": "crm",
            "learner": "email",
            "occurred_at": "happened",
            "constant_kind": "custom:won",
        }
    ]
}


@pytest.fixture
def lived(settings, database, monkeypatch):
    """A lived experiment in the lake, and the same in a company's file, by other names."""
    folder = settings.data_dir / "sources"
    folder.mkdir()
    found = live(replace(settings, sources_dir=str(folder)), database, n_learners=60, better=1.5)
    root = lake_root(found.state.settings.lake_dir, found.environment)
    seal_all(database, found.environment, root)
    lake = Lake.open(root)
    path = folder / "company.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.register("exposed", lake.table("exposures").to_pyarrow())
        connection.register("events", lake.table("events").to_pyarrow())
        connection.execute(
            "CREATE TABLE assigned AS SELECT 'STREAKS' AS test, learner AS person,"
            " CASE variant WHEN 'plain' THEN 0 ELSE 1 END AS arm, exposed_at AS met FROM exposed"
        )
        connection.execute(
            "CREATE TABLE did AS SELECT learner AS person, 'won' AS verb, occurred_at AS happened"
            " FROM events UNION ALL SELECT learner, 'noise', occurred_at FROM events"
        )
        connection.execute("CREATE TABLE crm (email text, happened timestamptz)")
    monkeypatch.setenv(VARIABLE, f"duckdb://{path}")
    return found, lake, path


def define(lived, mapping, key, metric="challenges"):
    """The lived experiment again, read from a source with this mapping."""
    state, environment = lived.state, lived.environment
    with state.database.write() as session:
        wish = {
            "key": f"{key}-source",
            "title": "Company",
            "url_variable": VARIABLE,
            "mapping": mapping,
        }
        sources.create_source(session, SYSTEM, environment, wish, BEGAN)
        old = experiments.plain(experiments.load_experiment(session, environment.id, KEY))
        again = {
            **old,
            "key": key,
            "source": f"{key}-source",
            "metrics": [{"metric": metric, "role": "primary", "minimum_effect": None}],
        }
        made = experiments.create_experiment(session, SYSTEM, environment, again, BEGAN)
        experiments.start_experiment(session, SYSTEM, made, BEGAN, BEGAN)


def numbers(body):
    """What a readout estimates, and how many it counts."""
    plain = json.loads(json.dumps(body))
    found = [
        [each["effect"], each["low"], each["high"], each["mean"], each["n"]]
        for metric in plain["metrics"]
        for each in metric["estimates"]
    ]
    return [*found, list(plain["n_exposed"].values())]


def test_readout__of_a_source__is_that_of_the_lake_and_says_where_it_is_from(lived):
    found, _, path = lived
    define(found, WHOLE, "from-source")
    as_of = BEGAN + 30 * DAY

    there = read.read_by_hand(found.state, found.environment, "from-source", as_of)
    here = read.read_by_hand(found.state, found.environment, KEY, as_of)

    for mine, wanted in zip(numbers(there.body), numbers(here.body), strict=True):
        assert mine == pytest.approx(wanted, rel=1e-9, abs=1e-9)
    assert there.verdict == here.verdict
    assert here.body["source"] == {}
    said = there.body["source"]
    assert (said["key"], said["version"], said["warehouse"]) == (
        "from-source-source",
        "1",
        "duckdb",
    )
    assert there.plan["source"] == {"key": "from-source-source", "version": "1"}
    assert there.body["lake_version"] == {}
    assert str(path) not in json.dumps(there.body)


def test_looks__of_a_source__are_read_on_schedule(lived):
    found, _, _ = lived
    define(found, WHOLE, "from-source")

    results = run_jobs(found.state, jobs.JOBS, BEGAN + 40 * DAY)

    assert [result.error for result in results if result.error] == []
    with found.state.database.read() as session:
        rows = list(session.exec(select(StoredReadout).order_by(StoredReadout.id)))
    named = [row.look for row in rows if row.body["experiment"] == "from-source"]
    assert named == [1, 2, 3]


def test_readout__of_facts_beside_the_lake__joins_them_by_pseudonym(lived):
    found, lake, path = lived
    ids = {}
    for n in range(60):
        ids[Pseudonyms(found.environment.pseudonym_key).learner(f"learner-{n}")] = f"learner-{n}"
    rows = lake.table("events").select("learner", "occurred_at").to_pyarrow().to_pylist()
    with duckdb.connect(str(path)) as connection:
        connection.executemany(
            "INSERT INTO crm VALUES (?, ?)",
            [(ids[row["learner"]], row["occurred_at"]) for row in rows]
            + [("stranger", row["occurred_at"]) for row in rows[:9]],
        )
    with found.state.database.write() as session:
        values = {
            "title": "Won", "kind": "count", "event_kinds": ["custom:won"],
            "window_days": WINDOW_DAYS, "minimum_effect": 0.5,
        }  # fmt: skip
        metrics.create_metric(session, SYSTEM, "won", values, BEGAN)
    define(found, BESIDE, "beside", metric="won")
    # Its exposures are the lake's: those of the lived experiment, under its own key.
    with found.state.database.write() as session:
        beside = experiments.load_experiment(session, found.environment.id, "beside")
        lived_one = experiments.load_experiment(session, found.environment.id, KEY)
        lived_one.key, beside.key = "set-aside", KEY
        session.add(lived_one)
        session.flush()
        session.add(beside)
    as_of = BEGAN + 30 * DAY

    joined = read.read_by_hand(found.state, found.environment, KEY, as_of)

    assert joined.body["n_exposed"] == {"plain": 30, "bonus": 30}
    assert joined.body["lake_version"] == dict(lake.version)
    estimate = joined.body["metrics"][0]["estimates"][0]
    assert estimate["effect"] > 0.5
    assert estimate["n_learners"] > 20


@pytest.mark.parametrize(
    ("address", "words"),
    [("", "is not set on this server"), ("duckdb:///etc/hosts", "outside the folder")],
)
def test_readout__of_a_source_that_cannot_be_read__is_422(lived, monkeypatch, address, words):
    found, _, _ = lived
    define(found, WHOLE, "from-source")
    monkeypatch.setenv(VARIABLE, address)

    with pytest.raises(Problem, match=words) as refused:
        read.read_by_hand(found.state, found.environment, "from-source", BEGAN + 30 * DAY)

    assert refused.value.status == 422


def test_readout__of_a_source_whose_table_is_gone__is_422_and_names_it(lived):
    found, _, path = lived
    define(found, WHOLE, "from-source")
    with duckdb.connect(str(path)) as connection:
        connection.execute("DROP TABLE assigned")

    with pytest.raises(Problem, match="no table 'assigned'"):
        read.read_by_hand(found.state, found.environment, "from-source", BEGAN + 30 * DAY)


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "beside"])
def test_readout__of_a_query_that_fails_half_way__is_422_with_what_was_said(lived, whole):
    found, _, _ = lived
    query = "SELECT person, happened FROM did WHERE CAST(verb AS INTEGER) > 0"
    part = {
        "query": query, "learner": "person", "occurred_at": "happened",
        "constant_kind": "challenge_completed",
    }  # fmt: skip
    mapping = {**WHOLE, "events": [part]} if whole else {"events": [part]}
    define(found, mapping, "from-source", metric="challenges" if whole else "energy")

    with pytest.raises(Problem, match="The warehouse gave up") as refused:
        read.read_by_hand(found.state, found.environment, "from-source", BEGAN + 30 * DAY)

    assert refused.value.status == 422
    assert refused.value.errors[0].found == "failed_query"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"source": "nowhere"}, "source"),
        ({"schedule": {"bandit": {"every_days": 7}}}, "schedule.bandit"),
    ],
)
def test_experiment__that_cannot_be_read_from_its_source__is_422(lived, change, field):
    found, _, _ = lived
    define(found, WHOLE, "from-source")
    with found.state.database.read() as session:
        wish = experiments.plain(
            experiments.load_experiment(session, found.environment.id, "from-source")
        )
    wish = {**wish, "key": "another", **change}

    with found.state.database.write() as session, pytest.raises(Problem) as refused:
        experiments.create_experiment(session, SYSTEM, found.environment, wish, BEGAN)

    assert refused.value.status == 422
    assert field in {error.field for error in refused.value.errors}
