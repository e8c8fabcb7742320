"""Whatever the host hands in, it gets an answer and no exception."""

import math
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from momentum_sdk import Momentum, Options, Variant

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


class RaisingText(str):
    """A text that is none when it is looked at."""

    __slots__ = ()

    def __len__(self) -> int:
        raise RuntimeError

    def __hash__(self) -> int:
        raise RuntimeError

    def __eq__(self, other: object) -> bool:
        raise RuntimeError

    def encode(self, *_arguments: object) -> bytes:
        raise RuntimeError


class RaisingDict(dict):
    """A dictionary that gives nothing."""

    def get(self, *_arguments: object) -> object:
        raise RuntimeError

    def items(self) -> object:
        raise RuntimeError


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
# Drawn by number and looked up in the test: the test runner hashes, compares and prints its draws.
odd = st.integers(0, len(ODD) - 1)


@pytest.fixture(scope="module")
def client():
    """Offline, but with definitions, so that evaluation is reached."""
    from momentum_sdk._assignment import parse_payload

    made = Momentum("nowhere", "mo_server_x")
    made._runtime.definitions.payload = parse_payload(PAYLOAD)
    return made


@settings(max_examples=300, deadline=None)
@given(odds=st.lists(odd, min_size=5, max_size=5))
def test_variant__anything__answers_a_variant(client, odds) -> None:
    one, two, three, four, five = (ODD[number] for number in odds)

    assert isinstance(client.variant(one, two, three, default=four, at=five), Variant)
    assert isinstance(client.variant("reward-ladder", two, three, at=five), Variant)


@settings(max_examples=300, deadline=None)
@given(odds=st.lists(odd, min_size=4, max_size=4))
def test_flags__anything__answer(client, odds) -> None:
    one, two, three, four = (ODD[number] for number in odds)

    assert client.is_on(one, two, three) in (True, False)
    client.value(one, four, two, three)
    assert client.is_on("new-home", two, three) in (True, False)


@settings(max_examples=300, deadline=None)
@given(odds=st.lists(odd, min_size=5, max_size=5))
def test_events__anything__are_counted_and_forgotten(client, odds) -> None:
    one, two, three, four, five = (ODD[number] for number in odds)
    before = client.counts().handed

    assert client.track(one, two, three, four, five) is None
    assert client.track("login", "l1", three, four) is None
    assert client.identify(one, two, three) is None

    assert client.counts().handed == before + 3


@settings(max_examples=200, deadline=None)
@given(json_values, json_values, json_values)
def test_any_json__as_attributes_and_properties__is_survived(client, one, two, three) -> None:
    assert isinstance(client.variant("reward-ladder", one, two), Variant)
    assert client.track("login", one, two, three) is None


@pytest.mark.parametrize("odd_one", ODD)
def test_waiting__for_anything__ends(client, odd_one) -> None:
    """The client is offline, so that even a wait without end has nothing to wait for."""
    assert client.ready(odd_one) is False
    assert client.refresh(odd_one) is False
    assert client.flush(odd_one) in (True, False)


@pytest.mark.parametrize("odd_one", ODD)
def test_construction__anything__makes_a_client_that_answers(odd_one) -> None:
    for arguments in ((odd_one, "key"), ("http://127.0.0.1:9", odd_one)):
        made = Momentum(*arguments, queue_size=odd_one, payload_file=odd_one, no_such=odd_one)

        assert made.variant("reward-ladder", "l1").reason == "not_ready"
        made.close(odd_one)
        made.close(0)


@pytest.mark.parametrize("name", Options.__slots__)
def test_option__anything__is_survived(name) -> None:
    for odd_one in [*ODD, RaisingText("x"), RaisingDict(features={})]:
        config = {"offline": True, name: odd_one}
        made = Momentum("http://127.0.0.1:9", "mo_server_x", **config)

        assert made.variant("reward-ladder", "l1").key == "control"
        made.close(0)


@pytest.mark.parametrize("number", range(len(ODD)))
def test_learner__bound_to_anything__answers(client, number) -> None:
    odd_one = ODD[number]
    for bound in (
        client.for_learner(odd_one, odd_one, odd_one),
        client.for_learner("l1", {"role": "seller"}, {"reward-ladder": odd_one}),
    ):
        assert isinstance(bound.variant("reward-ladder"), Variant)
        assert isinstance(bound.variant(odd_one), Variant)
        assert isinstance(bound.explain(odd_one), str)
        assert bound.is_on(odd_one) is False
        assert bound.value(odd_one, 3) == 3
        assert bound.track("login", odd_one, odd_one) is None


def test_learner__odd_forced_variants__stays_the_learner(client) -> None:
    bound = client.for_learner("l1", {"role": "seller"}, 5)  # type: ignore[arg-type]

    assert bound.variant("reward-ladder").reason == "split"
