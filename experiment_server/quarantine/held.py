"""What is put into quarantine: the thing as it was received, and why it was not taken."""

import json
import re
from hashlib import blake2b
from typing import Any, Final, NamedTuple

WAITING: Final = "waiting"
REPLAYED: Final = "replayed"
DISCARDED: Final = "discarded"
STATUSES: Final = (WAITING, REPLAYED, DISCARDED)

MAX_RAW: Final = 65_536  # characters of one thing: twice the largest properties
MAX_FIELD: Final = 200
MAX_REASON: Final = 500
MAX_CAUSE: Final = 300
# Fields with words of a vocabulary: the word is the cause. Elsewhere a value is one of many.
WORDS: Final = frozenset(
    {"type", "kind", "experiment", "variant", "name", "verb", "object", "action", "verb.id"}
)
_VALUES: Final = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|\b\d[\d.,e+-]*")


class Why(NamedTuple):
    """Why a thing was not taken, and what would make it right."""

    field: str
    reason: str
    remedy: str

    @property
    def cause(self) -> str:
        """What things that fail alike have in common: the reason, without the values of one."""
        plain = self.reason if self.field in WORDS else _VALUES.sub("…", self.reason)
        return plain[:MAX_CAUSE]


class SetAside(NamedTuple):
    """Nothing is wrong with a thing any more, and nobody wants it: what a replay says of it."""

    note: str


class Held(NamedTuple):
    """One thing to keep.

    Attributes:
        raw: as it was received, as JSON values.
        why: why it was not taken.
        learner: its learner's pseudonym, where that could be read; erasing goes by it.
        may_describe: whether its sender may describe learners; a replay has the same right.
    """

    raw: Any
    why: Why
    learner: str | None = None
    may_describe: bool = True


class Again(NamedTuple):
    """One kept thing on its way back through its parser."""

    raw: Any
    may_describe: bool


def as_text(raw: Any) -> tuple[str, bool]:
    """The JSON text to keep, and whether it is whole. ASCII, so that every database takes it."""
    try:
        text = json.dumps(raw, separators=(",", ":"))
    except (RecursionError, ValueError, TypeError):
        return "(nested too deeply to be kept)", False
    return text[:MAX_RAW], len(text) <= MAX_RAW


def received_key(raw: Any) -> bytes:
    """The ``content_key`` that a thing with every right has in quarantine, or would have."""
    return content_key(as_text(raw)[0], may_describe=True)


def content_key(text: str, may_describe: bool) -> bytes:
    """What two receptions of one thing share."""
    right = b"1" if may_describe else b"0"
    return blake2b(text.encode(), digest_size=16, person=right).digest()
