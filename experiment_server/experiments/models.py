"""Experiments and their phases."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from experiment_server.columns import JSONValue, Plain, UTCDateTime


class Experiment(SQLModel, table=True):
    """A planned comparison of variants in one environment.

    Shapes of the JSON columns: ``variants`` is a list of {key, title, weight, payload}, the control
    first; ``namespace`` {name, low, high} (experiments of one namespace share its units out);
    ``forced`` unit to variant key; ``metrics`` a list of {metric, role, minimum_effect};
    ``analysis`` {alpha, power, minimum_days}; ``schedule`` {looks, first_after_days, every_days,
    bandit}; its ``bandit`` {every_days, floor, leader_share};
    ``after`` {rule, variant}, what applies once it is stopped; ``previews`` learner to variant key;
    ``factors`` a list of {key, title, levels: [{key, title, weight, payload}]}; ``crossover``
    {order, period_days, washout_days, orders}; ``allocation`` {revision, n_units, counts, strata},
    which units of ``ListedUnit`` are assigned by list.
    """

    __tablename__ = "experiment"
    __table_args__ = (sa.UniqueConstraint("environment_id", "key"),)

    id: int | None = Field(default=None, primary_key=True)
    environment_id: int = Field(foreign_key="environment.id", index=True)
    key: str = Field(max_length=128)
    title: str = Field(max_length=200)
    hypothesis: str = Field(default="", max_length=2000)
    domain: str = Field(max_length=32)  # incentive|challenge_format|sequencing|messaging|other
    unit_kind: str = Field(default="learner", max_length=16)  # learner | team
    state: str = Field(default="draft", max_length=16)  # see lifecycle.State
    variants: list[dict[str, Plain]] = Field(sa_type=JSONValue)
    coverage: float = 1.0  # share of the matching units that take part, 0-1
    condition: dict[str, Plain] = Field(default_factory=dict, sa_type=JSONValue)
    namespace: dict[str, Plain] | None = Field(default=None, sa_type=JSONValue, nullable=True)
    forced: dict[str, str] = Field(default_factory=dict, sa_type=JSONValue)  # unit -> variant key
    metrics: list[dict[str, Plain]] = Field(sa_type=JSONValue)
    analysis: dict[str, Plain] = Field(default_factory=dict, sa_type=JSONValue)
    schedule: dict[str, Plain] = Field(default_factory=dict, sa_type=JSONValue)
    after: dict[str, Plain] | None = Field(default=None, sa_type=JSONValue, nullable=True)
    previews: dict[str, str] = Field(default_factory=dict, sa_type=JSONValue)
    holdout_key: str | None = Field(default=None, max_length=128)  # of the holdout it measures
    factors: list[dict[str, Plain]] = Field(default_factory=list, sa_type=JSONValue)
    crossover: dict[str, Plain] | None = Field(default=None, sa_type=JSONValue, nullable=True)
    allocation: dict[str, Plain] | None = Field(default=None, sa_type=JSONValue, nullable=True)
    score_version: str | None = Field(default=None, max_length=64)  # frozen when it starts
    source: str | None = Field(default=None, max_length=64)  # key of what it is read from
    phase: int = 0  # the current or last one; 0 before the first start
    version: int = 1
    created_at: datetime = Field(sa_type=UTCDateTime)
    updated_at: datetime = Field(sa_type=UTCDateTime)


class ExperimentPhase(SQLModel, table=True):
    """One running period with an unchanged design; each phase hashes with a seed of its own.

    ``pauses`` is a list of {paused_at, resumed_at, reason}, the times as ISO text.
    """

    __tablename__ = "experiment_phase"
    __table_args__ = (sa.UniqueConstraint("experiment_id", "number"),)

    id: int | None = Field(default=None, primary_key=True)
    experiment_id: int = Field(foreign_key="experiment.id", index=True)
    number: int
    seed: str = Field(max_length=200)
    started_at: datetime = Field(sa_type=UTCDateTime)
    stopped_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    stop_reason: str = Field(default="", max_length=2000)
    design: dict[str, Plain] = Field(sa_type=JSONValue)  # variants, coverage, condition as started
    pauses: list[dict[str, Plain]] = Field(default_factory=list, sa_type=JSONValue)


class ListedUnit(SQLModel, table=True):
    """One unit that an experiment assigns by list. A revision's rows never change."""

    __tablename__ = "listed_unit"

    experiment_id: int = Field(foreign_key="experiment.id", primary_key=True)
    revision: int = Field(primary_key=True)  # counts the experiment's lists
    unit: str = Field(max_length=256, primary_key=True)
    arm: str = Field(max_length=128)  # the variant's key; of a crossover, the order's
    stratum: str = Field(default="", max_length=200)  # such as "role=seller, region=emea"
