import json
import subprocess
import sys
from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from growthbook import growthbook as official
from hypothesis import given
from hypothesis import strategies as st

from assignment import AssignmentError, evaluate, parse_payload
from assignment.encrypted import decrypt, decrypt_payload

KEY = b64encode(b"0123456789abcdef").decode()


def encrypt(text: str, start: bytes = b"fedcba9876543210") -> str:
    padder = PKCS7(128).padder()
    padded = padder.update(text.encode()) + padder.finalize()
    cipher = Cipher(algorithms.AES(b"0123456789abcdef"), modes.CBC(start)).encryptor()
    return f"{b64encode(start).decode()}.{b64encode(cipher.update(padded)).decode()}"


@given(st.text(st.characters(exclude_categories=["Cs"])), st.binary(min_size=16, max_size=16))
def test_decrypt__any_text__is_what_the_official_sdk_reads(text: str, start: bytes) -> None:
    secret = encrypt(text, start)

    assert decrypt(secret, KEY) == text == official.decrypt(secret, KEY)


@pytest.mark.parametrize(
    ("secret", "key"),
    [
        pytest.param("", KEY, id="nothing"),
        pytest.param("abc", KEY, id="no full stop"),
        pytest.param("a.b", KEY, id="no Base64"),
        pytest.param(encrypt("{}")[:-8], KEY, id="cut"),
        pytest.param(encrypt("{}"), "", id="no key"),
        pytest.param(encrypt("{}"), "short", id="a key that is no Base64"),
        pytest.param(encrypt("{}"), b64encode(b"12345").decode(), id="a short key"),
        pytest.param(encrypt("{}"), b64encode(b"fedcba9876543210").decode(), id="another key"),
        pytest.param(encrypt("{}"), "\u00e9", id="a key beyond ASCII"),
    ],
)
def test_decrypt__broken_or_wrong_key__says_what_is_right(secret: str, key: str) -> None:
    with pytest.raises(AssignmentError, match="128-bit key"):
        decrypt(secret, key)


def test_decrypt_payload__features_and_groups__evaluate_as_the_plain_payload() -> None:
    rule = {"force": True, "condition": {"id": {"$inGroup": "pilots"}}}
    features = {"x": {"defaultValue": False, "rules": [rule]}}
    data = {
        "features": {},
        "encryptedFeatures": encrypt(json.dumps(features)),
        "encryptedSavedGroups": encrypt(json.dumps({"pilots": ["l1"]})),
        "momentum": {"environment": "live"},
    }

    payload = parse_payload(decrypt_payload(data, KEY))

    assert evaluate(payload, "x", {"id": "l1"}).value is True
    assert evaluate(payload, "x", {"id": "l2"}).value is False
    assert payload.environment == "live"


def test_decrypt_payload__plain__is_left_as_it_is() -> None:
    assert decrypt_payload({"features": {}}, KEY) == {"features": {}}


def test_decrypt_payload__no_json__says_where() -> None:
    with pytest.raises(AssignmentError, match="encryptedFeatures"):
        decrypt_payload({"encryptedFeatures": encrypt("{")}, KEY)


def test_core__imported__brings_no_cipher_and_no_numpy() -> None:
    code = "import sys, assignment; print({'cryptography', 'numpy'} & set(sys.modules))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"
