"""Pseudonyms: what stands in the lake instead of a learner's or a team's id."""

import hmac
from functools import lru_cache
from typing import Final

PSEUDONYM_LENGTH: Final = 32  # hex characters: 128 bits
_REMEMBERED: Final = 65_536  # learners who are active now come again and again


class Pseudonyms:
    """One environment's keyed hash: the same id gives the same pseudonym, and no way back."""

    def __init__(self, key: str) -> None:
        """Under the environment's ``pseudonym_key`` (hex)."""
        self._key = bytes.fromhex(key)

    def learner(self, learner_id: str) -> str:
        """The learner's pseudonym."""
        return _hash(self._key, learner_id)

    def team(self, team_id: str) -> str:
        """The team's pseudonym: as the unit of an exposure and as the attribute alike."""
        return _hash(self._key, f"team:{team_id}")


@lru_cache(_REMEMBERED)
def _hash(key: bytes, text: str) -> str:
    return hmac.digest(key, text.encode(), "sha256").hex()[:PSEUDONYM_LENGTH]
