"""OpenFeature's SDK for browsers with its OFREP provider: bulk evaluation, 304, change events."""

import pytest

from assignment import evaluate
from tests.contracts.live_server import soon
from tests.contracts.node_packages import Program, installed
from tests.contracts.test_ofrep_openfeature import fallback
from tests.experiment_server.delivery.definitions import KEYS, learners

PACKAGES = (
    "@openfeature/core@1.12.0",
    "@openfeature/ofrep-core@2.3.0",
    "@openfeature/ofrep-web-provider@0.4.3",
    "@openfeature/web-sdk@1.10.0",
    "eventsource@4.1.1",
)
VISIBLE = [key for key in KEYS if key != "internal"]
ADA = {"targetingKey": "ada"}


@pytest.fixture
def node():
    with Program("ofrep_web.mjs", installed(*PACKAGES)) as program:
        yield program


def context_of(attributes):
    return {"targetingKey": attributes["id"], **attributes}


def test_web_provider__each_flag_and_experiment__gives_what_the_server_decides(live, node):
    contexts = [context_of(attributes) for attributes in learners(60)[:-1]]
    flags = [(key, fallback(key)) for key in VISIBLE]

    node.ask(url=live.url, key=live.client_key, context=contexts[0])
    found = node.ask(contexts=contexts, flags=flags)

    for context, answers in zip(contexts, found, strict=True):
        for key, theirs in zip(VISIBLE, answers, strict=True):
            ours = evaluate(live.whole, key, context)
            assert "errorCode" not in theirs
            assert theirs["value"] == ours.value
            assert theirs["variant"] == (ours.variant or theirs["variant"])
    statuses = node.ask()["statuses"]
    assert set(statuses) <= {200, 304}
    assert len(statuses) >= len(contexts)


def test_web_provider__what_clients_may_not_see__is_the_default_with_a_code(live, node):
    node.ask(url=live.url, key=live.client_key, context=ADA)

    [[internal, unknown, mistyped]] = node.ask(
        contexts=[ADA], flags=[("internal", False), ("nothing", "mine"), ("greeting", 3)]
    )

    assert (internal["value"], internal["errorCode"]) == (False, "FLAG_NOT_FOUND")
    assert (unknown["value"], unknown["errorCode"]) == ("mine", "FLAG_NOT_FOUND")
    assert (mistyped["value"], mistyped["errorCode"]) == (3, "TYPE_MISMATCH")


def connect_until_known(live, node, flag, **options):
    """Connect, and wait until the server no longer answers from before the flag was made."""
    node.ask(url=live.url, key=live.client_key, context=ADA, options=options)
    asked = {"contexts": [ADA], "flags": [flag]}
    soon(lambda: "errorCode" not in node.ask(**asked)[0][0])


def test_web_provider__polling__hears_304_until_a_change_and_tells_which_flag(live, node):
    live.add_flag("polled-by-web", "number", 3)
    options = {"changeDetection": "polling", "pollInterval": 100}
    connect_until_known(live, node, ("polled-by-web", 0), **options)
    before = node.ask(flag="polled-by-web", fallback=0)
    n_before = len(before["statuses"])
    soon(lambda: len(node.ask()["statuses"]) >= n_before + 3)
    live.switch("polled-by-web", 11)
    after = node.read()

    assert (before["value"], after["value"]) == (3, 11)
    assert "polled-by-web" in after["changed"]
    assert set(after["statuses"][n_before:-1]) == {304}
    assert after["statuses"][-1] == 200


def test_web_provider__change__arrives_through_the_stream_that_the_answer_names(live, node):
    live.add_flag("streamed-to-web", "string", "hello")
    connect_until_known(live, node, ("streamed-to-web", ""), changeDetection="sse")
    before = node.ask(flag="streamed-to-web", fallback="")
    live.switch("streamed-to-web", "good morning")
    after = node.read()

    assert (before["value"], after["value"]) == ("hello", "good morning")
    assert after["changed"] == ["streamed-to-web"]
    assert len(after["statuses"]) == len(before["statuses"]) + 1  # fetched once, nothing polled
