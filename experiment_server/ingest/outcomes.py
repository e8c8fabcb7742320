"""Outcomes: numbers of a learner and a day (KPI facts), each as it was received last.

Two facts about one learner, name and day are told apart like this:

- With an id, a fact is taken once, however often and however late it is sent again.
- Without one, a fact changes nothing when its value is the current one, and corrects it otherwise:
  5, 7, 5 ends at 5.

The lake gets every fact that was taken, and shows the one received latest. So each fact of one
learner, name and day gets a later time of receipt than the one before, even in one batch.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from analysis.kinds import OUTCOME_PREFIX
from experiment_server.ingest.items import (
    EPOCH,
    ParsedItem,
    Refusal,
    Rules,
    Unacceptable,
)
from experiment_server.ingest.values import (
    MAX_ID,
    MAX_UNIT,
    read_optional_number,
    read_optional_text,
    read_text,
    readable_id,
    refuse_unknown,
    shown,
)
from experiment_server.times import AHEAD, EARLIEST

OUTCOMES: Final = "outcomes"  # the lake's table, and what quarantine calls these
MAX_NAME: Final = 100
_EXAMPLE: Final = '{"learner": "ada", "name": "sales", "day": "2026-03-01", "value": 1250.0}'
_FIELDS: Final = frozenset({"id", "learner", "name", "day", "value"})


class Fact(NamedTuple):
    """One outcome as it was sent, its learner as a pseudonym."""

    id: str | None
    learner: str
    name: str
    day: int  # since 1970
    value: float

    @property
    def key(self) -> bytes:
        """What a fact and its corrections share: learner, then name and day."""
        about = blake2b(f"{self.day}:{self.name}".encode(), digest_size=16).digest()
        return bytes.fromhex(self.learner) + about


class Current(NamedTuple):
    """The value that counts, and when it was received, in microseconds since 1970."""

    value: float | None
    received_micros: int


class Decided(NamedTuple):
    """What a batch of facts changes."""

    rows: list[ParsedItem]
    current: dict[bytes, Current]  # of the keys that changed
    n_duplicates: int


def parse_outcome(item: Any, index: int, rules: Rules) -> Fact | Refusal:
    """One item of a batch as a fact, or why not. Never raises, whatever the item is."""
    try:
        return _parse(item, rules)
    except Unacceptable as refused:
        sent_id = readable_id(item)
        return Refusal(index, sent_id, refused.field, refused.reason, refused.remedy)


def event_id(fact_id: str) -> str:
    """A fact's id as the ledger and the lake have it: apart from the ids of events."""
    return OUTCOME_PREFIX + fact_id


def decide(
    facts: Sequence[Fact],
    current: Mapping[bytes, Current],
    received_ids: set[str],
    received_micros: int,
    *,
    is_late: bool = False,
) -> Decided:
    """What facts change, in their order.

    Args:
        facts: as they were sent.
        current: what counts by now, for the keys that have something.
        received_ids: those of the facts' event ids that were taken before.
        received_micros: when the facts were received.
        is_late: they were received before, and are only taken now: what was received since counts.
    """
    seen, now, rows = set(received_ids), dict(current), []
    for fact in facts:
        key = fact.key
        known = now.get(key, Current(None, 0))
        at = received_micros if is_late else max(received_micros, known.received_micros + 1)
        named = _event_id(fact, at)
        is_repeat = fact.value == known.value if fact.id is None else named in seen
        if is_repeat or at <= known.received_micros:
            continue
        seen.add(named)
        now[key] = Current(fact.value, at)
        rows.append(_row(fact, named, at))
    changed = {key: found for key, found in now.items() if current.get(key) != found}
    return Decided(rows, changed, len(facts) - len(rows))


def _event_id(fact: Fact, at: int) -> str:
    if fact.id is not None:
        return event_id(fact.id)
    return event_id(blake2b(fact.key + at.to_bytes(8, "big"), digest_size=16).hexdigest())


def _row(fact: Fact, named: str, at: int) -> ParsedItem:
    row = {
        "event_id": named,
        "learner": fact.learner,
        "name": fact.name,
        "day": fact.day,
        "value": fact.value,
        "received_at": at,
    }
    return ParsedItem(named, OUTCOMES, row)


def _parse(item: Any, rules: Rules) -> Fact:
    if type(item) is not dict:
        raise Unacceptable("item", f"is {shown(item)}, not an object", f"send {_EXAMPLE}")
    refuse_unknown(item, _FIELDS)
    sent_id = read_optional_text(item, "id", "id", "crm-88231")
    if sent_id is not None and len(sent_id) > MAX_ID:
        raise Unacceptable("id", f"has {len(sent_id)} characters", f"use at most {MAX_ID}")
    learner = read_text(item, "learner", "learner", "learner-17", MAX_UNIT)
    name = read_text(item, "name", "name", "quota_attainment", MAX_NAME)
    if name.startswith(OUTCOME_PREFIX):
        raise Unacceptable("name", f"is {shown(name)}", f"leave out {OUTCOME_PREFIX!r}")
    day = _read_day(item, rules.received_at)
    value = read_optional_number(item, "value")
    if value is None:
        raise Unacceptable("value", "is missing", "send a number, such as 1250.0")
    return Fact(sent_id, rules.pseudonyms.learner(learner), name, day, value)


def _read_day(item: dict[str, Any], received_at: datetime) -> int:
    raw = item.get("day")
    try:
        day = date.fromisoformat(raw) if type(raw) is str and len(raw) == 10 else None
    except ValueError:
        day = None
    if day is None:
        found = "is missing" if raw is None else f"is {shown(raw)}, not a day"
        raise Unacceptable("day", found, "write the day as '2026-03-01'")
    if day < EARLIEST.date():
        raise Unacceptable("day", f"{shown(raw)} is before the year 2000", "check the year")
    if day > (received_at + AHEAD).date():
        raise Unacceptable(
            "day",
            f"{shown(raw)} is in the future",
            "send a fact when its day has come; a goal or forecast is no outcome",
        )
    return day.toordinal() - EPOCH.toordinal()
