"""Official OpenFeature SDKs with their OFREP providers, on a running server, decide as we do."""

import pytest
from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode

from assignment import evaluate
from tests.contracts.live_server import soon
from tests.contracts.node_packages import Program, installed
from tests.experiment_server.delivery.definitions import EXPERIMENTS, FLAGS, KEYS, learners

PACKAGES = ("@openfeature/server-sdk@1.23.0", "@openfeature/ofrep-provider@0.1.3")
FALLBACKS = {"boolean": False, "string": "", "json": {}}  # a number may be an integer or a float


def fallback(key):
    """A value of the flag's type."""
    if "factors" in EXPERIMENTS.get(key, {}):
        return {}  # a value for each factor
    factorial = {"value_type": "json"} if key == "grid" else {"value_type": "string"}
    kind = FLAGS.get(key, factorial).get("value_type", "boolean")
    return FALLBACKS.get(kind, 0)


@pytest.fixture
def openfeature(live):
    provider = OFREPProvider(
        live.url, headers_factory=lambda: {"Authorization": f"Bearer {live.server_key}"}
    )
    api.set_provider(provider)
    yield api.get_client()
    api.shutdown()
    api.clear_providers()
    provider.session.close()


def context_of(attributes):
    rest = {name: value for name, value in attributes.items() if name != "id"}
    return EvaluationContext(targeting_key=attributes.get("id"), attributes=rest)


def details(client, key, context):
    """The answer by the method of the flag's type."""
    if fallback(key) == 0:
        answer = client.get_integer_details(key, 0, context)
        return answer if answer.error_code is None else client.get_float_details(key, 0.0, context)
    kind = {bool: "boolean", str: "string", dict: "object"}[type(fallback(key))]
    return getattr(client, f"get_{kind}_details")(key, fallback(key), context)


def test_openfeature_python__each_flag_and_experiment__gives_what_the_server_decides(
    live, openfeature
):
    for attributes in learners(80):
        for key in KEYS:
            theirs = details(openfeature, key, context_of(attributes))
            ours = evaluate(live.whole, key, attributes)
            if ours.reason == "no_unit":
                assert theirs.value == fallback(key)
                assert theirs.error_code in (
                    ErrorCode.TARGETING_KEY_MISSING,
                    ErrorCode.INVALID_CONTEXT,
                )
                continue
            assert theirs.error_code is None
            assert theirs.value == ours.value
            assert theirs.variant == (ours.variant or theirs.variant)
            assert theirs.flag_metadata["reason"] == ours.reason


def test_openfeature_python__what_cannot_be_answered__is_the_default_with_a_code(live, openfeature):
    learner = EvaluationContext(targeting_key="ada")

    unknown = openfeature.get_boolean_details("nothing", True, learner)
    mistyped = openfeature.get_boolean_details("greeting", True, learner)
    anonymous = openfeature.get_string_details("ring", "mine", EvaluationContext())

    assert (unknown.value, unknown.error_code) == (True, ErrorCode.FLAG_NOT_FOUND)
    assert (mistyped.value, mistyped.error_code) == (True, ErrorCode.TYPE_MISMATCH)
    assert (anonymous.value, anonymous.error_code) == ("mine", ErrorCode.TARGETING_KEY_MISSING)


def test_openfeature_python__change__is_followed(live, openfeature):
    live.add_flag("salute", "string", "hello")
    learner = EvaluationContext(targeting_key="ada")
    soon(lambda: openfeature.get_string_value("salute", "", learner) == "hello")

    live.switch("salute", "good morning")

    soon(lambda: openfeature.get_string_value("salute", "", learner) == "good morning")


def test_openfeature_javascript__each_flag_and_experiment__gives_what_the_server_decides(live):
    asks = [
        (key, fallback(key), {"targetingKey": attributes["id"], **attributes})
        for attributes in learners(80)[:-1]
        for key in KEYS
    ]

    with Program("ofrep.mjs", installed(*PACKAGES)) as node:
        found = node.ask(url=live.url, key=live.server_key, asks=asks)

    for (key, _, context), theirs in zip(asks, found, strict=True):
        ours = evaluate(live.whole, key, context)
        assert "errorCode" not in theirs
        assert theirs["value"] == ours.value
        assert theirs["variant"] == (ours.variant or theirs["variant"])


def test_openfeature_javascript__what_cannot_be_answered__is_the_default_with_a_code(live):
    asks = [("nothing", True, {"targetingKey": "ada"}), ("panel", "text", {}), ("ring", "mine", {})]

    with Program("ofrep.mjs", installed(*PACKAGES)) as node:
        found = node.ask(url=live.url, key=live.server_key, asks=asks)

    assert [(one["value"], one["errorCode"]) for one in found] == [
        (True, "FLAG_NOT_FOUND"),
        ("text", "TYPE_MISMATCH"),
        ("mine", "TARGETING_KEY_MISSING"),
    ]
