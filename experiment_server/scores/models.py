"""Energize Score versions."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from experiment_server.columns import JSONValue, Plain, UTCDateTime


class ScoreVersion(SQLModel, table=True):
    """One calibration of the Energize Score. It never changes; a new calibration is a new row."""

    __tablename__ = "score_version"
    __table_args__ = (sa.UniqueConstraint("environment_id", "version"),)

    id: int | None = Field(default=None, primary_key=True)
    environment_id: int = Field(foreign_key="environment.id", index=True)
    version: str = Field(max_length=64)
    norms: dict[str, Plain] = Field(sa_type=JSONValue)  # analysis.energize.norms.Norms.to_json()
    validation: dict[str, Plain] | None = Field(default=None, sa_type=JSONValue, nullable=True)
    created_at: datetime = Field(sa_type=UTCDateTime)
