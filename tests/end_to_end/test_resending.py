"""Whatever is sent again, however often and in whatever order: no number changes."""

import random
from dataclasses import replace

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
from tests.factories import NOW
from tests.lived import DAY, KEY, START, live, lives

pytestmark = pytest.mark.slow

N_LEARNERS = 400
TIMES = 3
BATCH = 250
AS_OF = START + 39 * DAY
WHERE = {"lake_version", "plan_fingerprint"}  # which version was read: compaction moves it on


def restarted(settings):
    """The application with nothing in its memory, as after a restart, and its database."""
    database = Database(settings.database_url)
    return create_app(settings, database), database


def send(app, key, items):
    """Send in batches; how many were new, how many repeated."""
    new = repeated = 0
    client = app.test_client()
    for first in range(0, len(items), BATCH):
        answer = client.post(
            "/api/v1/events",
            json={"items": items[first : first + BATCH]},
            headers={"Authorization": f"Bearer {key}"},
        )
        assert answer.status_code == 202, answer.json
        new += answer.json["accepted"]
        repeated += answer.json["duplicates"]
    return new, repeated


def numbers(lived, database):
    """Every number that people see, as bytes, and what the lake holds."""
    state = replace(lived.state, database=database)
    readout = read.read_by_hand(state, lived.environment, KEY, AS_OF)
    lake = open_lake(state, lived.environment, fresh=True)
    norms = scores.find_norms(lake, AS_OF, 28, now=AS_OF)
    pseudonyms = sorted(scored(lake))[:5]
    explained = [scores.explain(lake, norms, each, AS_OF).to_json() for each in pseudonyms]
    seen = {
        "readout": {name: value for name, value in readout.body.items() if name not in WHERE},
        "norms": norms.to_json(),
        "scores": explained,
    }
    ids = [sorted(column(lake, table, "event_id")) for table in ("events", "exposures")]
    return orjson.dumps(seen, option=orjson.OPT_SORT_KEYS), ids


def scored(lake):
    """Those who did something in the score's window."""
    times = zip(
        column(lake, "events", "learner"), column(lake, "events", "occurred_at"), strict=True
    )
    return {learner for learner, at in times if AS_OF - 28 * DAY <= at < AS_OF}


def column(lake: Lake, table, name):
    return DeltaTable(f"{lake.root}/{table}").to_pyarrow_table()[name].to_pylist()


def test_events__sent_again_three_times_shuffled_over_restarts_and_compactions__change_no_number(
    settings, database
):
    lived = live(settings, database, n_learners=N_LEARNERS)
    items = lives(N_LEARNERS)
    with database.write() as session:
        wanted = ("server", None, "sender")
        key = environments.create_key(session, SYSTEM, lived.environment, wanted, NOW)[1]
    root = lake_root(settings.lake_dir, lived.environment)
    at_first, ids = numbers(lived, database)

    for seed in range(TIMES):
        app, database = restarted(settings)
        again = random.Random(seed).sample(items, len(items))
        assert send(app, key, again) == (0, len(items))
        seal_all(database, lived.environment, root)
        for table in ("events", "exposures"):
            compact(root, table, min_files=1)
        assert numbers(lived, database) == (at_first, ids)
        database.dispose()

    assert sorted(id_ for of_table in ids for id_ in of_table) == sorted(i["id"] for i in items)
