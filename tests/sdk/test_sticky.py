"""Sticky variants through the client: they stay, over changes, threads and forks."""

import copy
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from momentum_sdk import Momentum, StickyStore
from momentum_sdk.sticky import Memory

from tests.sdk.fault_server import PAYLOAD

SELLER = {"role": "seller"}
ALL_CONTROL = {"weights": [1, 0]}
ALL_BADGES = {"weights": [0, 1]}


def payload_with(version: int = 1, experiment: str = "reward-ladder", **over: Any) -> dict:
    payload = copy.deepcopy(PAYLOAD)
    payload["features"][experiment]["rules"][-1].update(over)
    payload["momentum"]["version"] = version
    return payload


class Store:
    """A host's own, slow enough for threads to meet in it."""

    def __init__(self, slow_s: float = 0.0) -> None:
        self.rows: dict[tuple[str, str], dict[str, Any]] = {}
        self._slow_s = slow_s

    def get(self, attribute: str, unit: str) -> Mapping[str, Any] | None:
        time.sleep(self._slow_s)
        return self.rows.get((attribute, unit))

    def save(self, attribute: str, unit: str, assignments: Mapping[str, Any]) -> None:
        time.sleep(self._slow_s)
        self.rows[attribute, unit] = dict(assignments)


def alone(store: Any, **over: Any) -> Momentum:
    """A client without a server, whose experiment is changed in this way."""
    return Momentum("https://x", "k", offline=True, payload=payload_with(**over), sticky=store)


def test_sticky__in_memory__variant_outlives_a_change_of_weights(connect, server) -> None:
    server.payload = payload_with(1, **ALL_CONTROL)
    client = connect(sticky=True, poll_interval_s=60)
    assert client.ready(30)
    before = client.variant("reward-ladder", "l1", SELLER)

    server.payload = payload_with(2, **ALL_BADGES)
    assert client.refresh(30)

    assert (before.key, client.variant("reward-ladder", "l1", SELLER).key) == ("control",) * 2
    assert client.variant("reward-ladder", "l2", SELLER).key == "badges"
    assert client.flush(30)
    exposed = {one["learner"]: one["variant"] for one in server.of_type("exposure")}
    assert exposed == {"l1": "control", "l2": "badges"}


def test_sticky__not_asked_for__variant_follows_the_weights(connect, server) -> None:
    server.payload = payload_with(1, **ALL_CONTROL)
    client = connect(poll_interval_s=60)
    assert client.ready(30)
    client.variant("reward-ladder", "l1", SELLER)

    server.payload = payload_with(2, **ALL_BADGES)
    assert client.refresh(30)

    assert client.variant("reward-ladder", "l1", SELLER).key == "badges"


@pytest.mark.parametrize(
    "change", [ALL_BADGES, {"condition": {"role": "nobody"}}, {"coverage": 0}], ids=str
)
def test_sticky__own_store__another_process_gives_the_same_variant(change) -> None:
    store = Store()
    alone(store, **ALL_CONTROL).variant("reward-ladder", "l1", SELLER)

    kept = alone(store, **change).variant("reward-ladder", "l1", SELLER)

    assert (kept.key, kept.in_experiment) == ("control", True)
    assert store.rows == {("id", "l1"): {"reward-ladder__0": "control"}}


def test_sticky__new_bucket_version__begins_afresh_and_remembers_both() -> None:
    store = Store()
    alone(store, **ALL_CONTROL).variant("reward-ladder", "l1", SELLER)

    anew = alone(store, bucketVersion=1, **ALL_BADGES).variant("reward-ladder", "l1", SELLER)

    assert anew.key == "badges"
    remembered = {"reward-ladder__0": "control", "reward-ladder__1": "badges"}
    assert store.rows == {("id", "l1"): remembered}


def test_sticky__version_below_the_lowest__is_kept_out_and_new_learners_are_in() -> None:
    store = Store()
    alone(store).variant("reward-ladder", "l1", SELLER)
    later = alone(store, bucketVersion=2, minBucketVersion=1)

    assert later.variant("reward-ladder", "l1", SELLER).reason == "not_covered"
    assert later.variant("reward-ladder", "l2", SELLER).in_experiment


def test_sticky__signed_in_on_a_device__keeps_its_variant() -> None:
    store = Store()
    over = {"fallbackAttribute": "device"}
    on_device = {**SELLER, "device": "d1"}
    before = alone(store, **over, **ALL_BADGES).evaluate("reward-ladder", None, on_device)

    after = alone(store, **over, **ALL_CONTROL).variant("reward-ladder", "l1", on_device)

    assert (before.variant, before.unit_attribute) == ("badges", "device")
    assert after.key == "badges"
    assert store.rows["id", "l1"] == {"reward-ladder__0": "badges"}


def test_sticky__team_experiment__remembers_the_team() -> None:
    store = Store()
    own = {"experiment": "team-quest"}
    alone(store, **own, **ALL_CONTROL).variant("team-quest", "l1", {"team": "t1"})

    kept = alone(store, **own, **ALL_BADGES).variant("team-quest", "l2", {"team": "t1"})

    assert kept.key == "solo"
    assert list(store.rows) == [("team", "t1")]


def test_sticky__switched_off_by_the_experiment__remembers_nothing() -> None:
    store = Store()

    alone(store, disableStickyBucketing=True).variant("reward-ladder", "l1", SELLER)

    assert store.rows == {}


def test_explain__with_sticky__says_what_is_remembered_and_remembers_nothing_new() -> None:
    store = Store()
    alone(store, **ALL_CONTROL).explain("reward-ladder", "l1", SELLER)
    untouched = dict(store.rows)
    alone(store, **ALL_CONTROL).variant("reward-ladder", "l1", SELLER)

    said = alone(store, **ALL_BADGES).explain("reward-ladder", "l1", SELLER)

    assert untouched == {}
    assert "'control' is remembered" in said


