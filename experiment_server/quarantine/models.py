"""What waits in quarantine."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from experiment_server.columns import BigId, UTCDateTime


class QuarantinedItem(SQLModel, table=True):
    """One thing that was not taken, as it was received; the same thing again is counted.

    It holds what the sender wrote, a learner's own id included: only some roles may read it, and it
    is forgotten after a while.
    """

    __tablename__ = "quarantined_item"
    __table_args__ = (
        sa.UniqueConstraint("environment_id", "standard", "content_key"),
        sa.Index(None, "environment_id", "status", "id"),
        sa.Index(None, "environment_id", "learner"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    environment_id: int = Field(foreign_key="environment.id")
    standard: str = Field(max_length=16)  # native | outcomes | xapi | caliper
    content_key: bytes = Field(sa_type=sa.LargeBinary(16))  # BLAKE2b of what was received
    raw: str = Field(sa_type=sa.Text)  # JSON text, or its beginning
    is_whole: bool  # False: too long to keep whole, so it can be read but not replayed
    may_describe: bool  # it came with a server key
    learner: str | None = Field(default=None, max_length=32)  # pseudonym, where it was readable
    field: str = Field(max_length=200)
    reason: str = Field(max_length=500)
    remedy: str = Field(max_length=500)
    cause: str = Field(max_length=300)  # the reason without its values: what is counted together
    times: int = 1  # how often it was received
    received_at: datetime = Field(sa_type=UTCDateTime)  # first
    last_received_at: datetime = Field(sa_type=UTCDateTime, index=True)
    status: str = Field(default="waiting", max_length=16)  # waiting | replayed | discarded
    settled_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    note: str = Field(default="", max_length=2000)  # why it was discarded
    n_tries: int = Field(default=0, sa_column_kwargs={"server_default": "0"})  # replayed in vain
