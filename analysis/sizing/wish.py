"""Wish and Answer: what somebody who plans an experiment types, and what comes back."""

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from .accrual import Accrual, detectable_by
from .design import PlannedDesign
from .past import Facts
from .sizes import Duration, Need, units_needed
from .variance import (
    crossover_variance,
    design_effect,
    mean_variance,
    proportion_variance,
    team_variance,
)

WEEKS: Final = (2, 4, 8, 12)
MOST_CORRELATED: Final = 0.9995

Layout = Literal["parallel", "crossover"]


@dataclass(frozen=True)
class Spread:
    """How outcomes vary, typed or from history."""

    sd: float | None = None  # of a mean
    share: float | None = None  # of a yes or no, instead
    correlation: float = 0.0  # with the window before; in a crossover, of its two periods
    team_size: float | None = None  # None: learners get variants
    icc: float | None = None
    size_cv: float = 0.0

    @classmethod
    def of_facts(cls, facts: Facts, unit_kind: str) -> "Spread":
        """What history says.

        Raises:
            ValueError: teams are asked for, and history knows too few.
        """
        share = facts.mean if facts.yes_or_no else None
        spread = cls(facts.sd if share is None else None, share, facts.correlation)
        if unit_kind != "team":
            return spread
        if facts.teams is None:
            raise ValueError(
                "--unit: history knows too few teams to plan with; describe learners with their"
                " team, or type --team-size and --icc"
            )
        teams = facts.teams
        return cls(
            spread.sd,
            share,
            facts.correlation,
            teams.size,
            teams.icc_adjusted if facts.correlation else teams.icc,
            teams.size_cv,
        )

    @property
    def unit_kind(self) -> str:
        """What gets a variant."""
        return "learner" if self.team_size is None else "team"

    def unit_variance(self, effect: float, layout: Layout = "parallel") -> float:
        """What one unit adds to the error.

        Raises:
            ValueError: names the field, what was found and what would be right.
        """
        self._check(layout)
        if not -1 <= self.correlation <= MOST_CORRELATED:
            raise ValueError(
                f"correlation: found {self.correlation:g}, expected -1 to {MOST_CORRELATED}"
            )
        if self.share is not None:
            variance = proportion_variance(self.share, effect)
        else:
            variance = mean_variance(self.sd or 0.0)
        if layout == "crossover":
            return crossover_variance(variance**0.5, self.correlation)
        variance = mean_variance(variance**0.5, self.correlation**2)
        if self.team_size is None:
            return variance
        return team_variance(variance, self.team_size, self.icc or 0.0, self.size_cv)

    @property
    def design_effect(self) -> float | None:
        """How many times as many learners teams need; None without teams."""
        if self.team_size is None:
            return None
        return design_effect(self.team_size, self.icc or 0.0, self.size_cv)

    def _check(self, layout: Layout) -> None:
        if (self.sd is None) == (self.share is None):
            raise ValueError(
                "sd, share: expected one of them: --sd 12 for a mean, --share 0.3 for a yes or no"
            )
        if (self.team_size is None) != (self.icc is None):
            raise ValueError(
                "team_size, icc: expected both or none, for example --team-size 15 --icc 0.05"
            )
        if layout == "crossover" and self.team_size is not None:
            raise ValueError("team_size: a crossover is planned by learners; leave teams out")


@dataclass(frozen=True)
class Wish:
    """An experiment to plan."""

    spread: Spread
    effect: float | None  # smallest that matters; with a margin, the one that is expected
    design: PlannedDesign
    margin: float | None = None  # not worse by more than this: one-sided
    layout: Layout = "parallel"
    window_days: int = 0
    accrual: Accrual | None = None  # None: nobody knows how fast units come


@dataclass(frozen=True)
class Answer:
    """What the experiment needs."""

    unit_kind: str
    effect: float  # that is found; with a margin, the distance from the expected effect to it
    unit_variance: float
    need: Need
    n_learners: int  # units, or the learners in them
    design_effect: float | None
    duration: Duration | None  # None: too few come, or nobody knows how fast
    enrolment: Duration | None  # without the outcome window
    detectable: dict[int, float | None]  # weeks -> smallest effect found by then; {}: pace unknown

    def to_json(self) -> dict[str, Any]:
        """The answer as plain JSON values."""
        return asdict(self)


def answer(wish: Wish) -> Answer:
    """How many units, how long, and what could be found sooner or later.

    Raises:
        ValueError: names the field, what was found and what would be right.
    """
    distance = _distance(wish)
    variance = wish.spread.unit_variance(0.0 if wish.margin is not None else distance, wish.layout)
    need = units_needed(distance, variance, wish.design)
    coming = wish.accrual
    return Answer(
        unit_kind=wish.spread.unit_kind,
        effect=distance,
        unit_variance=variance,
        need=need,
        n_learners=round(need.units * (wish.spread.team_size or 1)),
        design_effect=wish.spread.design_effect,
        duration=coming.days_for(need.units, wish.window_days) if coming else None,
        enrolment=coming.days_for(need.units) if coming else None,
        detectable=detectable_by(WEEKS, coming, wish.window_days, variance, wish.design)
        if coming
        else {},
    )


def _distance(wish: Wish) -> float:
    if wish.margin is None:
        if wish.effect is None:
            raise ValueError(
                "effect: found none, expected the smallest difference that matters, in the"
                " metric's unit; for example --effect 0.5"
            )
        if not wish.effect > 0:
            raise ValueError(f"effect: found {wish.effect:g}, expected a number above 0")
        return wish.effect
    if wish.design.co_primaries:
        raise ValueError(
            "co_primaries: found some beside a margin, expected one of the two; a guardrail keeps"
            " its alpha however many primaries there are"
        )
    distance = wish.margin + (wish.effect or 0.0)
    if not wish.margin > 0 or not distance > 0:
        raise ValueError(
            f"margin: found {wish.margin:g} with an expected effect of {wish.effect or 0.0:g};"
            " expected a margin above 0, farther out than the loss that is expected"
        )
    return distance
