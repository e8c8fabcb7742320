"""The lake's tables: each column, its type and what it means.

``learner``, ``unit``, ``team`` and ``manager`` are pseudonyms (a keyed hash made by the server): no
raw id is in the lake.

Tables grow by columns only, and a column that comes later is nullable: it is null in files and in
rows from before it, whatever its type. No column is ever renamed, retyped or taken away.
"""

from dataclasses import dataclass
from typing import Final

import pyarrow as pa

_TIME = pa.timestamp("us", tz="UTC")
DAY: Final = "day"

EVENTS: Final = pa.schema(
    [
        pa.field("event_id", pa.string(), nullable=False),
        pa.field("learner", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),  # challenge_completed, sale, custom:...
        pa.field("occurred_at", _TIME, nullable=False),  # when it happened, as the host says
        pa.field("received_at", _TIME, nullable=False),  # when the server had it durably
        pa.field("value", pa.float64()),  # amount, score, progress units; null: none
        pa.field("activity", pa.string()),  # which challenge, lesson, reward ...
        pa.field("topic", pa.string()),
        pa.field("course", pa.string()),
        pa.field("step", pa.int32()),  # position within the course, from 1
        pa.field("properties", pa.string()),  # all properties, as JSON
        pa.field(DAY, pa.date32()),  # partition: the UTC day of occurred_at
    ]
)

EXPOSURES: Final = pa.schema(
    [
        pa.field("event_id", pa.string(), nullable=False),
        pa.field("experiment", pa.string(), nullable=False),
        pa.field("variant", pa.string(), nullable=False),
        pa.field("unit_kind", pa.string(), nullable=False),  # learner | team
        pa.field("unit", pa.string(), nullable=False),  # equals learner when unit_kind is learner
        pa.field("learner", pa.string(), nullable=False),
        pa.field("exposed_at", _TIME, nullable=False),
        pa.field("received_at", _TIME, nullable=False),
        pa.field("role", pa.string()),  # attributes as they were at exposure
        pa.field("region", pa.string()),
        pa.field("team", pa.string()),
        pa.field("stratum", pa.string()),  # of a unit assigned by list; null: by hash, or none
        pa.field(DAY, pa.date32()),  # partition: the UTC day of exposed_at
    ]
)

LEARNERS: Final = pa.schema(
    [
        pa.field("event_id", pa.string(), nullable=False),
        pa.field("learner", pa.string(), nullable=False),
        pa.field("described_at", _TIME, nullable=False),  # the latest row of a learner counts
        pa.field("received_at", _TIME, nullable=False),
        pa.field("role", pa.string()),
        pa.field("region", pa.string()),
        pa.field("team", pa.string()),
        pa.field("started_on", pa.date32()),  # first working day: tenure counts from it
        pa.field("manager", pa.string()),
    ]
)

# Facts about a learner and a day that a business keeps (KPIs): sales, quota attainment ...
# Of the rows of one learner, name and day, the one that was received latest counts (of several
# received at once, the one with the larger event_id): a correction is another row.
OUTCOMES: Final = pa.schema(
    [
        pa.field("event_id", pa.string(), nullable=False),
        pa.field("learner", pa.string(), nullable=False),
        pa.field("name", pa.string(), nullable=False),  # revenue, calls ...; kind "outcome:<name>"
        pa.field(DAY, pa.date32(), nullable=False),  # partition: the day that the value is of
        pa.field("value", pa.float64(), nullable=False),
        pa.field("received_at", _TIME, nullable=False),
    ]
)

TABLES: Final[dict[str, pa.Schema]] = {
    "events": EVENTS,
    "exposures": EXPOSURES,
    "learners": LEARNERS,
    "outcomes": OUTCOMES,
}


@dataclass(frozen=True)
class Layout:
    """How a table's rows lie in its files.

    Attributes:
        time: the column whose UTC day is the partition; None: the rows bring their own day, or
            the table has no days.
        by_day: whether each day is a partition.
        order: rows of one file are sorted by these, so that a learner's rows lie together.
    """

    order: tuple[str, ...]
    time: str | None = None
    by_day: bool = True


LAYOUTS: Final[dict[str, Layout]] = {
    "events": Layout(order=("learner", "occurred_at"), time="occurred_at"),
    "exposures": Layout(order=("unit", "learner"), time="exposed_at"),
    "learners": Layout(order=("learner", "described_at"), by_day=False),
    "outcomes": Layout(order=("learner", "name")),
}
