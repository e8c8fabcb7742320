"""What one learner did in one window, counted in a single pass over the events.

Days carry presence, as bits: bit ``d`` says that the learner was active on day ``d`` of the window.
One 64-bit integer holds eight weeks; a longer window takes several.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Final

import ibis
from ibis.expr import types as ir

from analysis.engines.functions import (
    bit_count,
    days_between,
    epoch_us,
    from_millionths,
    sum_millionths,
)
from analysis.kinds import NOT_PRESENCE, OUTCOME_PREFIX, PEER_WEIGHTS, Part, kinds_of_part
from analysis.lake.reader import Lake

_CHUNK: Final = 56  # days per bitmap: whole weeks, and below the sign bit
_TOP_BIT: Final = 1 << 62

COUNTS: Final[tuple[Part, ...]] = ("challenges", "course_units", "claims", "peer_actions")
FACTS: Final = (
    "active_days",
    "active_weeks",
    *COUNTS,
    "judged_claim_days",
    "followed_claim_days",
)


def follow_days(window_days: int) -> int:
    """How many days after a claim are watched for a return: a week, less in a short window."""
    return min(7, window_days // 2)


def weeks_in(window_days: int) -> int:
    """Weeks in a window; the last one may be short."""
    return ceil(window_days / 7)


@dataclass(frozen=True)
class Window:
    """One window over events that already stand beside their learner.

    Attributes:
        days: length.
        day: the event's day within the window; below 0 or from ``days`` on it lies outside.
        prefix: tells this window's columns from those of other windows in the same query.
    """

    days: int
    day: ir.IntegerColumn
    prefix: str = ""

    @property
    def inside(self) -> ir.BooleanColumn:
        """Whether the event lies in the window."""
        return (self.day >= 0) & (self.day < self.days)


def is_presence(kind: ir.StringColumn) -> ir.BooleanColumn:
    """Whether a day with such an event is an active day."""
    return kind.notin(NOT_PRESENCE) & ~kind.startswith(OUTCOME_PREFIX)


def day_bits(window: Window, condition: ir.BooleanColumn, name: str) -> dict[str, ir.Value]:
    """Aggregates that gather the days of the events for which the condition holds, as bits."""
    bits = {}
    for chunk in range(ceil(window.days / _CHUNK)):
        local = window.day - chunk * _CHUNK
        here = condition & window.inside & (local >= 0) & (local < _CHUNK)
        # Shifted right from a constant: shifting a small constant left would overflow its type.
        bit = ibis.literal(_TOP_BIT) >> (62 - local)
        bits[f"{window.prefix}{name}_{chunk}"] = bit.bit_or(where=here)
    return bits


def fact_aggregates(events: ir.Table, window: Window) -> dict[str, ir.Value]:
    """The aggregates that ``facts`` reads, to be put into a grouped query.

    Args:
        events: rows with ``kind`` and ``value``.
        window: which of them count, and on which day.
    """
    kind, prefix = events.kind, window.prefix
    value = ibis.greatest(ibis.coalesce(events.value, 1.0), 0.0)
    weight = kind.cases(*PEER_WEIGHTS.items(), else_=0.0)

    def inside(part: Part) -> ir.BooleanColumn:
        return window.inside & kind.isin(kinds_of_part(part))

    # A finished course is one unit of progress, whatever result its value carries.
    units = ibis.ifelse(kind == "course_completed", 1.0, value)
    return {
        **day_bits(window, is_presence(kind), "present"),
        **day_bits(window, kind.isin(kinds_of_part("claims")), "claimed"),
        f"{prefix}challenges": kind.count(where=inside("challenges")),
        f"{prefix}course_units": sum_millionths(units, inside("course_units")),
        f"{prefix}claims": kind.count(where=inside("claims")),
        f"{prefix}peer_actions": sum_millionths(weight, inside("peer_actions")),
    }


def facts(row: ir.Table, window_days: int, prefix: str = "") -> dict[str, ir.Value]:
    """Each learner's ``FACTS``, from the columns that ``fact_aggregates`` made."""
    present = read_bits(row, f"{prefix}present", window_days)
    claimed = read_bits(row, f"{prefix}claimed", window_days)
    watched = follow_days(window_days)
    judged = [
        bits & mask
        for bits, mask in zip(claimed, _masks(0, window_days - watched, window_days), strict=True)
    ]
    returned = _days_followed(present, watched)
    followed = [claim & later for claim, later in zip(judged, returned, strict=True)]
    return {
        "active_days": count_days(present),
        "active_weeks": _count_weeks(present, window_days),
        "challenges": row[f"{prefix}challenges"].cast("float64"),
        "course_units": from_millionths(row[f"{prefix}course_units"].fill_null(0)),
        "claims": row[f"{prefix}claims"].cast("float64"),
        "peer_actions": from_millionths(row[f"{prefix}peer_actions"].fill_null(0)),
        "judged_claim_days": count_days(judged),
        "followed_claim_days": count_days(followed),
    }


