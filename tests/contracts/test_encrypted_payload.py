"""An encrypted client key: our SDK on a running server, with the right key and with others."""

import json
from base64 import b64encode
from urllib.request import urlopen

import pytest
from momentum_sdk import Momentum

from assignment import evaluate
from tests.contracts.live_server import soon
from tests.experiment_server.delivery.definitions import FOR_CLIENTS, learners

OTHER_KEY = b64encode(b"0123456789abcdef").decode()
BEFORE = {"features": {"greeting": {"defaultValue": "from before"}}}


def test_sdk__encrypted_payload__decides_as_the_server(live):
    keys = {"decryption_key": live.decryption_key}
    with Momentum(live.url, live.encrypted_key, **keys) as momentum:
        assert momentum.ready(10)
        for attributes in learners(100)[:-1]:
            told = live.for_client(attributes)
            for key in FOR_CLIENTS:
                ours = evaluate(live.whole, key, attributes)
                assert momentum.evaluate(key, told["id"], told).value == ours.value


def test_sdk__encrypted_change__arrives_through_the_stream(live):
    live.add_flag("encrypted-to-us", "number", 3)
    options = {"decryption_key": live.decryption_key, "streaming": True}
    with Momentum(live.url, live.encrypted_key, **options) as momentum:
        assert momentum.ready(10)
        assert momentum.value("encrypted-to-us", 0, "ada") == 3
        live.switch("encrypted-to-us", 11)
        soon(lambda: momentum.value("encrypted-to-us", 0, "ada") == 11)


@pytest.mark.parametrize("key", [None, OTHER_KEY, "no key", "\u00e9"], ids=ascii)
def test_sdk__wrong_key__goes_on_with_what_it_has(live, key):
    with Momentum(live.url, live.encrypted_key, payload=BEFORE, decryption_key=key) as momentum:
        assert momentum.refresh(2) is False
        assert momentum.ready(0) is False

        assert momentum.value("greeting", "mine", "ada") == "from before"
        assert momentum.value("limit", 5, "ada") == 5


def test_sdk__encrypted_payload__is_kept_encrypted_over_a_restart(live, tmp_path):
    file = tmp_path / "kept.json"
    options = {"decryption_key": live.decryption_key, "payload_file": file}
    with Momentum(live.url, live.encrypted_key, **options) as momentum:
        assert momentum.ready(10)
        soon(file.exists)

    assert "canary" not in file.read_text()
    with Momentum(live.url, live.encrypted_key, **options, offline=True) as later:
        assert later.value("greeting", "", "ada") == "hello"


def test_encrypted_features__in_the_clear__name_no_flag(live):
    with urlopen(f"{live.url}/api/features/{live.encrypted_key}", timeout=10) as answer:
        body = json.load(answer)

    assert set(body) == {"status", "encryptedFeatures", "encryptedSavedGroups", "dateUpdated"}
