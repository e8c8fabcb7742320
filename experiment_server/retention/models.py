"""Rules of retention."""

from sqlmodel import Field, SQLModel


class RetentionRule(SQLModel, table=True):
    """How long an environment keeps one kind of rows; without a row, for ever."""

    __tablename__ = "retention_rule"

    environment_id: int = Field(primary_key=True, foreign_key="environment.id")
    kept: str = Field(primary_key=True, max_length=16)  # a row of service.KEPT
    keep_days: int