def read_bits(row: ir.Table, name: str, window_days: int) -> list[ir.IntegerValue]:
    """The bitmaps that ``day_bits`` gathered, empty where there was nothing to gather."""
    return [
        row[f"{name}_{chunk}"].fill_null(0).cast("int64")
        for chunk in range(ceil(window_days / _CHUNK))
    ]


def count_days(bitmaps: list[ir.IntegerValue]) -> ir.IntegerValue:
    """How many days the bitmaps hold."""
    return _sum([bit_count(bits) for bits in bitmaps])


def any_day(
    bitmaps: list[ir.IntegerValue], first: int, last: int, window_days: int
) -> ir.BooleanValue:
    """Whether the bitmaps hold a day from ``first`` up to, not including, ``last``."""
    masks = _masks(first, last, window_days)
    return _sum([bits & mask for bits, mask in zip(bitmaps, masks, strict=True)]) > 0


def _count_weeks(bitmaps: list[ir.IntegerValue], window_days: int) -> ir.IntegerValue:
    weeks = range(0, window_days, 7)
    chunks = [bitmaps[day // _CHUNK] >> (day % _CHUNK) for day in weeks]
    return _sum([((week & 127) > 0).cast("int64") for week in chunks])


def _days_followed(bitmaps: list[ir.IntegerValue], days: int) -> list[ir.IntegerValue]:
    """The days that have an active day among the ``days`` days after them."""
    followed = []
    for chunk, bits in enumerate(bitmaps):
        later = bits >> 1
        for shift in range(2, days + 1):
            later = later | (bits >> shift)
        if chunk + 1 < len(bitmaps):
            for shift in range(1, days + 1):
                # Only the days that land in this chunk: anything more would overflow the shift.
                start_of_next = bitmaps[chunk + 1] & ((1 << shift) - 1)
                later = later | (start_of_next << (_CHUNK - shift))
        followed.append(later)
    return followed


def _masks(first: int, last: int, window_days: int) -> list[int]:
    """Bitmaps of the days from ``first`` up to, not including, ``last``."""
    chunks = range(ceil(window_days / _CHUNK))
    return [
        sum(
            1 << (day - chunk * _CHUNK)
            for day in range(max(first, chunk * _CHUNK), min(last, (chunk + 1) * _CHUNK))
        )
        for chunk in chunks
    ]


def _sum(values: list[ir.Value]) -> ir.Value:
    total = values[0]
    for value in values[1:]:
        total = total + value
    return total


def learner_facts(lake: Lake, start: datetime, window_days: int) -> ir.Table:
    """One row per learner with any event in the window, with the learner's ``FACTS``.

    Args:
        lake: where the events are.
        start: the window's first moment, aware.
        window_days: its length.
    """
    events = events_between(lake, start, start + timedelta(days=window_days))
    window = Window(window_days, days_between(epoch_us(ibis.literal(start)), events.at_us))
    grouped = events.group_by("learner").aggregate(**fact_aggregates(events, window))
    return grouped.select("learner", **facts(grouped, window_days))


def events_between(lake: Lake, start: datetime, end: datetime) -> ir.Table:
    """The events from ``start`` up to, not including, ``end``, with their time as ``at_us``."""
    events = lake.table("events", since=start, until=end)
    return events.mutate(at_us=epoch_us(events.occurred_at))


def as_floats(row: Mapping[str, object]) -> dict[str, float]:
    """One learner's facts as plain numbers."""
    return {name: float(str(row[name])) for name in FACTS}
