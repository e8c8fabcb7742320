"""Sources."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from experiment_server.columns import JSONValue, Plain, UTCDateTime


class Source(SQLModel, table=True):
    """A warehouse of one environment, and which of its tables and columns say what.

    ``mapping`` is what ``analysis.warehouse.mapping`` parses; ``validation`` what the last one
    found: {at, version, experiment, findings}.
    """

    __tablename__ = "source"
    __table_args__ = (sa.UniqueConstraint("environment_id", "key"),)

    id: int | None = Field(default=None, primary_key=True)
    environment_id: int = Field(foreign_key="environment.id", index=True)
    key: str = Field(max_length=64)
    title: str = Field(max_length=200)
    url_variable: str = Field(max_length=100)  # names the environment variable with the address
    mapping: dict[str, Plain] = Field(sa_type=JSONValue)
    validation: dict[str, Plain] | None = Field(default=None, sa_type=JSONValue, nullable=True)
    version: int = 1
    created_at: datetime = Field(sa_type=UTCDateTime)
    updated_at: datetime = Field(sa_type=UTCDateTime)
