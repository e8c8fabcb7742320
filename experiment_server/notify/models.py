"""Channels and the outbox."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from experiment_server.columns import UTCDateTime


class Channel(SQLModel, table=True):
    """Where messages go."""

    __tablename__ = "channel"

    id: int | None = Field(default=None, primary_key=True)
    environment_id: int = Field(foreign_key="environment.id", index=True)
    title: str = Field(max_length=200)
    kind: str = Field(max_length=20)  # a row of notify.channels.CHANNELS
    url: str = Field(default="", max_length=1000)  # apprise URL, or a file's path
    enabled: bool = True
    created_at: datetime = Field(sa_type=UTCDateTime)


class OutboxMessage(SQLModel, table=True):
    """A message that waits for its channel; kept after it was sent."""

    __tablename__ = "outbox_message"

    id: int | None = Field(default=None, primary_key=True)
    channel_id: int = Field(foreign_key="channel.id", index=True)
    title: str = Field(max_length=200)
    text: str
    attempts: int = 0
    next_attempt_at: datetime = Field(sa_type=UTCDateTime, index=True)
    sent_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    error: str = Field(default="", max_length=1000)
    created_at: datetime = Field(sa_type=UTCDateTime)
