"""An environment's own kind rules."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from experiment_server.columns import UTCDateTime


class KindRule(SQLModel, table=True):
    """What an action of a standard is here, before the built-in rules are asked."""

    __tablename__ = "kind_rule"
    __table_args__ = (sa.UniqueConstraint("environment_id", "standard", "action", "about"),)

    id: int | None = Field(default=None, primary_key=True)
    environment_id: int = Field(foreign_key="environment.id", index=True)
    standard: str = Field(max_length=16)  # xapi | caliper
    action: str = Field(max_length=500)  # a verb's IRI, or EventType/Action
    about: str = Field(default="", max_length=500)  # an activity type, its class, or "": anything
    kind: str = Field(default="", max_length=128)  # "": no event
    updated_at: datetime = Field(sa_type=UTCDateTime)
