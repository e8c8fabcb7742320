"""SIGKILL to the real server while the demo's platform hands its weeks over through the SDK."""

import json
import threading
import time
from collections import defaultdict

import pytest
import sqlalchemy as sa
from momentum_sdk.outbox import Outbox
from momentum_sdk.wire import NoAnswer, Wire
from rich.console import Console

from analysis.lake.tables import open_table
from experiment_server.columns import utc_now
from experiment_server.demo import definitions, looks
from experiment_server.demo.lms import load_simulated_lms
from experiment_server.demo.management import ManagementApi
from experiment_server.demo.play import Play, start_day
from experiment_server.environments.service import load_environment
from experiment_server.ingest.sealing import lake_root
from experiment_server.state import State
from tests.faults.killable import KillableServer

pytestmark = [pytest.mark.faults, pytest.mark.slow]

N_LEARNERS = 100  # enough for three batches of history, and for more of experiments
SEED = 1
WITHIN_REQUEST_S = 0.015  # a batch takes longer than this
SEALED_S = 60
TABLES = {"event": "events", "exposure": "exposures", "learner": "learners"}

UNDER_WAY = "while the server has a batch under way: nobody knows whether it is stored"
ACKNOWLEDGED = "right after an acknowledgement: the batch is not sent again"
UNANSWERED = "before anybody hears the acknowledgement: all of the batch is sent again"
HISTORY_PLAN = {1: UNDER_WAY}
LIVE_PLAN = {1: ACKNOWLEDGED, 2: UNANSWERED}

ask, put = Wire.ask, Outbox.put


class Killer:
    """Kills the server at some of the SDK's requests, and starts it again.

    ``plan`` gives the moment by how many batches have arrived before.
    """

    def __init__(self, server, plan):
        self.n_arrived = 0
        self.kills_after = []  # how many batches had arrived at each kill
        self._server = server
        self._plan = dict(plan)
        self._killing = None

    def ask(self, wire, method, *request):
        if method != "POST":
            return ask(wire, method, *request)
        moment = self._plan.pop(self.n_arrived, None)
        if moment == UNDER_WAY:
            self._killing = threading.Timer(WITHIN_REQUEST_S, self._kill)
            self._killing.start()
        answer = ask(wire, method, *request)
        self.n_arrived += answer.status == 202
        if moment in (ACKNOWLEDGED, UNANSWERED):
            self._kill()
        if moment == UNANSWERED:
            raise NoAnswer("killed before it could answer")
        return answer

    def finish(self):
        """Wait for a kill under way, and for the start after it."""
        if self._killing is not None:
            self._killing.join()

    def _kill(self):
        self.kills_after.append(self.n_arrived)
        self._server.kill()
        self._server.start()


@pytest.fixture
def server(database_url, tmp_path):
    running = KillableServer(database_url, tmp_path)
    running.start()
    yield running
    running.close()


@pytest.fixture
def play(server, settings, database):
    """The demo on that server, before its first day."""
    lms_module = load_simulated_lms()
    lms = lms_module.build_lms(N_LEARNERS, SEED, start_day(utc_now().date()))
    state = State(settings=settings, database=database)
    access = definitions.open_store(database, "demo@example.org")
    looks.pause(state)
    return Play(server, state, access, lms, lms_module, Console(quiet=True))


@pytest.fixture
def handed(monkeypatch):
    """The ids of what the SDK was handed, by type."""
    ids = defaultdict(list)

    def put_and_note(outbox, item):
        known = json.loads(item)
        ids[known["type"]].append(known["id"])
        return put(outbox, item)

    monkeypatch.setattr(Outbox, "put", put_and_note)
    return ids


def live_under_kills(play, monkeypatch, plan, days, **options):
    """Live these days as the demo does, and kill its server by the plan."""
    killer = Killer(play.server, plan)

    def ask_under_kills(wire, *request):
        return killer.ask(wire, *request)

    monkeypatch.setattr(Wire, "ask", ask_under_kills)
    try:
        play.live(days, "days", **options)
    finally:
        killer.finish()
    assert len(killer.kills_after) == len(plan)
    is_within = [0 < n_arrived < killer.n_arrived for n_arrived in killer.kills_after]
    assert all(is_within), f"{killer.n_arrived} batches, kills after {killer.kills_after}"


def start_experiments(play):
    api = ManagementApi(play.server.base_url, play.access.management_key)
    environment = definitions.ENVIRONMENT
    definitions.create_definitions(api, environment, play.lms.experiments)
    definitions.create_flags(api, environment, play.lms.flags)
    definitions.start_experiments(api, environment, play.lms.experiments, play.lms.start)


def wait_until_sealed(database):
    """Wait until the server has brought all that it buffered into the lake."""
    deadline = time.monotonic() + SEALED_S
    while count_chunks(database):
        assert time.monotonic() < deadline, f"the server has not sealed all in {SEALED_S} s"
        time.sleep(0.1)


def count_chunks(database):
    with database.read() as session:
        return session.execute(sa.text("SELECT count(*) FROM buffered_chunk")).scalar_one()


def lake_ids(play, table):
    with play.state.database.read() as session:
        environment = load_environment(session, definitions.ENVIRONMENT)
    found = open_table(lake_root(play.state.settings.lake_dir, environment), table)
    return found.to_pyarrow_table()["event_id"].to_pylist()


def test_demo__server_killed_while_it_ingests__loses_and_doubles_nothing(
    play, handed, database, monkeypatch
):
    lms = play.lms

    live_under_kills(play, monkeypatch, HISTORY_PLAN, lms.history_days(), describe=True)
    start_experiments(play)
    live_under_kills(play, monkeypatch, LIVE_PLAN, lms.live_days())
    wait_until_sealed(database)

    lived = {"event": lms.n_events, "exposure": lms.n_exposures, "learner": N_LEARNERS}
    assert {kind: len(ids) for kind, ids in handed.items()} == lived
    for kind, table in TABLES.items():
        assert sorted(lake_ids(play, table)) == sorted(handed[kind]), table
