"""Whatever the host hands in, it gets an answer and no exception."""

import math
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from momentum_sdk import Momentum, Variant

from tests.assignment.test_evaluate import HostileMapping
from tests.assignment.test_values import Hostile, json_values
from tests.sdk.fault_server import PAYLOAD

CIRCLE: dict = {"role": "seller"}
CIRCLE["circle"] = CIRCLE
CIRCULAR_LIST: list = []
CIRCULAR_LIST.append(CIRCULAR_LIST)


class Raising:
    """No attribute can be read, but those that the test runner itself asks for."""

    def __getattribute__(self, name: str) -> object:
        if name.startswith("__"):
            return super().__getattribute__(name)
        raise RuntimeError(name)


ODD = [
    None,
    True,
    math.nan,
    math.inf,
    10**400,
    1j,
    b"bytes",
    "",
    "\ud800",
    "x" * 1_000_000,
    "\0",
    [],
    {},
    CIRCLE,
    CIRCULAR_LIST,
    {1: 2, (3, 4): 5, None: 6},
    {"a": {"b": Hostile()}},
    Hostile(),
    Raising(),
    HostileMapping(),
    object,
    threading.Lock(),
]
# drawn by number: the test runner itself hashes and compares what it samples from
odd = st.integers(0, len(ODD) - 1).map(ODD.__getitem__) | json_values


@pytest.fixture(scope="module")
def client():
    """Offline, but with definitions, so that evaluation is reached."""
    from momentum_sdk._assignment import parse_payload

    made = Momentum("nowhere", "mo_server_x")
    made._runtime.definitions.payload = parse_payload(PAYLOAD)
    return made


@settings(max_examples=300, deadline=None)
@given(odd, odd, odd, odd, odd)
def test_variant__anything__answers_a_variant(client, one, two, three, four, five) -> None:
    assert isinstance(client.variant(one, two, three, default=four, at=five), Variant)
    assert isinstance(client.variant("reward-ladder", two, three, at=five), Variant)


@settings(max_examples=300, deadline=None)
@given(odd, odd, odd, odd)
def test_flags__anything__answer(client, one, two, three, four) -> None:
    assert client.is_on(one, two, three) in (True, False)
    client.value(one, four, two, three)
    assert client.is_on("new-home", two, three) in (True, False)


@settings(max_examples=300, deadline=None)
@given(odd, odd, odd, odd, odd)
def test_events__anything__are_counted_and_forgotten(client, one, two, three, four, five) -> None:
    before = client.counts().handed

    assert client.track(one, two, three, four, five) is None
    assert client.track("login", "l1", three, four) is None
    assert client.identify(one, two, three) is None

    assert client.counts().handed == before + 3


@settings(max_examples=100, deadline=None)
@given(odd)
def test_waiting__for_anything__ends(client, timeout_s) -> None:
    if isinstance(timeout_s, int | float) and timeout_s > 0.01:
        return  # a host that asks to wait long shall wait long

    assert client.ready(timeout_s) in (True, False)
    assert client.refresh(timeout_s) in (True, False)
    assert client.flush(timeout_s) in (True, False)


@pytest.mark.parametrize("odd_one", ODD)
def test_construction__anything__makes_a_client_that_answers(odd_one) -> None:
    for arguments in ((odd_one, "key"), ("http://127.0.0.1:9", odd_one)):
        made = Momentum(*arguments, queue_size=odd_one, payload_file=odd_one, no_such=odd_one)

        assert made.variant("reward-ladder", "l1").reason == "not_ready"
        made.close(odd_one)
        made.close(0)
