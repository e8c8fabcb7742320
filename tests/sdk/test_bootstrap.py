"""Definitions given by the host, offline clients, and what a client says of its definitions."""

import copy
import json

import pytest
from momentum_sdk import Counts, Momentum, Options, Status
from momentum_sdk.definitions import Definitions
from momentum_sdk.notices import Notices

from tests.sdk.fault_server import PAYLOAD
from tests.sdk.test_faults import wait_for

AWAY = "http://127.0.0.1:9"


def of_version(version: int, limit: int) -> dict:
    payload = copy.deepcopy(PAYLOAD)
    payload["momentum"]["version"] = version
    payload["features"]["limit"]["defaultValue"] = limit
    return payload


def test_payload__given_as_a_dict__decides_before_the_server_does(connect) -> None:
    client = connect(AWAY, payload=PAYLOAD)

    assert client.value("limit", 0) == 5
    assert client.variant("reward-ladder", "l1", {"role": "seller"}).reason == "split"
    assert client.status() == Status("given", True, None, "production", 1)


@pytest.mark.parametrize("as_path", [str, lambda path: path])
def test_payload__given_as_a_file__decides(connect, tmp_path, as_path) -> None:
    path = tmp_path / "payload.json"
    path.write_text(json.dumps(PAYLOAD))

    assert connect(AWAY, payload=as_path(path)).value("limit", 0) == 5


@pytest.mark.parametrize("content", [None, "", "{", "[" * 100_000, '{"features": 3}'])
def test_payload__file_of_no_use__is_said_once_and_survived(
    connect, tmp_path, lines, content
) -> None:
    path = tmp_path / "payload.json"
    if content is not None:
        path.write_text(content)

    client = connect(AWAY, payload=path)

    assert client.variant("reward-ladder", "l1").reason == "not_ready"
    assert sum("cannot be read" in line for line in lines()) == 1


def test_payload__server_answers__decides_by_the_server(connect, server) -> None:
    server.payload = of_version(2, 8)
    client = connect(payload=of_version(1, 5))

    assert client.ready(30)

    assert client.value("limit", 0) == 8
    status = client.status()
    assert (status.source, status.is_stale, status.version) == ("server", False, 2)
    assert status.age_s is not None
    assert status.age_s < 5


@pytest.mark.parametrize(("given", "kept", "limit"), [(1, 2, 20), (2, 1, 10)])
def test_payload__beside_a_kept_file__the_newer_one_decides(
    connect, server, tmp_path, given, kept, limit
) -> None:
    path = tmp_path / "kept.json"
    server.payload = of_version(kept, 20)
    first = connect(payload_file=path)
    assert first.ready(30)
    assert wait_for(path.exists)

    client = connect(AWAY, payload_file=path, payload=of_version(given, 10))

    assert client.value("limit", 0) == limit
    assert client.status().source == ("file" if limit == 20 else "given")


def test_offline__decides_and_sends_nothing_and_says_nothing(server, lines) -> None:
    client = Momentum(server.url, "mo_server_x", payload=PAYLOAD, offline=True)

    assert client.ready(0) is True
    assert client.is_on("new-home") is True
    assert client.variant("reward-ladder", "l1", {"role": "seller"}).in_experiment
    client.track("login", "l1")
    client.close()

    assert client.counts() == Counts(2, 0, 0, 2, 0)
    assert client.status().is_stale is False
    assert server.n_connections == 0
    assert lines() == []


def test_offline__without_definitions__is_not_ready() -> None:
    client = Momentum(AWAY, "mo_server_x", offline=True)

    assert client.ready(0) is False
    assert client.variant("reward-ladder", "l1").reason == "not_ready"
    assert client.status() == Status("none", False, None, "", 0)


def test_status__a_day_without_the_server__is_stale_and_decides_the_same() -> None:
    now = [0.0]
    options = Options(payload=PAYLOAD, poll_interval_s=30)
    definitions = Definitions(None, options, Notices(), clock=lambda: now[0])
    definitions._answered(0)
    before = definitions.payload

    now[0] = 90
    assert definitions.status().is_stale is False
    now[0] = 86_400

    assert definitions.status() == Status("given", True, 86_400, "production", 1)
    assert definitions.payload is before
