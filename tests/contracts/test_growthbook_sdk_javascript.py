"""The official GrowthBook SDK for JavaScript, in Node on a running server, decides as we do."""

import pytest

from assignment import evaluate
from tests.contracts.node_packages import Program, installed
from tests.experiment_server.delivery.definitions import FOR_CLIENTS, KEYS, learners

PACKAGES = ("@growthbook/growthbook@1.8.0", "eventsource@4.1.1")


@pytest.fixture
def node():
    with Program("growthbook.mjs", installed(*PACKAGES)) as program:
        yield program


def expected(live, asks):
    answers = [evaluate(live.whole, key, attributes) for key, attributes in asks]
    return [
        {"value": one.value, "variant": one.variant if one.in_experiment else None}
        for one in answers
    ]


def test_growthbook_javascript__each_flag_and_experiment__gives_what_the_server_decides(live, node):
    asks = [(key, attributes) for attributes in learners(600) for key in FOR_CLIENTS]
    told = [(key, live.for_client(attributes)) for key, attributes in asks]

    found = node.ask(url=live.url, key=live.client_key, remote=False, asks=told)["answers"]

    assert found == expected(live, asks)


def test_growthbook_javascript__remote_evaluation__gives_the_same_and_tells_exposures(live, node):
    keys = [key for key in KEYS if key != "internal"]
    asks = [(key, attributes) for attributes in learners(30)[:20] for key in keys]

    found = node.ask(url=live.url, key=live.client_key, remote=True, asks=asks)

    ours = expected(live, asks)
    assert [one["value"] for one in found["answers"]] == [one["value"] for one in ours]
    assert sorted(map(tuple, found["viewed"])) == sorted(
        (key, one["variant"]) for (key, _), one in zip(asks, ours, strict=True) if one["variant"]
    )


def test_growthbook_javascript__change__arrives_through_the_stream(live, node):
    live.add_flag("streamed-to-node", "number", 3)
    address = {"url": live.url, "key": live.client_key}
    before = node.ask(watch=True, **address, flag="streamed-to-node", attributes={})
    values = [before["value"]]
    for value in (11, 12):
        live.switch("streamed-to-node", value)
        while values[-1] != value:
            values.append(node.read()["value"])

    assert set(values) == {3, 11, 12}


def test_growthbook_javascript__encrypted_payload__gives_what_the_server_decides(live, node):
    asks = [(key, attributes) for attributes in learners(100) for key in FOR_CLIENTS]
    told = [(key, live.for_client(attributes)) for key, attributes in asks]
    keys = {"key": live.encrypted_key, "decryptionKey": live.decryption_key}

    found = node.ask(url=live.url, **keys, remote=False, asks=told)["answers"]

    assert found == expected(live, asks)


def test_growthbook_javascript__encrypted_change__arrives_through_the_stream(live, node):
    live.add_flag("encrypted-to-node", "number", 3)
    keys = {"key": live.encrypted_key, "decryptionKey": live.decryption_key}
    before = node.ask(watch=True, url=live.url, **keys, flag="encrypted-to-node", attributes={})
    values = [before["value"]]
    live.switch("encrypted-to-node", 11)
    while values[-1] != 11:
        values.append(node.read()["value"])

    assert set(values) == {3, 11}
