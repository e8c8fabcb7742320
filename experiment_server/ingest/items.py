"""What every event standard takes and gives: rules in, a lake row or a refusal out."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Final, NamedTuple

from experiment_server.ingest.pseudonyms import Pseudonyms
from experiment_server.kind_rules.table import KindTable
from experiment_server.times import AHEAD, EARLIEST

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def to_micros(at: datetime) -> int:
    """An aware time as microseconds since 1970: how times stand in a buffered row."""
    return (at - EPOCH) // _MICROSECOND


EARLIEST_MICROS: Final = to_micros(EARLIEST)


class ParsedItem(NamedTuple):
    """One accepted item: a row of a lake table, times as microseconds since 1970."""

    event_id: str
    lake_table: str  # events | exposures | learners
    row: dict[str, Any]


@dataclass(frozen=True)
class Refusal:
    """Why one item of a batch was not taken, and what would make it right."""

    index: int  # position in the batch, from 0
    id: str | None  # as sent, when it was readable
    field: str
    reason: str
    remedy: str

    def to_json(self) -> dict[str, Any]:
        """The refusal as plain JSON values."""
        return asdict(self)


class Unacceptable(Exception):  # noqa: N818 - says what the value is, and never leaves the parser
    """A field that cannot be taken; the parser turns it into a refusal."""

    def __init__(self, field: str, reason: str, remedy: str) -> None:
        super().__init__(f"{field}: {reason}; {remedy}")
        self.field = field
        self.reason = reason
        self.remedy = remedy


@dataclass(frozen=True)
class KnownExperiment:
    """What an exposure must agree with."""

    unit_kind: str  # learner | team
    variants: tuple[str, ...]
    started: bool  # ever
    strata: Mapping[str, str] = field(default_factory=dict)  # unit -> stratum, of listed units


@dataclass(frozen=True)
class Rules:
    """What a parser needs to know besides the item."""

    received_at: datetime
    pseudonyms: Pseudonyms
    experiments: Mapping[str, KnownExperiment]
    may_describe: bool = True  # learner items are for server keys only
    kinds: KindTable = field(default_factory=KindTable)  # what an action of xAPI or Caliper is

    @cached_property
    def received_micros(self) -> int:
        """When the batch came, as rows have it."""
        return to_micros(self.received_at)

    @cached_property
    def latest_micros(self) -> int:
        """The latest time an item may carry."""
        return to_micros(self.received_at + AHEAD)


@dataclass(frozen=True)
class Receipt:
    """What became of a batch."""

    accepted: int  # new, and durable
    duplicates: int  # received before, or twice in the batch: stored once
    refused: tuple[Refusal, ...]

    def to_json(self) -> dict[str, Any]:
        """The receipt as plain JSON values."""
        return {
            "accepted": self.accepted,
            "duplicates": self.duplicates,
            "refused": [refusal.to_json() for refusal in self.refused],
        }
