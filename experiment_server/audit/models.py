"""Audit entries."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from experiment_server.columns import JSONValue, Plain, UTCDateTime


class AuditEntry(SQLModel, table=True):
    """Who changed what, from what to what; written in the change's own transaction."""

    __tablename__ = "audit_entry"

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(sa_type=UTCDateTime, index=True)
    actor: str = Field(max_length=200)  # "member:3", "key:5", "system"
    actor_title: str = Field(max_length=254)
    action: str = Field(max_length=64)  # "experiment.start"
    resource: str = Field(max_length=200)  # "experiment:welcome-badge"
    environment_id: int | None = Field(default=None, foreign_key="environment.id", index=True)
    before: dict[str, Plain] | None = Field(default=None, sa_type=JSONValue, nullable=True)
    after: dict[str, Plain] | None = Field(default=None, sa_type=JSONValue, nullable=True)
    request_id: str = Field(default="", max_length=64)
