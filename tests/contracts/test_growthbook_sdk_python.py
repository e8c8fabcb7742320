"""The official GrowthBook SDK for Python, on a running server, decides as we do."""

import pytest
from growthbook import GrowthBook
from growthbook.growthbook import feature_repo
from momentum_sdk import Momentum

from assignment import evaluate
from tests.contracts.live_server import soon
from tests.experiment_server.delivery.definitions import EXPERIMENTS, FOR_CLIENTS, KEYS, learners


@pytest.fixture
def connect(live):
    """Makes official clients; what they share in the process is put back after the test."""
    made = []

    def connect(**options):
        key = options.pop("client_key", live.client_key)
        made.append(GrowthBook(api_host=live.url, client_key=key, **options))
        return made[-1]

    yield connect
    for client in made:
        if feature_repo.sse_client:
            client.stop_auto_refresh(timeout=1)
            feature_repo.sse_client = None
        client.destroy()
    feature_repo.clear_cache()


def test_growthbook_python__each_flag_and_experiment__gives_what_the_server_decides(live, connect):
    growthbook = connect()
    growthbook.load_features()
    met = set()

    for attributes in learners(600):
        growthbook.set_attributes(live.for_client(attributes))
        for key in FOR_CLIENTS:
            theirs, ours = growthbook.eval_feature(key), evaluate(live.whole, key, attributes)
            result = theirs.experimentResult
            variant = result.key if result is not None and result.inExperiment else None
            assert theirs.value == ours.value, (key, attributes)
            assert variant == (ours.variant if ours.in_experiment else None), (key, attributes)
            met.add((key, ours.reason))

    assert {(key, "split") for key in EXPERIMENTS} <= met
    assert {("ladder", "forced"), ("quest", "forced"), ("ladder", "no_unit")} <= met
    assert {
        ("ladder", "not_targeted"),
        ("ring", "not_covered"),
        ("panel", "targeting_match"),
    } <= met


def test_growthbook_python__and_our_sdk__give_the_same_variants(live, connect):
    growthbook = connect()
    growthbook.load_features()

    for key in (live.server_key, live.client_key):
        with Momentum(live.url, key) as momentum:
            assert momentum.ready(10)
            for attributes in learners(200)[:-1]:
                told = attributes if key == live.server_key else live.for_client(attributes)
                growthbook.set_attributes(live.for_client(attributes))
                for experiment in EXPERIMENTS:
                    ours = momentum.variant(experiment, told["id"], told)
                    assert growthbook.get_feature_value(experiment, None) == ours.payload


def test_growthbook_python__change__arrives_through_the_stream(live, connect):
    live.add_flag("streamed-to-python", "boolean", False)
    growthbook = connect(streaming=True)
    assert growthbook.get_feature_value("streamed-to-python", None) is False

    live.switch("streamed-to-python", True)
    soon(lambda: growthbook.get_feature_value("streamed-to-python", None) is True)
    live.switch("streamed-to-python", False)
    soon(lambda: growthbook.get_feature_value("streamed-to-python", None) is False)


def test_growthbook_python__remote_evaluation__gives_the_same_and_tells_exposures(live, connect):
    viewed = []

    def remember(experiment, result, **_):
        viewed.append((experiment.key, result.key))

    for attributes in learners(40):
        viewed.clear()
        growthbook = connect(remote_eval=True, attributes=attributes, on_experiment_viewed=remember)
        expected = {key: evaluate(live.whole, key, attributes) for key in KEYS if key != "internal"}
        for key, ours in expected.items():
            assert growthbook.get_feature_value(key, None) == ours.value
        assert sorted(viewed) == sorted(
            (key, ours.variant) for key, ours in expected.items() if ours.in_experiment
        )


def test_growthbook_python__with_our_own_payload__is_not_troubled_by_our_extras(live):
    payload = live.get("/api/v1/payload")
    growthbook = GrowthBook(features=payload["features"], savedGroups=payload["savedGroups"])

    for attributes in learners(100):
        growthbook.set_attributes(attributes)
        for key in KEYS:
            assert growthbook.eval_feature(key).value == evaluate(live.whole, key, attributes).value
    growthbook.destroy()


def test_growthbook_python__encrypted_payload__gives_what_the_server_decides(live, connect):
    keys = {"client_key": live.encrypted_key, "decryption_key": live.decryption_key}
    growthbook = connect(**keys)
    growthbook.load_features()

    for attributes in learners(100):
        growthbook.set_attributes(live.for_client(attributes))
        for key in FOR_CLIENTS:
            assert growthbook.eval_feature(key).value == evaluate(live.whole, key, attributes).value
