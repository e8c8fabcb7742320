"""Readout and its parts: what an analysis found, frozen, versioned, JSON both ways.

An engine that cannot answer returns ``NotEstimable`` with a remedy, never a neutral number.
"""

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Literal

from .designed import FactorEffect, OnCompliers
from .sequence import Sequential as Sequential  # noqa: PLC0414  others take it from here

READOUT_FORMAT = 1


class Verdict(StrEnum):
    """The one word that a readout ends with."""

    SHIP = "SHIP"
    KEEP_RUNNING = "KEEP RUNNING"
    ROLL_BACK = "ROLL BACK"
    NO_MEANINGFUL_DIFFERENCE = "NO MEANINGFUL DIFFERENCE"
    INCONCLUSIVE = "INCONCLUSIVE"
    REVIEW = "REVIEW"
    DO_NOT_USE = "DO NOT USE"


@dataclass(frozen=True)
class NotEstimable:
    """Why there is no number, and what would make one."""

    reason: str
    remedy: str


@dataclass(frozen=True)
class Relative:
    """The effect as a share of the control's mean (0.05 is 5 %), by Fieller; None: unbounded."""

    estimate: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Posterior:
    """What to believe after prior and data: both in the metric's unit."""

    mean: float
    sd: float
    low: float  # 95 %, equal-tailed; of a normal posterior also the highest density
    high: float
    p_better: float  # P(effect is in the good direction)
    p_meaningful: float | None  # P(effect beyond the minimum effect); None without one
    expected_loss: float  # of shipping the treatment, in the metric's unit, >= 0
    prior_sd: float
    prior_mean: float = 0.0
    prior_source: str = "weak"  # weak | learned (from past experiments) | stated
    prior_experiments: int = 0  # how many it was learned from
    prior_tail: str = "normal"  # normal | heavy


@dataclass(frozen=True)
class Planning:
    """What to count on after the stop: an experiment that stops at a win overstates it.

    ``mean`` is the estimate shrunk by the prior. ``adjusted`` allows for the looks themselves: it
    is the effect at which a result this far or farther has a chance of one half.
    """

    mean: float
    low: float
    high: float
    adjusted: float | None = None
    adjusted_low: float | None = None
    adjusted_high: float | None = None


@dataclass(frozen=True)
class Teams:
    """What it means that whole teams were randomised, of both variants together."""

    n_fewest: int  # teams of the variant that has fewest
    icc: float | None = None  # share of the learners' variance between teams; None: unknown
    icc_low: float | None = None  # 95 %
    icc_high: float | None = None
    design_effect: float | None = None  # so many times the variance of learners drawn one by one
    n_effective: float | None = None  # learners drawn one by one who would tell as much
    draw_p_value: float | None = None  # by the draw of the teams alone; None: teams are not few
    draw_low: float | None = None  # None beside a p value: unbounded
    draw_high: float | None = None
    n_draws: int = 0


@dataclass(frozen=True)
class Cost:
    """What a treatment's effect costs, against the control; money is the metric's currency."""

    extra: float  # per learner
    per_unit: float  # for one more unit the good way; below 0 when nothing was gained
    low: float | None  # None: the effect may be 0, so no price is too high
    high: float | None
    pays: bool | None = None  # beyond the interval's doubt; None: open, or no value is known
    net_value: float | None = None  # per learner: value of the effect minus extra cost
    net_low: float | None = None
    net_high: float | None = None


@dataclass(frozen=True)
class Estimate:
    """The effect of one treatment on one metric: treatment minus control."""

    metric: str
    variant: str
    control: str
    method: str  # a row of analysis.methods.METHODS
    n: int  # units of the treatment (teams, when teams are randomised: see n_learners)
    n_control: int
    n_learners: int
    n_learners_control: int
    mean: float  # of the treatment, covariate-adjusted when the method adjusts
    mean_control: float
    effect: float  # absolute, in the metric's unit
    se: float
    df: float
    low: float  # interval at this look's level: excludes 0 exactly when the look's test rejects
    high: float
    p_value: float  # of the fixed test, two-sided; the look's boundary is in Sequential
    relative: Relative
    posterior: Posterior
    variance_reduction: float = 0.0  # share of variance that the covariate removed, 0-1
    p_adjusted: float | None = None  # by the metric's correction; None: the boundary stands for it
    guardrail: str = ""  # non-inferior | not worse | open | worse | harmed; "": it is none
    planning: Planning | None = None  # of the primary, once a verdict ends the experiment
    loss_in_money: float | None = None  # the posterior's expected loss, per learner
    teams: Teams | None = None  # where whole teams were randomised
    cost: Cost | None = None  # where the plan knows what a learner of each variant costs


