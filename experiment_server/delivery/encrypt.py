"""Payloads that only holders of a key can read: 128-bit AES-CBC, as GrowthBook decrypts it."""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from assignment.encrypted import BLOCK_BITS, FIELDS
from experiment_server.strict_json import dumps

START_BYTES: Final = BLOCK_BITS // 8


def encrypt_payload(payload: Mapping[str, Any], key: str) -> dict[str, Any]:
    """A payload whose features and saved groups are encrypted; the same one always comes out alike.

    Args:
        payload: as it would be sent.
        key: 128 bits in Base64.
    """
    hidden = {plain: encrypted for encrypted, plain in FIELDS.items()}
    # No empty `features` beside it: an SDK with a wrong key then keeps what it had.
    told: dict[str, Any] = {n: value for n, value in payload.items() if n not in hidden}
    for plain, encrypted in hidden.items():
        told[encrypted] = encrypt(dumps(payload.get(plain) or {}), key)
    return told


def encrypt(text: bytes, key: str) -> str:
    """A text as GrowthBook writes it: where the cipher starts and what it made, in Base64.

    The start follows from the text. So an unchanged payload keeps its ETag, and no two texts share
    a start.
    """
    secret = b64decode(key)
    start = hmac.digest(secret, text, "sha256")[:START_BYTES]
    padder = PKCS7(BLOCK_BITS).padder()
    padded = padder.update(text) + padder.finalize()
    cipher = Cipher(algorithms.AES(secret), modes.CBC(start)).encryptor()
    made = cipher.update(padded) + cipher.finalize()
    return f"{b64encode(start).decode()}.{b64encode(made).decode()}"
