"""The provider under the official OpenFeature SDK."""

import asyncio
import copy
from datetime import UTC, datetime

import pytest
from momentum_sdk import Momentum
from momentum_sdk.openfeature import MomentumProvider
from openfeature import api
from openfeature.evaluation_context import EvaluationContext
from openfeature.event import ProviderEvent
from openfeature.exception import ErrorCode, ProviderNotReadyError
from openfeature.flag_evaluation import Reason
from openfeature.hook import Hook
from openfeature.provider import ProviderStatus
from openfeature.track import TrackingEventDetails

from tests.sdk.fault_server import PAYLOAD
from tests.sdk.test_faults import wait_for

TYPED = copy.deepcopy(PAYLOAD)
TYPED["features"] |= {
    "text": {"defaultValue": "hello"},
    "whole": {"defaultValue": 3.0},
    "half": {"defaultValue": 2.5},
    "list": {"defaultValue": [1, 2]},
    "nothing": {"defaultValue": None},
    "broken": {"defaultValue": 1, "rules": [{"force": 1, "coverage": "half"}]},
    "late": {
        "defaultValue": False,
        "rules": [{"force": True, "condition": {"since": {"$gt": "2024"}}}],
    },
}
SELLER = EvaluationContext("l1", {"role": "seller"})


@pytest.fixture(autouse=True)
def clean():
    yield
    api.clear_providers()  # and their handlers


@pytest.fixture
def asks(connect, server):
    """OpenFeature's own client on the provider."""
    server.payload = TYPED
    api.set_provider_and_wait(MomentumProvider(connect()))
    return api.get_client()


@pytest.mark.parametrize(
    ("method", "flag", "default", "value", "reason"),
    [
        ("boolean", "new-home", False, True, Reason.TARGETING_MATCH),
        ("string", "text", "bye", "hello", Reason.STATIC),
        ("integer", "limit", 1, 5, Reason.STATIC),
        ("integer", "whole", 1, 3, Reason.STATIC),
        ("float", "half", 1.0, 2.5, Reason.STATIC),
        ("float", "limit", 1.0, 5.0, Reason.STATIC),
        ("object", "list", [], [1, 2], Reason.STATIC),
        ("string", "nothing", "mine", "mine", Reason.STATIC),
    ],
)
def test_values__each_type__are_resolved(asks, method, flag, default, value, reason) -> None:
    details = getattr(asks, f"get_{method}_details")(flag, default, SELLER)

    assert (details.value, details.reason, details.error_code) == (value, reason, None)
    assert type(details.value) is type(value)
    later = getattr(asks, f"get_{method}_value_async")(flag, default, SELLER)
    assert asyncio.run(later) == value


@pytest.mark.parametrize(
    ("method", "flag", "default", "context", "code"),
    [
        ("boolean", "limit", False, SELLER, ErrorCode.TYPE_MISMATCH),
        ("string", "new-home", "x", SELLER, ErrorCode.TYPE_MISMATCH),
        ("integer", "half", 1, SELLER, ErrorCode.TYPE_MISMATCH),
        ("integer", "new-home", 1, SELLER, ErrorCode.TYPE_MISMATCH),
        ("float", "new-home", 1.0, SELLER, ErrorCode.TYPE_MISMATCH),
        ("object", "text", {}, SELLER, ErrorCode.TYPE_MISMATCH),
        ("boolean", "no-such", True, SELLER, ErrorCode.FLAG_NOT_FOUND),
        ("object", "reward-ladder", {}, None, ErrorCode.TARGETING_KEY_MISSING),
        ("object", "team-quest", {}, SELLER, ErrorCode.INVALID_CONTEXT),
        ("integer", "broken", 7, SELLER, ErrorCode.GENERAL),
    ],
)
def test_problems__each__give_the_default_and_the_code(
    asks, method, flag, default, context, code
) -> None:
    details = getattr(asks, f"get_{method}_details")(flag, default, context)

    assert (details.value, details.reason) == (default, Reason.ERROR)
    assert details.error_code == code


def test_experiment__asked_for__has_variant_and_metadata_and_one_exposure(
    asks, server, connect
) -> None:
    for _ in range(3):
        details = asks.get_object_details("reward-ladder", {}, SELLER)
    wanted = connect(payload=TYPED).variant("reward-ladder", "l1", {"role": "seller"})

    assert (details.value, details.variant) == (wanted.payload, wanted.key)
    assert details.reason == Reason.SPLIT
    assert details.flag_metadata == {
        "version": 1,
        "reason": "split",
        "experiment": "reward-ladder",
        "in_experiment": True,
    }
    assert wait_for(lambda: server.of_type("exposure"))
    assert {one["learner"] for one in server.of_type("exposure")} == {"l1"}


