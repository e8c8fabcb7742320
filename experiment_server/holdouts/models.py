"""Holdouts."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from experiment_server.columns import UTCDateTime


class Holdout(SQLModel, table=True):
    """A share of the units of one environment that stays out of experiments until it ends.

    It hashes its own kind of unit with its own seed, so that the same people stay out of every
    experiment, learner-level and team-level alike.
    """

    __tablename__ = "holdout"
    __table_args__ = (sa.UniqueConstraint("environment_id", "key"),)

    id: int | None = Field(default=None, primary_key=True)
    environment_id: int = Field(foreign_key="environment.id", index=True)
    key: str = Field(max_length=128)
    title: str = Field(max_length=200)
    domain: str | None = Field(default=None, max_length=32)  # None: experiments of every domain
    unit_kind: str = Field(default="learner", max_length=16)  # learner | team
    share: float  # of the units, above 0 and below 1
    seed: str = Field(max_length=200)
    includes_running: bool = False  # also what ran already when it started
    started_at: datetime = Field(sa_type=UTCDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    end_reason: str = Field(default="", max_length=2000)
    version: int = 1
    created_at: datetime = Field(sa_type=UTCDateTime)
    updated_at: datetime = Field(sa_type=UTCDateTime)
