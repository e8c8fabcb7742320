"""The lake's tables: each column, its type and what it means.

``learner`` and ``unit`` are pseudonyms (a keyed hash made by the server): no raw id is in the lake.
"""

from typing import Final

import pyarrow as pa

_TIME = pa.timestamp("us", tz="UTC")

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
    ]
)

TABLES: Final[dict[str, pa.Schema]] = {
    "events": EVENTS,
    "exposures": EXPOSURES,
    "learners": LEARNERS,
}

YOUNG: Final = ("stratum",)
"""Columns that came later: rows of before have none, and files that were written then neither."""
