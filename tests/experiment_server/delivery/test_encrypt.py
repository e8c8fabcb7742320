"""Encrypted client keys: what they receive, and that it is the clients' payload."""

import json
from base64 import b64decode

import pytest
from growthbook.growthbook import decrypt
from hypothesis import given
from hypothesis import strategies as st

from assignment.encrypted import decrypt_payload
from experiment_server.delivery.encrypt import encrypt, encrypt_payload
from tests.experiment_server.delivery.definitions import URL, make_flag

KEY = "MDEyMzQ1Njc4OWFiY2RlZg=="


@pytest.fixture
def encrypted(client, keys):
    """An encrypted key, and what decrypts its payload."""
    admin = keys.manage("admin")
    body = {"kind": "encrypted", "title": "web"}
    made = client.post(f"{URL}/keys", json=body, headers=admin)
    assert made.status_code == 201
    return made.json["secret"], made.json["decryption_key"]


@given(st.binary(max_size=100).map(bytes.hex))
def test_encrypt__any_text__is_read_by_the_official_sdk_and_comes_out_alike(text):
    made = encrypt(text.encode(), KEY)

    assert decrypt(made, KEY) == text
    assert encrypt(text.encode(), KEY) == made


def test_encrypt__two_texts__begin_apart():
    first, second = (encrypt(text, KEY).split(".") for text in (b"a" * 64, b"a" * 63 + b"b"))

    assert first[0] != second[0]
    assert b64decode(first[1])[:16] != b64decode(second[1])[:16]


def test_encrypt_payload__of_groups__is_whole_again_when_decrypted():
    payload = {"features": {"x": {"defaultValue": 1}}, "savedGroups": {"g": ["a"]}, "other": 1}

    told = encrypt_payload(payload, KEY)

    assert set(told) == {"encryptedFeatures", "encryptedSavedGroups", "other"}
    assert decrypt_payload(told, KEY) == payload


@pytest.mark.usefixtures("defined")
def test_features__for_an_encrypted_key__are_those_of_a_client_key(client, client_key, encrypted):
    secret, key = encrypted
    plain = client.get(f"/api/features/{client_key}")
    hidden = client.get(f"/api/features/{secret}")
    etag = {"If-None-Match": hidden.headers["ETag"]}

    assert secret.startswith("mo_client_")
    assert len(b64decode(key)) == 16
    assert "greeting" not in hidden.text
    assert decrypt_payload(hidden.json, key) == plain.json
    assert client.get(f"/api/features/{secret}", headers=etag).status_code == 304


@pytest.mark.usefixtures("defined")
def test_payload__for_an_encrypted_key__is_that_of_a_client_key(client, client_key, encrypted):
    secret, key = encrypted
    plain, hidden = (
        client.get("/api/v1/payload", headers={"Authorization": f"Bearer {each}"}).json
        for each in (client_key, secret)
    )

    assert "features" not in hidden
    assert hidden["momentum"] == plain["momentum"]
    assert decrypt_payload(hidden, key) == plain


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_stream__for_an_encrypted_key__tells_a_change_encrypted(client, editor, encrypted):
    secret, key = encrypted
    answer = client.get(f"/sub/{secret}")
    chunks = answer.response
    next(chunks), next(chunks)
    make_flag(client, editor, "home", rules=[])
    text = next(chunks).decode()
    data = json.loads(text.split("data: ", 1)[1])
    answer.close()

    assert "features" not in data
    assert set(decrypt_payload(data, key)["features"]) == {"home"}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_keys__of_each_kind__show_a_decryption_key_when_encrypted_only(
    client, keys, editor, encrypted
):
    keys.secret("client")
    keys.secret("encrypted")
    listed = client.get(f"{URL}/keys", headers=editor).json["items"]
    shown = {item["decryption_key"] for item in listed if item["kind"] == "encrypted"}

    assert len(shown) == 2
    assert encrypted[1] in shown
    assert {item["decryption_key"] for item in listed if item["kind"] != "encrypted"} == {None}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_encrypted_key__without_the_package__is_refused_with_what_to_do(client, keys, monkeypatch):
    monkeypatch.setattr("experiment_server.environments.service.find_spec", lambda _name: None)
    body = {"kind": "encrypted", "title": "web"}

    answer = client.post(f"{URL}/keys", json=body, headers=keys.manage("admin"))

    assert answer.status_code == 422
    assert "cryptography" in answer.json["detail"]
