"""Keys for programs: made from 256 random bits, checked by checksum, stored as SHA-256."""

import re
import zlib
from dataclasses import dataclass
from hashlib import sha256
from secrets import token_bytes
from typing import Final

from experiment_server.security.roles import CLIENT, ENCRYPTED, MANAGEMENT, SERVER

LEADS: Final = {
    SERVER: "mo_server_",
    CLIENT: "mo_client_",
    ENCRYPTED: "mo_client_",  # everywhere but in its payload it is a client key
    MANAGEMENT: "mo_manage_",
}
PATH_ARGUMENT: Final = "client_key"  # of routes whose path carries the key, as GrowthBook has it
SHOWN: Final = 6  # characters after the lead that the list of keys shows
_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_FORM: Final = re.compile(r"mo_(?:server|client|manage)_[0-9A-Za-z]{43}[0-9A-Za-z]{6}")


@dataclass(frozen=True)
class NewKey:
    """A key at the moment of its making, the only one at which its secret is known."""

    secret: str
    prefix: str
    secret_hash: str


def make_key(kind: str) -> NewKey:
    """A new key of one of the kinds in ``roles.KEY_KINDS``."""
    body = _base62(int.from_bytes(token_bytes(32)), 43)
    secret = LEADS[kind] + body
    secret += _checksum(secret)
    return NewKey(secret, prefix_of(secret), hash_key(secret))


def prefix_of(secret: str) -> str:
    """What the list of keys shows of a key: its lead and the first characters."""
    return secret[: secret.rindex("_") + 1 + SHOWN]


def hash_key(secret: str) -> str:
    """What the database holds in the key's place; 256 random bits need no slow hash."""
    return sha256(secret.encode()).hexdigest()


def is_well_formed(secret: str) -> bool:
    """Whether this can be a key at all: a mistyped one is refused without asking the database."""
    return _FORM.fullmatch(secret) is not None and _checksum(secret[:-6]) == secret[-6:]


def _checksum(text: str) -> str:
    return _base62(zlib.crc32(text.encode()), 6)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
