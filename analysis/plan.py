"""AnalysisPlan: what to compute, frozen before the experiment starts.

The server builds a plan from an experiment's definition; nothing else of the server reaches the
analysis. A plan goes to JSON and back without loss, so a stored readout can be computed again.
"""

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from json import dumps
from typing import Any, Literal

from .bayes.prior import Prior

PLAN_FORMAT = 1

MetricRole = Literal["primary", "co_primary", "secondary", "guardrail"]
MOST_CO_PRIMARIES = 2
"""Beside the one primary: each more makes every win harder to show."""

Direction = Literal["increase", "decrease"]


@dataclass(frozen=True)
class MetricPlan:
    """One metric: how a unit's outcome is computed and what the outcome is for."""

    key: str
    title: str
    kind: str  # a row of analysis.metrics.METRIC_KINDS
    role: MetricRole = "secondary"
    direction: Direction = "increase"  # which way is better
    event_kinds: tuple[str, ...] = ()  # the events that the kind counts, sums or looks for
    window_days: int = 28  # from the unit's first exposure; the covariate window is as long
    minimum_effect: float | None = None  # smallest difference that matters, in the metric's unit
    cap: float | None = None  # outcomes above are set to it
    unit_label: str = ""  # "points", "sales", "EUR"
    margin: float | None = None  # guardrail: the loss that is still acceptable; in its unit, >= 0
    value_per_unit: float | None = None  # what one unit of the metric is worth, in ``currency``
    currency: str = ""  # "EUR"
    denominator_kinds: tuple[
        str, ...
    ] = ()  # kind ratio: the events that are counted below the line
    quantile: float | None = None  # kind quantile: 0.5 is the median
    floor: float | None = None  # outcomes below are set to it
    cap_quantile: float | None = None  # cap at this quantile of all variants' outcomes together
    covariate: Literal["window", "model"] = "window"  # the measure before, or a model's prediction
    prior: Prior | None = None  # of its effects; None: a weakly informative one
    version: int = 0  # of the definition; 0: from before versions were named

    def to_json(self) -> dict[str, Any]:
        """The metric's plan as plain JSON values."""
        return {**vars(self), "prior": None if self.prior is None else self.prior.to_json()}


@dataclass(frozen=True)
class PreviousLook:
    """What an earlier look spent, so that this one pays for it."""

    look: int
    information_fraction: float  # as its Sequential said, above 1 included
    alpha_spent: float  # cumulative, two-sided
    crossed: bool = False  # it passed its boundary, but the experiment ran on
    co_information: dict[str, float] = field(default_factory=dict)  # of each co-primary, by key
    co_crossed: tuple[str, ...] = ()  # the co-primaries that passed theirs

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; without co-primaries as before there were any."""
        named = ("co_information", "co_crossed")
        return {key: each for key, each in vars(self).items() if each or key not in named}

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> "PreviousLook":
        """The look that ``to_json`` wrote."""
        return cls(**{**plain, "co_crossed": tuple(plain.get("co_crossed", ()))})


@dataclass(frozen=True)
class FactorPlan:
    """A factor that was varied independently of the others."""

    key: str
    title: str
    levels: tuple[str, ...]  # the first is the reference
    level_titles: tuple[str, ...] = ()  # in the order of ``levels``; (): the keys

    def title_of(self, level: str) -> str:
        """A level's title."""
        return dict(zip(self.levels, self.level_titles or self.levels, strict=True))[level]

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> "FactorPlan":
        """The factor, from plain JSON values."""
        lists = {name: tuple(plain[name]) for name in ("levels", "level_titles")}
        return cls(**{**plain, **lists})


@dataclass(frozen=True)
class CrossoverPlan:
    """Every unit meets every treatment, one a period, in one of several orders."""

    period_days: int
    washout_days: int  # at the beginning of each period: left out
    orders: dict[str, tuple[str, ...]]  # order -> treatment of each period
    places: dict[str, tuple[str, int]]  # what exposures name -> order, and period from 1

    @property
    def n_periods(self) -> int:
        """How many periods there are."""
        return len(next(iter(self.orders.values())))

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> "CrossoverPlan":
        """The crossover, from plain JSON values."""
        orders = {key: tuple(order) for key, order in plain["orders"].items()}
        places = {key: (order, period) for key, (order, period) in plain["places"].items()}
        return cls(**{**plain, "orders": orders, "places": places})


@dataclass(frozen=True)
class BatchPlan:
    """One batch of a bandit: within it the shares stay as they are."""

    started_at: datetime  # UTC, aware
    ended_at: datetime
    shares: tuple[float, ...]  # in the order of the variants

    def to_json(self) -> dict[str, Any]:
        """The batch as plain JSON values."""
        times = {name: getattr(self, name).isoformat() for name in ("started_at", "ended_at")}
        return {**times, "shares": list(self.shares)}

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> "BatchPlan":
        """The batch that ``to_json`` wrote."""
        times = [datetime.fromisoformat(plain[name]) for name in ("started_at", "ended_at")]
        return cls(times[0], times[1], tuple(plain["shares"]))