@dataclass(frozen=True)
class MetricResult:
    """All treatments' estimates for one metric."""

    key: str
    title: str
    role: str
    direction: str
    unit_label: str
    minimum_effect: float | None
    estimates: tuple[Estimate | NotEstimable, ...]  # one per treatment, in the plan's order
    p_best: dict[str, float] = field(default_factory=dict)  # chance to be best, control included
    correction: str = ""  # none, bonferroni, dunnett, holm, benjamini_hochberg: in intervals
    margin: float | None = None  # of a guardrail: the loss that is still acceptable
    value_per_unit: float | None = None
    currency: str = ""
    version: int = 0  # of the metric's definition; 0: from before versions were named


@dataclass(frozen=True)
class CheckResult:
    """One test of trust. A failed check of severity "stop" makes the decision DO NOT USE."""

    name: str  # a row of analysis.checks.CHECKS
    title: str
    passed: bool
    severity: Literal["stop", "warn"]
    sentence: str
    p_value: float | None = None
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ComponentEffect:
    """One score component's share of the effect; the shares add up to the whole."""

    component: str
    effect: float  # score points
    se: float


@dataclass(frozen=True)
class ComponentSplit:
    """The score's effect of one treatment, split by component."""

    variant: str
    components: tuple[ComponentEffect, ...]
    effect_without_incentive: float | None = None  # score points, the incentive component left out
    se_without_incentive: float | None = None


@dataclass(frozen=True)
class BenefitLevel:
    """One segment's effect, as measured and drawn towards the others (partial pooling)."""

    level: str
    n: int  # learners of both variants
    effect: float
    se: float
    low: float  # 95 %
    high: float
    pooled: float
    pooled_low: float  # 95 %
    pooled_high: float
    p_better: float


@dataclass(frozen=True)
class Benefit:
    """Whether a treatment's effect on the primary differs by what was known before exposure."""

    metric: str
    variant: str
    segment: str
    levels: tuple[BenefitLevel, ...] = ()
    left_out: tuple[str, ...] = ()  # levels with too few learners
    p_value: float | None = None  # of "the effect is the same everywhere"; None: see why_not
    p_adjusted: float | None = None  # allowing for the other segments and treatments (Holm)
    why_not: str = ""


@dataclass(frozen=True)
class TrendPoint:
    """The primary's estimate as it stood at the end of one day."""

    day: str  # ISO date
    variant: str
    n: int
    effect: float
    low: float
    high: float


@dataclass(frozen=True)
class ArmVerdict:
    """What the evidence says of one treatment, whatever becomes of the others."""

    variant: str
    title: str
    verdict: Literal[
        "winner",  # past the boundary, nothing against it
        "held back",  # past the boundary, a doubt is left
        "take out",  # it does harm
        "no meaningful difference",
        "open",
        "no estimate",
    ]
    reason: str


@dataclass(frozen=True)
class Decision:
    """What to do, why, and what would change it."""

    verdict: Verdict
    reason: str  # one sentence that a product manager can act on
    rule: str  # the row of the decision table that fired
    would_change: str  # what would change the verdict
    winner: str | None = None  # the variant to ship
    arms: tuple[ArmVerdict, ...] = ()  # one per treatment
    take_out: tuple[str, ...] = ()  # variants that do harm, whatever the verdict
    tied: tuple[str, ...] = ()  # winners between which the choice does not matter
    futile: bool = False  # a winner is unlikely to be found; stopping is allowed, not asked for


