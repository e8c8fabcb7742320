"""A running server with definitions of every kind, changed from another process: this one."""

import hashlib
import json
import time
from urllib.request import Request, urlopen

from assignment import evaluate, parse_payload
from experiment_server.app import create_app
from experiment_server.db import Database
from experiment_server.metrics.service import ensure_built_in
from experiment_server.settings import Settings
from tests.experiment_server.delivery.definitions import (
    URL,
    define,
    make_flag,
    run_experiment,
    set_flag,
)
from tests.factories import NOW, make_keys
from tests.faults.killable import KillableServer

PATIENCE_S = 20


class Live:
    """The server, its keys, and what servers receive from it."""

    def __init__(self, folder):
        database_url = f"sqlite:///{folder}/momentum.db"
        self._database = Database(database_url)
        with self._database.write() as session:
            ensure_built_in(session, NOW)
        keys = make_keys(self._database)
        settings = Settings(database_url=database_url, data_dir=folder, scheduler=False)
        self._manager = create_app(settings, self._database).test_client()
        self._editor = keys.manage("editor")
        define(self._manager, self._editor)
        self.server_key, self.client_key = keys.secret("server"), keys.secret("client")
        self.encrypted_key = keys.secret("encrypted")
        listed = self._manager.get(f"{URL}/keys", headers=self._editor).json["items"]
        self.decryption_key = listed[-1]["decryption_key"]
        self.salt = self._manager.get(URL, headers=self._editor).json["secret_salt"]
        self._server = KillableServer(database_url, folder)
        self._server.env["MOMENTUM_SCHEDULER"] = "off"
        self._server.start()
        self.url = f"http://127.0.0.1:{self._server.port}"
        self.whole = parse_payload(self.get("/api/v1/payload"))

    def close(self):
        self._server.close()
        self._database.dispose()

    def get(self, path):
        """The JSON of an address, asked with the server key."""
        request = Request(self.url + path, headers={"Authorization": f"Bearer {self.server_key}"})
        with urlopen(request, timeout=PATIENCE_S) as answer:
            return json.load(answer)

    def add_flag(self, key, value_type, default_value):
        """A flag of the test's own, which it may change: the others are everybody's."""
        values = {"value_type": value_type, "default_value": default_value}
        make_flag(self._manager, self._editor, key, rules=[], **values)

    def run_once(self, key, **design):
        """An experiment of the test's own, started unless it runs already."""
        if key not in self.get("/api/v1/payload")["features"]:
            run_experiment(self._manager, self._editor, key, **design)

    def evaluate(self, key, attributes):
        """What our engine says by the definitions of this moment."""
        return evaluate(parse_payload(self.get("/api/v1/payload")), key, attributes)

    def switch(self, flag, value):
        """Let a flag give this value to everybody."""
        place = f"/api/v1/flags/{flag}/environments/production"
        version = self._manager.get(place, headers=self._editor).json["version"]
        rules = [{"condition": {}, "value": value}]
        set_flag(self._manager, self._editor, flag, version, rules=rules)

    def for_client(self, attributes):
        """Attributes as a host hands them to a client: secret ones hashed."""
        if "email" not in attributes:
            return attributes
        digest = hashlib.sha256((self.salt + attributes["email"]).encode()).hexdigest()
        return {**attributes, "email": digest}


def soon(is_so):
    """Wait until something is so; how long it took, in seconds."""
    begin = time.monotonic()
    while not is_so():
        assert time.monotonic() - begin < PATIENCE_S, "it did not come to be"
        time.sleep(0.02)
    return time.monotonic() - begin