@dataclass(frozen=True)
class AnalysisPlan:
    """Everything a readout depends on besides the lake's rows."""

    experiment: str
    title: str
    domain: str
    unit_kind: Literal["learner", "team"]
    variants: tuple[str, ...]  # the first is the control
    weights: tuple[float, ...]  # planned shares, sum 1
    metrics: tuple[MetricPlan, ...]  # exactly one is primary, at most two are co-primary
    started_at: datetime  # UTC, aware: of the current phase
    as_of: datetime  # UTC, aware: events that happened later are not read
    phase: int = 1
    look: int = 1  # from 1; 0 is an unplanned look: it spends nothing and names no winner
    looks_planned: int = 1
    final: bool = False  # the last planned look spends all alpha that is left
    previous_looks: tuple[PreviousLook, ...] = ()
    alpha: float = 0.05  # two-sided, over all looks; with one side, of that side
    spending: str = "obrien_fleming"  # a row of analysis.spending.SPENDING, e.g. "kim_demets:2"
    sides: Literal["two", "one"] = "two"  # one: the look asks only whether it is better
    power: float = 0.8  # at the primary's minimum effect
    minimum_days: int = 14  # no SHIP before the experiment has run so long
    care: float | None = None  # the loss that nobody would mind; None: a tenth of what matters
    score_version: str = ""  # the Energize Score's frozen norms
    lake_version: dict[str, int] = field(default_factory=dict)  # table -> Delta version
    definition_version: int = 1
    variant_titles: tuple[str, ...] = ()  # in the order of ``variants``; (): the keys
    strata: tuple[str, ...] = ()  # names of analysis.segments: compared within combinations
    batches: tuple[BatchPlan, ...] = ()  # of a bandit, oldest first; () when shares never move
    costs: tuple[float, ...] = ()  # money per learner of each variant; (): not known
    factors: tuple[FactorPlan, ...] = ()  # of a factorial experiment, whose cells are the variants
    cells: dict[str, tuple[str, ...]] = field(default_factory=dict)  # variant -> level by factor
    crossover: CrossoverPlan | None = None  # then ``variants`` are the treatments
    take_up_kinds: tuple[str, ...] = ()  # the events that show that a learner used the variant
    source: dict[str, str] = field(default_factory=dict)  # key, version; {}: the lake alone

    @property
    def titles(self) -> dict[str, str]:
        """Each variant's title by its key."""
        return dict(zip(self.variants, self.variant_titles or self.variants, strict=True))

    @property
    def alpha_both_sides(self) -> float:
        """The two-sided alpha that the boundaries are made for."""
        return self.alpha if self.sides == "two" else 2 * self.alpha

    @property
    def control(self) -> str:
        """The reference variant."""
        return self.variants[0]

    @property
    def primary(self) -> MetricPlan:
        """The metric that sets the pace: planning, information and days left are about it."""
        return next(metric for metric in self.metrics if metric.role == "primary")

    @property
    def co_primaries(self) -> tuple[MetricPlan, ...]:
        """The metrics that can make a winner beside the primary."""
        return tuple(metric for metric in self.metrics if metric.role == "co_primary")

    @property
    def n_tests(self) -> int:
        """How many tests share alpha: every treatment on the primary and on each co-primary."""
        return (1 + len(self.co_primaries)) * (len(self.variants) - 1)

    def to_json(self) -> dict[str, Any]:
        """The plan as plain JSON values."""
        # By hand: asdict copies every leaf and takes ten times as long, a seventh of a readout.
        return {
            "format": PLAN_FORMAT,
            **vars(self),
            "metrics": tuple(metric.to_json() for metric in self.metrics),
            "previous_looks": tuple(look.to_json() for look in self.previous_looks),
            "lake_version": dict(self.lake_version),
            "batches": [batch.to_json() for batch in self.batches],
            "factors": tuple(dict(vars(factor)) for factor in self.factors),
            "cells": dict(self.cells),
            "crossover": None if self.crossover is None else dict(vars(self.crossover)),
            "started_at": self.started_at.isoformat(),
            "as_of": self.as_of.isoformat(),
        }

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> "AnalysisPlan":
        """The plan that ``to_json`` wrote.

        Raises:
            ValueError: the format is not the one this version reads.
        """
        if plain.get("format") != PLAN_FORMAT:
            raise ValueError(f"plan format: found {plain.get('format')!r}, expected {PLAN_FORMAT}")
        values = {name: value for name, value in plain.items() if name != "format"}
        values["variants"] = tuple(values["variants"])
        values["weights"] = tuple(values["weights"])
        values["variant_titles"] = tuple(values.get("variant_titles", ()))
        values["strata"] = tuple(values.get("strata", ()))
        values["take_up_kinds"] = tuple(values.get("take_up_kinds", ()))
        values["batches"] = tuple(BatchPlan.from_json(b) for b in values.get("batches", ()))
        values["costs"] = tuple(values.get("costs", ()))
        values["factors"] = tuple(FactorPlan.from_json(each) for each in values.get("factors", ()))
        values["cells"] = {key: tuple(each) for key, each in values.get("cells", {}).items()}
        if values.get("crossover") is not None:
            values["crossover"] = CrossoverPlan.from_json(values["crossover"])
        values["metrics"] = tuple(
            MetricPlan(
                **{
                    **metric,
                    "event_kinds": tuple(metric["event_kinds"]),
                    "denominator_kinds": tuple(metric.get("denominator_kinds", ())),
                    "prior": Prior.from_json(metric["prior"]) if metric.get("prior") else None,
                }
            )
            for metric in values["metrics"]
        )
        values["previous_looks"] = tuple(
            PreviousLook.from_json(look) for look in values["previous_looks"]
        )
        values["started_at"] = datetime.fromisoformat(values["started_at"])
        values["as_of"] = datetime.fromisoformat(values["as_of"])
        return cls(**values)

    def fingerprint(self) -> str:
        """SHA-256 over the plan's JSON: a readout names the plan it was computed from."""
        return sha256(dumps(self.to_json(), sort_keys=True).encode()).hexdigest()
