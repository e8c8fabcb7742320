"""Metric definitions, and each of their versions."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from experiment_server.columns import JSONValue, Plain, UTCDateTime


class Metric(SQLModel, table=True):
    """How a unit's outcome is computed, as data."""

    __tablename__ = "metric"

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True, index=True, max_length=128)
    title: str = Field(max_length=200)
    description: str = Field(default="", max_length=2000)
    kind: str = Field(max_length=32)  # a row of analysis.metrics.METRIC_KINDS
    event_kinds: list[str] = Field(default_factory=list, sa_type=JSONValue)
    denominator_kinds: list[str] = Field(default_factory=list, sa_type=JSONValue)
    quantile: float | None = None  # of kind quantile: 0.5 is the median
    direction: str = Field(default="increase", max_length=16)
    window_days: int = 28
    minimum_effect: float | None = None
    floor: float | None = None
    cap: float | None = None
    cap_quantile: float | None = None
    covariate: str = Field(default="window", max_length=16)
    unit_label: str = Field(default="", max_length=40)
    version: int = 1
    created_at: datetime = Field(sa_type=UTCDateTime)
    updated_at: datetime = Field(sa_type=UTCDateTime)


class MetricVersion(SQLModel, table=True):
    """What a metric was from one change to the next. It never changes."""

    __tablename__ = "metric_version"
    __table_args__ = (sa.UniqueConstraint("key", "version"),)

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(max_length=128)
    version: int
    definition: dict[str, Plain] = Field(sa_type=JSONValue)  # the fields of service.FIELDS
    changed_by: str = Field(max_length=254)  # "": from before versions were kept
    changed_at: datetime = Field(sa_type=UTCDateTime)
