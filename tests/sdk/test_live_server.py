"""The SDK on a real Momentum server: changes arrive by its stream, with keys of both kinds."""

import pytest
from momentum_sdk import Counts

from experiment_server.app import create_app
from experiment_server.db import Database, migrate
from experiment_server.metrics.service import ensure_built_in
from experiment_server.settings import Settings
from tests.experiment_server.delivery.definitions import (
    URL,
    VARIANTS,
    make_flag,
    set_flag,
)
from tests.experiment_server.experiments.test_experiments_api import EXPERIMENT
from tests.factories import NOW, make_keys
from tests.faults.killable import KillableServer
from tests.sdk.test_faults import wait_for

LEARNERS = [f"learner-{number}" for number in range(40)]
LADDER = f"{URL}/experiments/ladder"


class Live:
    """A server of its own process, changed from here; its keys, and SDKs that listen to it."""

    def __init__(self, folder, connect) -> None:
        url = f"sqlite:///{folder}/momentum.db"
        self._database = Database(url)
        migrate(self._database)
        with self._database.write() as session:
            ensure_built_in(session, NOW)
        self.keys = make_keys(self._database)
        self.editor = self.keys.manage("editor")
        settings = Settings(database_url=url, data_dir=folder, scheduler=False)
        self.manager = create_app(settings, self._database).test_client()
        self._connect = connect
        self._server = KillableServer(url, folder)
        self._server.env.update(MOMENTUM_SCHEDULER="off", MOMENTUM_THREADS="8")

    def listen(self):
        """An SDK with a server key and one with a client key, whose streams are open."""
        self._server.start()
        url = f"http://127.0.0.1:{self._server.port}"
        keys = [self.keys.secret(kind) for kind in ("server", "client")]
        clients = [
            self._connect(url, key=key, streaming=True, poll_interval_s=3_600) for key in keys
        ]
        assert all(client.ready(20) for client in clients)
        assert wait_for(
            lambda: all(client._runtime.definitions._heard_at is not None for client in clients)
        )
        return clients

    def act(self, method, address, body=None):
        """Change something, by the version that it has now."""
        headers = dict(self.editor)
        if method == "PUT":
            found = self.manager.get(LADDER, headers=self.editor)
            headers["If-Match"] = str(found.json["version"])
        answer = self.manager.open(address, method=method, json=body, headers=headers)
        assert answer.status_code in (200, 201), answer.text

    def define_ladder(self) -> None:
        """An experiment with three variants, as a draft."""
        body = {**EXPERIMENT, "key": "ladder", "variants": VARIANTS}
        self.act("POST", f"{URL}/experiments", body)

    def close(self) -> None:
        self._server.close()
        self._database.dispose()


@pytest.fixture
def live(tmp_path, connect):
    made = Live(tmp_path, connect)
    yield made
    made.close()


@pytest.mark.faults
def test_stream__of_a_real_server__brings_a_change_with_either_key(live) -> None:
    make_flag(live.manager, live.editor, "limit", rules=[], value_type="number", default_value=5)
    clients = live.listen()
    assert all(client.value("limit", 0) == 5 for client in clients)

    place = "/api/v1/flags/limit/environments/production"
    version = live.manager.get(place, headers=live.editor).json["version"]
    rules = [{"condition": {}, "value": 8}]
    set_flag(live.manager, live.editor, "limit", version, rules=rules)

    assert wait_for(lambda: all(client.value("limit", 0) == 8 for client in clients))


def reasons(clients) -> list[set[str]]:
    """What the SDKs say of all learners, each for itself."""
    return [
        {client.variant("ladder", learner).reason for learner in LEARNERS} for client in clients
    ]


def come_to_say(clients, *expected) -> bool:
    """Whether both SDKs come to give all learners these reasons."""
    return wait_for(lambda: reasons(clients) == [set(expected)] * 2)


def arrives(clients, learner, key, reason) -> bool:
    """Whether both SDKs come to say so of one learner."""

    def is_there(client) -> bool:
        variant = client.variant("ladder", learner)
        return (variant.key, variant.reason) == (key, reason)

    return wait_for(lambda: all(map(is_there, clients)))


@pytest.mark.faults
def test_stream__of_a_real_server__brings_previews_start_and_holdout(live) -> None:
    live.define_ladder()
    clients = live.listen()
    assert reasons(clients) == [{"unknown_flag"}] * 2

    live.act("PUT", f"{LADDER}/previews", {"items": {"tester": "badges"}})
    assert arrives(clients, "tester", "badges", "preview")
    assert reasons(clients) == [{"unknown_flag"}] * 2

    live.act("POST", f"{LADDER}/start")
    assert come_to_say(clients, "split")
    assert arrives(clients, "tester", "badges", "preview")

    holdout = {"key": "q4", "title": "Quarter", "share": 0.5, "includes_running": True}
    live.act("POST", f"{URL}/holdouts", holdout)
    assert come_to_say(clients, "split", "held_out")
    live.act("POST", f"{URL}/holdouts/q4/end")
    assert come_to_say(clients, "split")


@pytest.mark.faults
def test_stream__of_a_real_server__brings_pause_and_what_applies_afterwards(live) -> None:
    live.define_ladder()
    live.act("POST", f"{LADDER}/start")
    clients = live.listen()
    before = [clients[0].variant("ladder", learner) for learner in LEARNERS]
    assert reasons(clients) == [{"split"}] * 2

    live.act("POST", f"{LADDER}/pause")
    assert come_to_say(clients, "paused")
    live.act("POST", f"{LADDER}/resume")
    assert come_to_say(clients, "split")
    assert [clients[0].variant("ladder", learner) for learner in LEARNERS] == before

    live.act("POST", f"{LADDER}/stop", {"after": {"rule": "ship", "variant": "badges"}})
    assert come_to_say(clients, "shipped")
    assert clients[0].variant("ladder", LEARNERS[0]).key == "badges"
    live.act("POST", f"{LADDER}/archive")
    assert come_to_say(clients, "unknown_flag")


@pytest.mark.faults
def test_events__of_what_json_cannot_carry__cost_a_real_server_no_other(live, lines) -> None:
    live.define_ladder()
    live.act("POST", f"{LADDER}/start")
    client = live.listen()[0]
    cut = "a\ud83d"  # what is left of an emoji that a host cut in two

    for number in range(10):
        client.track("session_started", f"before-{number}")
    client.track("session_started", cut, properties={"course": cut, cut: 1, "n": 10**400})
    client.track("custom:" + cut, "learner-1", properties={"deep": [[[10**20]]]})
    client.identify("learner-2", {"role": cut})
    client.variant("ladder", cut, {"role": cut})
    for number in range(10):
        client.track("session_started", f"after-{number}")

    assert client.flush(20)
    assert client.counts() == Counts(24, 24, 0, 0, 0)
    assert sum("track: what JSON cannot carry" in line for line in lines()) == 1
