"""Whatever is sent again, however often and in whatever order: no number changes."""

import random
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import orjson
import pytest
from deltalake import DeltaTable

from analysis.lake.compact import compact
from analysis.lake.reader import Lake
from experiment_server.app import create_app
from experiment_server.db import Database
from experiment_server.environments import service as environments
from experiment_server.ingest.place import open_lake
from experiment_server.ingest.sealing import lake_root, seal_all
from experiment_server.readouts import read
from experiment_server.scores import service as scores
from experiment_server.security.roles import SYSTEM
from tests.conformance.emitters import CALIPER
from tests.factories import NOW
from tests.lived import DAY, KEY, START, live, lives

pytestmark = pytest.mark.slow

N_LEARNERS = 400
TIMES = 3
BATCH = 250
AS_OF = START + 39 * DAY
TABLES = ("events", "exposures", "outcomes")
COMPLETED = "http://adlnet.gov/expapi/verbs/completed"
ASSESSMENT = "http://adlnet.gov/expapi/activities/assessment"
WHERE = {"lake_version", "plan_fingerprint"}  # which version was read: compaction moves it on


def restarted(settings):
    """The application with nothing in its memory, as after a restart, and its database."""
    database = Database(settings.database_url)
    return create_app(settings, database), database


def at(n):
    """A moment within the lives of the learners, another for each number."""
    return START + timedelta(hours=7 * n % (24 * 28))


def statements(n_learners):
    """What an LMS says by xAPI: completed quizzes, with scores."""
    for n in range(n_learners):
        yield {
            "id": str(UUID(int=n)),
            "actor": {"account": {"homePage": "https://lms.example.org", "name": f"learner-{n}"}},
            "verb": {"id": COMPLETED},
            "object": {
                "id": f"https://lms.example.org/quiz/{n % 7}",
                "definition": {"type": ASSESSMENT},
            },
            "result": {"score": {"scaled": n % 10 / 10}},
            "timestamp": at(n).isoformat(),
        }


def caliper_events(n_learners):
    """What another says by Caliper: work handed in."""
    for n in range(n_learners):
        work = CALIPER["assignment handed in"]
        yield {
            **work,
            "id": f"urn:uuid:{UUID(int=10**9 + n)}",
            "actor": {"id": f"learner-{n}", "type": "Person"},
            "eventTime": at(3 * n).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }


def facts(n_learners):
    """What a CRM says, a correction of each third included; ids tell the two apart."""
    for n in range(n_learners):
        about = {"learner": f"learner-{n}", "name": "sales", "day": at(n).date().isoformat()}
        yield {**about, "id": f"crm-{n}", "value": float(n)}
        if n % 3 == 0:
            yield {**about, "id": f"crm-{n}-corrected", "value": float(n + 1)}


def envelope(data):
    return {
        "sensor": "https://lms.example.org",
        "sendTime": AS_OF.isoformat(),
        "dataVersion": "http://purl.imsglobal.org/ctx/caliper/v1p2",
        "data": data,
    }


# where things of each kind go, and how a batch of them is written
DOORS = {
    "native": ("/api/v1/events", lambda batch: {"items": batch}),
    "xapi": ("/xapi/statements", lambda batch: batch),
    "caliper": ("/caliper", envelope),
    "outcomes": ("/api/v1/outcomes", lambda batch: {"items": batch}),
}


def send(app, key, things, rng=None):
    """Send things by kind, in batches; with ``rng`` all is shuffled. How many were new, repeated.

    xAPI does not say which: its count is of the statements.
    """
    batches = []
    for kind, of_kind in things.items():
        ordered = rng.sample(of_kind, len(of_kind)) if rng else of_kind
        batches += [(kind, ordered[n : n + BATCH]) for n in range(0, len(ordered), BATCH)]
    if rng:
        rng.shuffle(batches)
    new, repeated = dict.fromkeys(things, 0), dict.fromkeys(things, 0)
    headers = {"Authorization": f"Bearer {key}", "X-Experience-API-Version": "1.0.3"}
    for kind, batch in batches:
        address, written = DOORS[kind]
        answer = app.test_client().post(address, json=written(batch), headers=headers)
        assert answer.status_code in (200, 202), answer.json
        if kind == "xapi":
            assert answer.json == [statement["id"] for statement in batch]
            continue
        assert answer.json["refused"] == []
        new[kind] += answer.json["accepted"]
        repeated[kind] += answer.json["duplicates"]
    return new, repeated


def numbers(lived, database):
    """Every number that people see, as bytes, and what the lake holds."""
    state = replace(lived.state, database=database)
    readout = read.read_by_hand(state, lived.environment, KEY, AS_OF)
    lake = open_lake(state, lived.environment, fresh=True)
    norms = scores.find_norms(lake, AS_OF, 28)
    pseudonyms = sorted(scored(lake))[:5]
    explained = [scores.explain(lake, norms, each, AS_OF).to_json() for each in pseudonyms]
    seen = {
        "readout": {name: value for name, value in readout.body.items() if name not in WHERE},
        "norms": norms.to_json(),
        "scores": explained,
        "sales": sales(lake),
    }
    ids = [sorted(column(lake, table, "event_id")) for table in TABLES]
    return orjson.dumps(seen, option=orjson.OPT_SORT_KEYS), ids


def scored(lake):
    """Those who did something in the score's window."""
    times = zip(
        column(lake, "events", "learner"), column(lake, "events", "occurred_at"), strict=True
    )
    return {learner for learner, at in times if AS_OF - 28 * DAY <= at < AS_OF}


def sales(lake):
    """What counts by now: of each learner and day the value that was received last."""
    events = lake.table("events")
    chosen = events.filter(events.kind == "outcome:sales").select("learner", "occurred_at", "value")
    return sorted(map(str, chosen.to_pyarrow().to_pylist()))


def column(lake: Lake, table, name):
    return DeltaTable(f"{lake.root}/{table}").to_pyarrow_table()[name].to_pylist()


def test_events__sent_again_three_times_shuffled_over_restarts_and_compactions__change_no_number(
    settings, database
):
    lived = live(settings, database, n_learners=N_LEARNERS)
    things = {
        "native": lives(N_LEARNERS),
        "xapi": list(statements(N_LEARNERS)),
        "caliper": list(caliper_events(N_LEARNERS)),
        "outcomes": list(facts(N_LEARNERS)),
    }
    with database.write() as session:
        wanted = ("server", None, "sender")
        key = environments.create_key(session, SYSTEM, lived.environment, wanted, NOW)[1]
    root = lake_root(settings.lake_dir, lived.environment)
    n_things = {kind: len(of_kind) for kind, of_kind in things.items()} | {"xapi": 0}
    app, database = restarted(settings)
    new, _repeated = send(app, key, things)
    assert new == n_things | {"native": 0}
    seal_all(database, lived.environment, root)
    at_first, ids = numbers(lived, database)
    database.dispose()

    for seed in range(TIMES):
        app, database = restarted(settings)
        none = dict.fromkeys(things, 0)
        assert send(app, key, things, random.Random(seed)) == (none, n_things)
        seal_all(database, lived.environment, root)
        for table in TABLES:
            compact(root, table, min_files=1)
        assert numbers(lived, database) == (at_first, ids)
        database.dispose()

    assert sorted(id_ for of_table in ids for id_ in of_table) == sorted(event_ids(things))


def event_ids(things):
    """The ids that the lake knows the things by."""
    yield from (one["id"] for one in things["native"] + things["caliper"])
    yield from (f"xapi:{one['id']}" for one in things["xapi"])
    yield from (f"outcome:{one['id']}" for one in things["outcomes"])
