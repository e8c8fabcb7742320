"""Stored readouts."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from experiment_server.columns import JSONValue, Plain, UTCDateTime


class StoredReadout(SQLModel, table=True):
    """One readout as it was computed; never changed."""

    __tablename__ = "readout"
    __table_args__ = (sa.UniqueConstraint("experiment_id", "phase", "look"),)

    id: int | None = Field(default=None, primary_key=True)
    experiment_id: int = Field(foreign_key="experiment.id", index=True)
    phase: int
    look: int | None = None  # None: asked for between the planned looks
    as_of: datetime = Field(sa_type=UTCDateTime)
    verdict: str = Field(max_length=40)
    plan: dict[str, Plain] = Field(sa_type=JSONValue)  # AnalysisPlan.to_json()
    body: dict[str, Plain] = Field(sa_type=JSONValue)  # Readout.to_json()
    created_at: datetime = Field(sa_type=UTCDateTime)