def test_context__times_and_forced_learners__are_understood(asks) -> None:
    since = EvaluationContext("l1", {"since": datetime(2025, 1, 1, tzinfo=UTC)})
    forced = EvaluationContext("learner-of-the-house")

    assert asks.get_boolean_value("late", False, since) is True
    assert asks.get_object_details("reward-ladder", {}, forced).variant == "badges"
    assert asks.get_object_details("reward-ladder", {}, forced).reason == Reason.TARGETING_MATCH


def test_tracking__of_a_learner__is_sent_as_an_event(asks, server) -> None:
    details = TrackingEventDetails(3.5, {"course": "negotiation"})

    asks.track("course_completed", EvaluationContext("l1"), details)
    asks.track("login", EvaluationContext("l2"))
    asks.track("login")  # of nobody: dropped and counted

    assert wait_for(lambda: len(server.of_type("event")) == 2)
    first, second = server.of_type("event")
    assert (first["kind"], first["learner"], first["value"]) == ("course_completed", "l1", 3.5)
    assert first["properties"] == {"course": "negotiation"}
    assert (second["kind"], second["learner"]) == ("login", "l2")


# ruff: noqa: ARG002 - the signatures are OpenFeature's
class Recorder(Hook):
    """Writes down the stages that it sees."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def before(self, hook_context, hints):
        self.seen.append(f"before {hook_context.flag_key}")
        return EvaluationContext("l1", {"role": "seller"})

    def after(self, hook_context, details, hints) -> None:
        self.seen.append(f"after {details.reason}")

    def error(self, hook_context, exception, hints) -> None:
        self.seen.append("error")

    def finally_after(self, hook_context, details, hints) -> None:
        self.seen.append("finally")


def test_hooks__of_the_provider__run_and_may_give_the_context(connect) -> None:
    recorder = Recorder()
    api.set_provider_and_wait(MomentumProvider(connect(), hooks=[recorder]))
    client = api.get_client()

    assert client.get_object_details("reward-ladder", {}).reason == Reason.SPLIT
    client.get_boolean_value("no-such", False)

    assert recorder.seen[:3] == ["before reward-ladder", "after SPLIT", "finally"]
    assert recorder.seen[3:] == ["before no-such", "error", "finally"]


def heard(event: ProviderEvent) -> list:
    told: list = []
    api.add_handler(event, told.append)
    return told


def test_events__a_change__is_told(asks, server) -> None:
    told = heard(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED)
    changed = copy.deepcopy(TYPED)
    changed["momentum"]["version"] = 2
    changed["features"]["limit"]["defaultValue"] = 8

    server.payload = changed

    assert wait_for(lambda: told)
    assert told[0].provider_name == "momentum"
    assert asks.get_integer_value("limit", 0, SELLER) == 8


def test_events__server_away_and_back__are_stale_and_ready(asks, server) -> None:
    stale = heard(ProviderEvent.PROVIDER_STALE)
    server.reply = lambda _asked: (500, {}, b"")
    assert wait_for(lambda: stale)

    details = asks.get_integer_details("limit", 0, SELLER)
    assert (details.value, details.reason) == (5, Reason.STALE)
    assert asks.get_provider_status() == ProviderStatus.STALE
    server.reply = lambda _asked: None

    assert wait_for(lambda: asks.get_provider_status() == ProviderStatus.READY)
    assert asks.get_integer_details("limit", 0, SELLER).reason == Reason.STATIC


def test_start__without_the_server__gives_defaults_until_it_comes(connect, server) -> None:
    server.reply = lambda _asked: (500, {}, b"")
    provider = MomentumProvider(connect(), ready_timeout_s=0.1)
    with pytest.raises(ProviderNotReadyError):
        api.set_provider_and_wait(provider)
    client = api.get_client()

    details = client.get_integer_details("limit", 1, SELLER)
    assert (details.value, details.error_code) == (1, ErrorCode.PROVIDER_NOT_READY)
    server.reply = lambda _asked: None

    assert wait_for(lambda: client.get_provider_status() == ProviderStatus.READY)
    assert client.get_integer_value("limit", 1, SELLER) == 5


def test_start__with_given_definitions_only__is_ready() -> None:
    client = Momentum("nowhere", "mo_server_x", payload=PAYLOAD, offline=True)
    api.set_provider_and_wait(MomentumProvider(client))

    assert api.get_client().get_integer_details("limit", 1, SELLER).reason == Reason.STATIC


def test_shutdown__sends_what_waits(connect, server) -> None:
    api.set_provider_and_wait(MomentumProvider(connect(flush_interval_s=60)))
    api.get_client().track("login", EvaluationContext("l1"))

    api.shutdown()

    assert len(server.of_type("event")) == 1