class Odd:
    """A store that does what no store should."""

    def __init__(self, given: Any) -> None:
        self._given = given

    def get(self, *_of: str) -> Any:
        if isinstance(self._given, Exception):
            raise self._given
        return self._given

    def save(self, *_all: Any) -> None:
        raise OSError


@pytest.mark.parametrize("given", [OSError("away"), 7, ["control"], "text", {}, None], ids=repr)
def test_sticky__store_that_fails__gives_the_default_and_is_said(lines, given) -> None:
    client = alone(Odd(given))

    told = client.variant("reward-ladder", "learner-77", SELLER, default="blue")

    assert (told.key, told.reason, told.in_experiment) == ("blue", "error", False)
    assert client.is_on("new-home"), "what is no experiment asks no store"
    assert client.explain("reward-ladder", "learner-77", SELLER)
    assert [line for line in lines() if "the store of sticky failed" in line]
    assert not any("learner-77" in line for line in lines())


@pytest.mark.parametrize("held", [{"reward-ladder__0": "gone"}, {"reward-ladder__0": [1]}, {1: 2}])
def test_sticky__store_with_odd_rows__decides_by_hash(held) -> None:
    store = Store()
    store.rows["id", "l1"] = held

    told = alone(store, **ALL_BADGES).variant("reward-ladder", "l1", SELLER)

    assert (told.key, told.reason) == ("badges", "split")
    assert store.rows["id", "l1"]["reward-ladder__0"] == "badges"


@pytest.mark.parametrize(
    "odd", [1, "memory", {}, Store, object()], ids=["number", "text", "dict", "class", "object"]
)
def test_sticky__no_store__is_complained_of_and_off(lines, odd) -> None:
    client = alone(odd)

    assert client.variant("reward-ladder", "l1", SELLER).in_experiment
    assert any("option sticky was left at its default; give True, or a store" in x for x in lines())


def test_sticky__experiments_decided_at_once__are_all_remembered() -> None:
    """Each thread reads the row before the other writes; neither may undo the other."""
    store: StickyStore = Store(slow_s=0.002)
    payload = payload_with()
    first = payload["features"]["reward-ladder"]
    for number in range(4):
        payload["features"][f"e{number}"] = copy.deepcopy(first)
        payload["features"][f"e{number}"]["rules"][-1]["key"] = f"e{number}"
    client = Momentum("https://x", "k", offline=True, payload=payload, sticky=store)
    work = [(f"e{number}", f"l{learner}") for learner in range(20) for number in range(4)]

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda one: client.variant(*one, SELLER).in_experiment, work))

    assert all(told)
    assert {len(row) for row in store.rows.values()} == {4}
    assert len(store.rows) == 20


class Telling(Store):
    """A host's own that looks at the learner's other experiment before it saves."""

    def __init__(self) -> None:
        super().__init__()
        self.client: Momentum | None = None
        self.told: list[str] = []

    def save(self, attribute: str, unit: str, assignments: Mapping[str, Any]) -> None:
        client, self.client = self.client, None
        if client is not None:
            self.told.append(client.variant("second", unit, SELLER).key)
        super().save(attribute, unit, assignments)


def test_sticky__store_that_calls_the_client__does_not_wait_for_itself() -> None:
    store = Telling()
    payload = payload_with(**ALL_BADGES)
    payload["features"]["second"] = copy.deepcopy(payload["features"]["reward-ladder"])
    payload["features"]["second"]["rules"][-1]["key"] = "second"
    client = Momentum("https://x", "k", offline=True, payload=payload, sticky=store)
    store.client = client
    told: list[str] = []

    host = threading.Thread(
        target=lambda: told.append(client.variant("reward-ladder", "l1", SELLER).key), daemon=True
    )
    host.start()
    host.join(20)

    assert (told, store.told) == (["badges"], ["badges"])


def test_memory__beyond_its_size__forgets_the_first() -> None:
    memory = Memory(size=3)
    for number in range(10):
        memory.save("id", f"l{number}", {"x__0": "badges"})

    kept = [number for number in range(10) if memory.get("id", f"l{number}")]

    assert kept == [7, 8, 9]


def test_memory__full__finds_the_first_without_a_walk() -> None:
    """A dict walks over all the keys that were deleted before its first one: 4 ms at worst."""
    assert isinstance(Memory()._remembered, OrderedDict)


def test_memory__many_threads__stays_near_its_size() -> None:
    memory = Memory(size=100)

    def work(thread: int) -> None:
        for number in range(2_000):
            memory.save("id", f"l{thread}-{number}", {"x__0": "badges"})

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(memory._remembered) <= 200


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks need a POSIX system")
def test_sticky__fork_while_a_thread_saves__child_is_not_stuck() -> None:
    client = alone(True, **ALL_CONTROL)
    client.variant("reward-ladder", "l1", SELLER)
    locks = client._runtime.remembering.visit.sticky._saving
    saver = threading.Thread(target=lambda: [lock.acquire() for lock in locks])
    saver.start()  # holds them as by threads that are saving, and do not exist in the child
    saver.join()

    pid = os.fork()
    if pid == 0:
        key = client.variant("reward-ladder", "l2", SELLER).key
        os._exit(0 if key == "control" else 1)

    ends = time.monotonic() + 20
    while (ended := os.waitpid(pid, os.WNOHANG)) == (0, 0) and time.monotonic() < ends:
        time.sleep(0.01)
    if ended == (0, 0):
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    assert ended == (pid, 0)
