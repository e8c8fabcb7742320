"""The statement store."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from experiment_server.columns import BigId, JSONValue, Plain, UTCDateTime


class XapiStatement(SQLModel, table=True):
    """A statement as it was accepted. It names people: erasing and retention go by this table."""

    __tablename__ = "xapi_statement"
    __table_args__ = (
        sa.UniqueConstraint("environment_id", "statement_id"),
        sa.Index("ix_xapi_statement_environment_id_stored_at", "environment_id", "stored_at"),
        sa.Index("ix_xapi_statement_environment_id_target_id", "environment_id", "target_id"),
        sa.Index("ix_xapi_statement_environment_id_learner", "environment_id", "learner"),
        sa.Index(
            "ix_xapi_statement_references",
            "environment_id",
            "position",
            sqlite_where=sa.text("target_id IS NOT NULL"),
            postgresql_where=sa.text("target_id IS NOT NULL"),
        ),
    )

    position: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    environment_id: int = Field(foreign_key="environment.id")
    statement_id: str = Field(max_length=36)  # in lower case
    learner: str | None = Field(default=None, max_length=32)  # the actor's pseudonym
    target_id: str | None = Field(default=None, max_length=36)  # of a statement reference
    is_voiding: bool = False
    is_voided: bool = False
    content_key: bytes = Field(sa_type=sa.LargeBinary(16))  # of what must never change
    happened_at: datetime | None = Field(default=None, sa_type=UTCDateTime)  # if a time was sent
    stored_at: datetime = Field(sa_type=UTCDateTime)
    body: dict[str, Plain] = Field(sa_type=JSONValue)


class XapiWaiting(SQLModel, table=True):
    """A statement that was accepted and is no event yet: a replay reads it again in the store.

    Quarantine forgets, fills up and cuts what is long; this goes with the statement only.
    """

    __tablename__ = "xapi_waiting"
    __table_args__ = (
        sa.Index(None, "environment_id", "is_tried", "position"),
        sa.Index(None, "environment_id", "content_key"),
    )

    position: int = Field(
        primary_key=True,
        sa_type=BigId,
        foreign_key="xapi_statement.position",
        ondelete="CASCADE",
        sa_column_kwargs={"autoincrement": False},
    )
    environment_id: int = Field(foreign_key="environment.id")
    # In quarantine; None: from before these notes were kept, and quarantine has nothing of it.
    content_key: bytes | None = Field(default=None, sa_type=sa.LargeBinary(16))
    is_tried: bool = False  # in a replay that takes several calls: by an earlier one of them


class XapiMention(SQLModel, table=True):
    """What a statement can be found by: one row for each thing and person it mentions."""

    __tablename__ = "xapi_mention"
    __table_args__ = (
        sa.Index("ix_xapi_mention_position", "position"),
        {"sqlite_with_rowid": False},
    )

    environment_id: int = Field(primary_key=True, foreign_key="environment.id")
    role: str = Field(primary_key=True, max_length=12)  # see mentions.py
    thing: bytes = Field(primary_key=True, sa_type=sa.LargeBinary(16))
    position: int = Field(
        primary_key=True,
        sa_type=sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
        foreign_key="xapi_statement.position",
        ondelete="CASCADE",
    )