@dataclass(frozen=True)
class Readout:
    """All estimates and checks at one look. Immutable once stored."""

    experiment: str
    title: str
    domain: str
    unit_kind: str
    variants: tuple[str, ...]
    control: str
    as_of: str  # ISO time, UTC
    look: int
    looks_planned: int
    plan_fingerprint: str
    lake_version: dict[str, int]
    definition_version: int
    score_version: str
    n_exposed: dict[str, int]  # units per variant
    n_mature: dict[str, int]  # units whose outcome window is complete
    decision: Decision
    metrics: tuple[MetricResult, ...]
    checks: tuple[CheckResult, ...]
    sequential: Sequential | None
    component_splits: tuple[ComponentSplit, ...] = ()
    trend: tuple[TrendPoint, ...] = ()
    variant_titles: dict[str, str] = field(default_factory=dict)  # key -> title
    factor_effects: tuple[FactorEffect, ...] = ()  # of a factorial experiment, metric by metric
    on_compliers: tuple[OnCompliers, ...] = ()  # where the plan says what shows take-up
    benefits: tuple[Benefit, ...] = ()  # who benefits, by treatment and segment
    source: dict[str, str] = field(default_factory=dict)  # key, version, read_at, snapshot, scheme

    @property
    def primary(self) -> MetricResult:
        """The metric that sets the pace; co-primaries can make a winner beside it."""
        return next(metric for metric in self.metrics if metric.role == "primary")

    @property
    def primaries(self) -> tuple[MetricResult, ...]:
        """The metrics that the decision is about: the primary, then its co-primaries."""
        co_primaries = (metric for metric in self.metrics if metric.role == "co_primary")
        return (self.primary, *co_primaries)

    def to_json(self) -> dict[str, Any]:
        """The readout as plain JSON values; no NaN, no infinity."""
        return {"format": READOUT_FORMAT, **asdict(self)}

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> "Readout":
        """The readout that ``to_json`` wrote.

        Raises:
            ValueError: the format is not the one this version reads.
        """
        if plain.get("format") != READOUT_FORMAT:
            raise ValueError(
                f"readout format: found {plain.get('format')!r}, expected {READOUT_FORMAT}"
            )
        values = {name: value for name, value in plain.items() if name != "format"}
        values["variants"] = tuple(values["variants"])
        values["decision"] = _decision_from_json(values["decision"])
        values["metrics"] = tuple(_metric_from_json(metric) for metric in values["metrics"])
        values["checks"] = tuple(CheckResult(**check) for check in values["checks"])
        if values["sequential"] is not None:
            values["sequential"] = Sequential.from_json(values["sequential"])
        values["component_splits"] = tuple(
            _split_from_json(split) for split in values["component_splits"]
        )
        values["trend"] = tuple(TrendPoint(**point) for point in values["trend"])
        values["benefits"] = tuple(_benefit_from_json(each) for each in values.get("benefits", ()))
        values["factor_effects"] = tuple(
            FactorEffect.from_json(each) for each in values.get("factor_effects", ())
        )
        values["on_compliers"] = tuple(
            OnCompliers(**each) for each in values.get("on_compliers", ())
        )
        return cls(**values)


def _benefit_from_json(plain: dict[str, Any]) -> Benefit:
    levels = tuple(BenefitLevel(**level) for level in plain["levels"])
    return Benefit(**{**plain, "levels": levels, "left_out": tuple(plain["left_out"])})


def _decision_from_json(plain: dict[str, Any]) -> Decision:
    return Decision(
        **{
            **plain,
            "verdict": Verdict(plain["verdict"]),
            "arms": tuple(ArmVerdict(**arm) for arm in plain.get("arms", ())),
            "take_out": tuple(plain.get("take_out", ())),
            "tied": tuple(plain.get("tied", ())),
        }
    )


def _metric_from_json(plain: dict[str, Any]) -> MetricResult:
    estimates = tuple(_estimate_from_json(estimate) for estimate in plain["estimates"])
    return MetricResult(**{**plain, "estimates": estimates})


def _estimate_from_json(plain: dict[str, Any]) -> Estimate | NotEstimable:
    if "remedy" in plain:
        return NotEstimable(**plain)
    planning, teams = plain.get("planning"), plain.get("teams")
    cost = plain.get("cost")
    return Estimate(
        **{
            **plain,
            "relative": Relative(**plain["relative"]),
            "posterior": Posterior(**plain["posterior"]),
            "planning": None if planning is None else Planning(**planning),
            "teams": None if teams is None else Teams(**teams),
            "cost": None if cost is None else Cost(**cost),
        }
    )


def _split_from_json(plain: dict[str, Any]) -> ComponentSplit:
    components = tuple(ComponentEffect(**component) for component in plain["components"])
    return ComponentSplit(**{**plain, "components": components})
