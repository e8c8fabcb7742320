"""Payloads that the server encrypts: 128-bit AES-CBC. Needs the package cryptography.

Nothing else of the engine imports this module.
"""

import json
from base64 import b64decode
from collections.abc import Mapping
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from .errors import AssignmentError

FIELDS: Final = {
    "encryptedFeatures": "features",
    "encryptedSavedGroups": "savedGroups",
}
"""What is encrypted under which name, and its name in a plain payload."""

BLOCK_BITS: Final = 128


def decrypt(text: str, key: str) -> str:
    """What an encrypted text says.

    Args:
        text: initialisation vector and cipher text, each in Base64, with a full stop between.
        key: the 128-bit key in Base64, as it stands beside the client key.

    Raises:
        AssignmentError: the key does not fit, or the text was cut or changed.
    """
    try:
        start, _, secret = text.partition(".")
        cipher = Cipher(algorithms.AES(b64decode(key)), modes.CBC(b64decode(start))).decryptor()
        padded = cipher.update(b64decode(secret)) + cipher.finalize()
        remover = PKCS7(BLOCK_BITS).unpadder()
        return (remover.update(padded) + remover.finalize()).decode()
    except ValueError as error:  # wrong lengths, padding, Base64 and UTF-8 alike
        raise AssignmentError(
            "the payload cannot be decrypted with this key; expected the 128-bit key in Base64"
            " that belongs to the client key, such as Ns04T5n9+59rl2x3SlNHtQ=="
        ) from error


def decrypt_payload(data: Mapping[str, Any], key: str) -> dict[str, Any]:
    """A payload with its encrypted parts in the clear, ready for `parse_payload`.

    Raises:
        AssignmentError: a part cannot be decrypted, or is no JSON then.
    """
    plain = {name: value for name, value in data.items() if name not in FIELDS}
    for encrypted, name in FIELDS.items():
        if isinstance(data.get(encrypted), str):
            try:
                plain[name] = json.loads(decrypt(data[encrypted], key))
            except json.JSONDecodeError as error:
                raise AssignmentError(f"{encrypted}: what it decrypts to is no JSON") from error
    return plain
