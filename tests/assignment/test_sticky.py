import pytest

from assignment import InMemoryStickyStore, NoStickyStore, StickyStore, Visit, evaluate
from assignment import parse_payload as parse
from assignment.sticky import is_blocked, slot
from tests.assignment.test_evaluate import experiment

STORES = [NoStickyStore, InMemoryStickyStore]


class Broken:
    def get(self, *_: object) -> dict:
        raise OSError

    def save(self, *_: object) -> None:
        raise OSError


def decide(store: StickyStore, attributes: dict, **over: object) -> object:
    payload = parse({"features": {"x": experiment(**over)}})
    return evaluate(payload, "x", attributes, Visit(sticky=store))


@pytest.mark.parametrize("make", STORES)
def test_store__unknown_unit__has_nothing(make: type) -> None:
    assert dict(make().get("id", "learner-1")) == {}


@pytest.mark.parametrize("make", STORES)
def test_store__saved__is_kept_for_that_unit_only(make: type) -> None:
    store = make()
    store.save("id", "learner-1", {"x__0": "badges"})

    assert dict(store.get("id", "learner-1")) in ({}, {"x__0": "badges"})
    assert dict(store.get("team", "learner-1")) == {}


def test_sticky__weights_turned_around__keeps_the_variant() -> None:
    store = InMemoryStickyStore()
    before = decide(store, {"id": "learner-1"}, weights=[1, 0])

    after = decide(store, {"id": "learner-1"}, weights=[0, 1])

    assert (before.variant, after.variant) == ("control", "control")
    assert decide(NoStickyStore(), {"id": "learner-1"}, weights=[0, 1]).variant == "badges"


def test_sticky__no_longer_targeted__keeps_the_variant() -> None:
    store = InMemoryStickyStore()
    decide(store, {"id": "learner-1"})

    assert decide(store, {"id": "learner-1"}, condition={"role": "x"}, coverage=0).in_experiment


def test_sticky__new_bucket_version__is_decided_anew() -> None:
    store = InMemoryStickyStore()
    decide(store, {"id": "learner-1"}, weights=[1, 0])

    assert decide(store, {"id": "learner-1"}, weights=[0, 1], bucketVersion=1).variant == "badges"


def test_sticky__blocked_version__is_out_and_new_learners_are_in() -> None:
    store = InMemoryStickyStore()
    decide(store, {"id": "learner-1"})
    later = {"bucketVersion": 2, "minBucketVersion": 1}

    assert decide(store, {"id": "learner-1"}, **later).reason == "not_covered"
    assert decide(store, {"id": "learner-2"}, **later).in_experiment


def test_sticky__signed_in_later__keeps_the_device_s_variant() -> None:
    store = InMemoryStickyStore()
    over = {"fallbackAttribute": "device"}
    before = decide(store, {"device": "d1"}, weights=[0, 1], **over)

    after = decide(store, {"id": "learner-1", "device": "d1"}, weights=[1, 0], **over)

    assert (before.variant, before.unit_attribute) == ("badges", "device")
    assert (after.variant, after.unit_attribute) == ("badges", "id")
    assert store.get("id", "learner-1") == {"reward-ladder__0": "badges"}


def test_sticky__switched_off_for_the_experiment__is_by_hash() -> None:
    store = InMemoryStickyStore()
    decide(store, {"id": "learner-1"}, disableStickyBucketing=True)

    assert store.get("id", "learner-1") == {}


def test_sticky__store_that_fails__keeps_the_learner_out() -> None:
    found = decide(Broken(), {"id": "learner-1"})

    assert (found.reason, found.in_experiment) == ("error", False)


def test_is_blocked__versions_below_the_lowest__only() -> None:
    assert is_blocked("x", 2, {slot("x", 1): "a"})
    assert not is_blocked("x", 2, {slot("x", 2): "a"})
