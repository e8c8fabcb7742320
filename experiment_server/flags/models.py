"""Flags and their rules per environment."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from experiment_server.columns import JSONValue, Plain, UTCDateTime


class Flag(SQLModel, table=True):
    """A named switch with typed values."""

    __tablename__ = "flag"

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True, index=True, max_length=128)
    title: str = Field(max_length=200)
    description: str = Field(default="", max_length=2000)
    value_type: str = Field(max_length=20)  # boolean | string | number | json
    default_value: Plain = Field(sa_type=JSONValue, nullable=True)
    server_only: bool = False  # left out of what client keys can read
    version: int = 1
    created_at: datetime = Field(sa_type=UTCDateTime)
    updated_at: datetime = Field(sa_type=UTCDateTime)
    archived_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class FlagEnvironment(SQLModel, table=True):
    """A flag's switch and rules in one environment; a flag that is off gives its default value.

    A rule is ``{"title", "condition", "value", "coverage"}``: the first that matches decides.
    """

    __tablename__ = "flag_environment"
    __table_args__ = (sa.UniqueConstraint("flag_id", "environment_id"),)

    id: int | None = Field(default=None, primary_key=True)
    flag_id: int = Field(foreign_key="flag.id", index=True)
    environment_id: int = Field(foreign_key="environment.id", index=True)
    enabled: bool = False
    rules: list[dict[str, Plain]] = Field(default_factory=list, sa_type=JSONValue)
    version: int = 1
    updated_at: datetime = Field(sa_type=UTCDateTime)
