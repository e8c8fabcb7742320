"""The SDK on a real Momentum server: changes arrive by its stream, with keys of both kinds."""

import pytest

from experiment_server.app import create_app
from experiment_server.db import Database, migrate
from experiment_server.settings import Settings
from tests.experiment_server.delivery.definitions import make_flag, set_flag
from tests.factories import make_keys
from tests.faults.killable import KillableServer
from tests.sdk.test_faults import wait_for


@pytest.mark.faults
def test_stream__of_a_real_server__brings_a_change_with_either_key(tmp_path, connect) -> None:
    database_url = f"sqlite:///{tmp_path}/momentum.db"
    database = Database(database_url)
    migrate(database)
    keys = make_keys(database)
    editor = keys.manage("editor")
    manager = create_app(
        Settings(database_url=database_url, data_dir=tmp_path, scheduler=False), database
    ).test_client()
    make_flag(manager, editor, "limit", rules=[], value_type="number", default_value=5)
    server = KillableServer(database_url, tmp_path)
    server.env["MOMENTUM_SCHEDULER"] = "off"
    server.env["MOMENTUM_THREADS"] = "8"
    server.start()
    try:
        url = f"http://127.0.0.1:{server.port}"
        clients = [
            connect(url, key=keys.secret(kind), streaming=True, poll_interval_s=3_600)
            for kind in ("server", "client")
        ]
        assert all(client.ready(10) for client in clients)
        assert all(client.value("limit", 0) == 5 for client in clients)
        assert wait_for(
            lambda: all(client._runtime.definitions._heard_at is not None for client in clients)
        )

        place = "/api/v1/flags/limit/environments/production"
        version = manager.get(place, headers=editor).json["version"]
        set_flag(manager, editor, "limit", version, rules=[{"condition": {}, "value": 8}])

        assert wait_for(lambda: all(client.value("limit", 0) == 8 for client in clients))
        for client in clients:
            client.close(0)
    finally:
        server.close()
        database.dispose()
