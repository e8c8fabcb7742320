"""Environments and their API keys."""

from datetime import datetime
from typing import Final

from sqlmodel import Field, SQLModel

from experiment_server.columns import JSONValue, UTCDateTime

SECRET_BY_DEFAULT: Final = ("email",)


class Environment(SQLModel, table=True):
    """Where definitions are live (production, staging); owns keys, events and a lake folder."""

    __tablename__ = "environment"

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True, index=True, max_length=64)
    title: str = Field(max_length=200)
    pseudonym_key: str = Field(max_length=64)  # hex; learner ids are HMAC-SHA256 under it
    payload_version: int = 1  # counts every change of what SDKs receive
    # Attributes whose values clients must not read out of targeting rules.
    secret_attributes: list[str] = Field(
        default_factory=lambda: list(SECRET_BY_DEFAULT), sa_type=JSONValue
    )
    created_at: datetime = Field(sa_type=UTCDateTime)


class ApiKey(SQLModel, table=True):
    """A secret for programs; only its SHA-256 is stored, the secret is shown once."""

    __tablename__ = "api_key"

    id: int | None = Field(default=None, primary_key=True)
    environment_id: int = Field(foreign_key="environment.id", index=True)
    kind: str = Field(max_length=20)  # server | client | management
    role: str | None = Field(default=None, max_length=20)  # of a management key
    title: str = Field(max_length=200)
    prefix: str = Field(max_length=24)  # the first characters, to recognise it by
    secret_hash: str = Field(unique=True, index=True, max_length=64)
    created_at: datetime = Field(sa_type=UTCDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
