"""The event buffer and the ledger of what was received."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from experiment_server.columns import BigId, JSONValue, Plain, UTCDateTime


class ReceivedEvent(SQLModel, table=True):
    """Every event id ever accepted: what makes a repeat harmless, without a time window."""

    __tablename__ = "received_event"
    __table_args__ = {"sqlite_with_rowid": False}

    environment_id: int = Field(primary_key=True, foreign_key="environment.id")
    event_key: bytes = Field(primary_key=True, sa_type=sa.LargeBinary(16))  # BLAKE2b of the id


class BufferedEvent(SQLModel, table=True):
    """A durable row on its way to the lake, already in the lake's shape and pseudonymous."""

    __tablename__ = "buffered_event"

    sequence: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    environment_id: int = Field(foreign_key="environment.id", index=True)
    lake_table: str = Field(max_length=16)  # events | exposures | learners
    row: dict[str, Plain] = Field(sa_type=JSONValue)
    received_at: datetime = Field(sa_type=UTCDateTime)
    batch: int | None = Field(default=None, index=True)  # the sealing batch that took it


class SealingCursor(SQLModel, table=True):
    """The last sealing batch of an environment: the Delta transaction's version."""

    __tablename__ = "sealing_cursor"

    environment_id: int = Field(primary_key=True, foreign_key="environment.id")
    last_batch: int = 0
