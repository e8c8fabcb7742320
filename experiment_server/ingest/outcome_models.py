"""Which outcome is current: what a repeat and a correction are told apart by."""

import sqlalchemy as sa
from sqlmodel import Field, SQLModel


class CurrentOutcome(SQLModel, table=True):
    """The value of one learner, name and day as it was received last.

    ``key``: the learner's pseudonym (16 bytes), then 16 bytes of name and day.
    """

    __tablename__ = "current_outcome"
    __table_args__ = {"sqlite_with_rowid": False}

    environment_id: int = Field(primary_key=True, foreign_key="environment.id")
    key: bytes = Field(primary_key=True, sa_type=sa.LargeBinary(32))
    value: float | None = None  # None: nothing was taken yet
    received_micros: int = Field(default=0, sa_type=sa.BigInteger)  # since 1970; it only grows
