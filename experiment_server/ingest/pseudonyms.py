"""Pseudonyms: what stands in the lake instead of a learner's or a team's id."""

import hmac

PSEUDONYM_LENGTH = 32  # hex characters: 128 bits


class Pseudonyms:
    """One environment's keyed hash: the same id gives the same pseudonym, and no way back."""

    def __init__(self, key: str) -> None:
        """Under the environment's ``pseudonym_key`` (hex)."""
        self._key = bytes.fromhex(key)

    def learner(self, learner_id: str) -> str:
        """The learner's pseudonym."""
        return self._hash(learner_id)

    def team(self, team_id: str) -> str:
        """The team's pseudonym: as the unit of an exposure and as the attribute alike."""
        return self._hash(f"team:{team_id}")

    def _hash(self, text: str) -> str:
        return hmac.digest(self._key, text.encode(), "sha256").hex()[:PSEUDONYM_LENGTH]
