"""Stored reports."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from experiment_server.columns import JSONValue, Plain, UTCDateTime


class StoredReport(SQLModel, table=True):
    """One report as it was sent; never changed."""

    __tablename__ = "report"
    __table_args__ = (sa.UniqueConstraint("environment_id", "rhythm", "period_end"),)

    id: int | None = Field(default=None, primary_key=True)
    environment_id: int = Field(foreign_key="environment.id", index=True)
    rhythm: str = Field(max_length=16)  # weekly
    period_start: datetime = Field(sa_type=UTCDateTime)
    period_end: datetime = Field(sa_type=UTCDateTime)
    title: str = Field(max_length=200)
    body: dict[str, Plain] = Field(sa_type=JSONValue)  # dashboards.views.ReportView as JSON
    text: str  # what the channels received
    created_at: datetime = Field(sa_type=UTCDateTime)
