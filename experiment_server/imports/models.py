"""How far the import of a file has come."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from experiment_server.columns import UTCDateTime


class ImportRun(SQLModel, table=True):
    """One file's import into one environment; it grows with each batch, in the batch's transaction.

    A run that was interrupted goes on after ``n_rows``; one that has ended is not run again.
    """

    __tablename__ = "import_run"
    __table_args__ = (sa.UniqueConstraint("environment_id", "fingerprint"),)

    id: int | None = Field(default=None, primary_key=True)
    environment_id: int = Field(foreign_key="environment.id")
    fingerprint: str = Field(max_length=64)  # of the file's bytes and of how they are read
    subject: str = Field(max_length=16)  # events | outcomes | learners
    file_name: str = Field(max_length=300)
    n_rows: int = 0  # read so far
    n_accepted: int = 0
    n_duplicates: int = 0
    n_refused: int = 0
    refused_bytes: int = Field(default=0, sa_type=sa.BigInteger)  # of the report, up to here
    started_at: datetime = Field(sa_type=UTCDateTime)
    updated_at: datetime = Field(sa_type=UTCDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
