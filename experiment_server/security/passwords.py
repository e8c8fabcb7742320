"""Passwords: Argon2id with the parameters of the OWASP cheat sheet."""

from functools import lru_cache
from secrets import choice
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from experiment_server.problems import invalid

MIN_LENGTH: Final = 12
MAX_LENGTH: Final = 256  # a longer one only costs time to hash
_HASHER: Final = PasswordHasher(memory_cost=19 * 1024, time_cost=2, parallelism=1)
_SYLLABLES: Final = tuple(
    consonant + vowel for consonant in "bdfghjklmnprstvz" for vowel in "aeiou"
)


def hash_password(password: str) -> str:
    """The Argon2id hash to store.

    Raises:
        Problem: the password is too short, too long, or one character over and over.
    """
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise invalid(
            "password",
            f"{len(password)} characters",
            f"{MIN_LENGTH} to {MAX_LENGTH} characters",
            "A sentence that only you would say is easy to remember and hard to guess.",
        )
    if len(set(password)) < MIN_LENGTH // 3:
        raise invalid("password", "very few different characters", "a less regular one", "Vary it.")
    return _HASHER.hash(password)


def verify_password(stored: str | None, password: str) -> bool:
    """Whether the password is the stored one; an unknown member (None) takes as long as any."""
    try:
        matches = _HASHER.verify(stored or _nobody(), password[: MAX_LENGTH + 1])
    except (VerificationError, InvalidHashError):
        return False
    return matches and stored is not None


def needs_new_hash(stored: str) -> bool:
    """Whether the stored hash was made with weaker parameters than today's."""
    return _HASHER.check_needs_rehash(stored)


def make_password() -> str:
    """A new password of some 100 bits that can be read out over the telephone."""
    groups = ("".join(choice(_SYLLABLES) for _ in range(4)) for _ in range(4))
    return "-".join(groups)


@lru_cache(maxsize=1)
def _nobody() -> str:
    return _HASHER.hash(make_password())
