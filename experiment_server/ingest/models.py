"""The event buffer and the ledger of what was received."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from experiment_server.columns import BigId, UTCDateTime


class ReceivedEvent(SQLModel, table=True):
    """Every event id ever accepted: what makes a repeat harmless, without a time window."""

    __tablename__ = "received_event"
    __table_args__ = {"sqlite_with_rowid": False}

    environment_id: int = Field(primary_key=True, foreign_key="environment.id")
    event_key: bytes = Field(primary_key=True, sa_type=sa.LargeBinary(16))  # see ingest.ledger


class ReceivedBefore(SQLModel, table=True):
    """The ledger of before migration 0007, whose keys are made in another way; it only ages."""

    __tablename__ = "received_before"
    __table_args__ = {"sqlite_with_rowid": False}

    environment_id: int = Field(primary_key=True, foreign_key="environment.id")
    event_key: bytes = Field(primary_key=True, sa_type=sa.LargeBinary(16))


class BufferedChunk(SQLModel, table=True):
    """Durable rows of one lake table on their way there, already in its shape and pseudonymous."""

    __tablename__ = "buffered_chunk"
    __table_args__ = (sa.Index(None, "environment_id", "batch"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    environment_id: int = Field(foreign_key="environment.id")
    lake_table: str = Field(max_length=16)  # a name of analysis.lake.schema.TABLES
    n_rows: int
    n_bytes: int  # of the rows before they were compressed
    received_at: datetime = Field(sa_type=UTCDateTime)
    batch: int | None = None  # the sealing batch that took it
    content: bytes = Field(sa_type=sa.LargeBinary)  # see ingest.chunks


class SealingCursor(SQLModel, table=True):
    """The last sealing batch of an environment: the Delta transaction's version."""

    __tablename__ = "sealing_cursor"

    environment_id: int = Field(primary_key=True, foreign_key="environment.id")
    last_batch: int = 0
