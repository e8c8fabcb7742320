"""Job runs, claimed by a unique row."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from experiment_server.columns import UTCDateTime


class JobRun(SQLModel, table=True):
    """One slot of one job: whoever inserts the row runs it; nobody else can."""

    __tablename__ = "job_run"
    __table_args__ = (sa.UniqueConstraint("job", "scope", "slot_at"),)

    id: int | None = Field(default=None, primary_key=True)
    job: str = Field(max_length=40)  # seal | look | weekly_report | send_messages ...
    scope: str = Field(default="", max_length=200)  # which environment or experiment
    slot_at: datetime = Field(sa_type=UTCDateTime)
    epoch: int = 1  # grows with each take-over: a stale owner's result is refused
    owner: str = Field(max_length=100)
    claimed_at: datetime = Field(sa_type=UTCDateTime)
    lease_until: datetime = Field(sa_type=UTCDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    outcome: str = Field(default="", max_length=20)  # done | failed
    error: str = Field(default="", max_length=2000)


class PausedJob(SQLModel, table=True):
    """A job that an operator paused; its slots wait and are caught up after."""

    __tablename__ = "paused_job"

    job: str = Field(primary_key=True, max_length=40)
    paused_at: datetime = Field(sa_type=UTCDateTime)
