"""The case that is decided: everything that the decision looks at, treatment by treatment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from .results import CheckResult, Teams
from .teams import FEW_TEAMS

CERTAIN_ENOUGH = 0.975
"""The chance to be better that a winner needs, beside the boundary it has passed."""

FUTILE_BELOW = 0.1
"""A chance to find a winner after all, below which going on is called futile."""

GuardrailState = Literal["non-inferior", "not worse", "open", "worse", "harmed", "unknown"]


@dataclass(frozen=True)
class Guardrail:
    """How one treatment stands with one guardrail.

    With a margin it is ``non-inferior`` (a loss of the margin is excluded), ``harmed`` (the
    always-valid bound lies beyond the margin) or ``open``. Without one, nothing is to be shown: it
    is ``not worse`` until a plain test says ``worse`` or the always-valid bound says ``harmed``.
    """

    title: str
    state: GuardrailState
    unit_label: str = ""
    margin: float | None = None
    worst: float | None = None  # the largest loss that this look allows, in its unit; < 0: a gain
    times_the_units: float | None = None  # that would show it; None: unknown, or out of reach


@dataclass(frozen=True)
class Treatment:
    """What the evidence says of one treatment. Numbers are in the primary's unit."""

    variant: str
    effect: float
    low: float  # interval at the look's boundary
    high: float
    wins: bool  # the interval lies on the good side of 0
    loses: bool  # the interval lies on the bad side of 0
    harmed: bool  # the always-valid bound excludes "no harm"
    negligible: bool  # whatever difference there is, it is smaller than what matters
    p_better: float
    p_best: float
    surely: float = 0.0  # the harm that is certain at any moment of looking; 0: none is
    farthest: float = 0.0  # the largest difference, either way, that the data allow
    expected_loss: float = 0.0  # of shipping it rather than the control
    regret: float = 0.0  # of shipping it rather than the best of all variants
    predictive_power: float | None = None  # chance to pass the last look's boundary
    guardrails: tuple[Guardrail, ...] = ()
    secondaries_worse: tuple[str, ...] = ()  # after Benjamini-Hochberg
    teams: Teams | None = None  # where whole teams were randomised

    def guardrails_in(self, *states: GuardrailState) -> tuple[Guardrail, ...]:
        """The guardrails that are in one of these states."""
        return tuple(each for each in self.guardrails if each.state in states)

    @property
    def is_out(self) -> bool:
        """Whether it does harm: learners should not go on meeting it."""
        return self.harmed or self.loses or bool(self.guardrails_in("harmed"))

    @property
    def has_few_teams(self) -> bool:
        """Whether too few teams were randomised to name it a winner."""
        return self.teams is not None and self.teams.n_fewest < FEW_TEAMS

    @property
    def unshown(self) -> tuple[Guardrail, ...]:
        """The guardrails that keep a winner from being shipped."""
        return self.guardrails_in("open", "worse", "unknown")


@dataclass(frozen=True)
class Evidence:
    """Everything that the decision looks at."""

    metric: str  # the primary's title
    unit_label: str
    control: str
    checks: tuple[CheckResult, ...]
    treatments: tuple[Treatment, ...]  # those that could be estimated
    not_estimable: str  # why there is no estimate; "" when there is one
    information: float  # share of the planned information
    minimum_effect: float
    final: bool
    ad_hoc: bool = False
    days_running: float | None = None  # None: a finished table, time plays no part
    minimum_days: int = 0
    days_left: float | None = None
    care: float | None = None  # the loss that nobody would mind; None: a tenth of what matters
    waiting: tuple[str, ...] = ()  # treatments without an estimate
    titles: Mapping[str, str] = field(default_factory=dict)  # variant -> title

    @property
    def broken(self) -> tuple[CheckResult, ...]:
        """The failed checks that forbid any use."""
        return tuple(c for c in self.checks if not c.passed and c.severity == "stop")

    @property
    def ran_long_enough(self) -> bool:
        """Whether whole weekly cycles have been seen."""
        return self.days_running is None or self.days_running >= self.minimum_days

    @property
    def precise_enough(self) -> bool:
        """Whether the planned precision is there, or no more will come."""
        return self.final or self.information >= 1

    @property
    def threshold(self) -> float:
        """The threshold of caring, in the primary's unit."""
        return self.minimum_effect / 10 if self.care is None else self.care

    @property
    def out(self) -> tuple[Treatment, ...]:
        """Treatments to take out."""
        return tuple(t for t in self.treatments if t.is_out)

    @property
    def remaining(self) -> tuple[Treatment, ...]:
        """Treatments that go on."""
        return tuple(t for t in self.treatments if not t.is_out)

    @property
    def nobody_left(self) -> bool:
        """Whether every treatment does harm."""
        return bool(self.out) and not self.remaining and not self.waiting

    @property
    def winners(self) -> tuple[Treatment, ...]:
        """Treatments past the upper boundary that do no harm, likeliest best first."""
        return tuple(sorted((t for t in self.remaining if t.wins), key=lambda t: -t.p_best))

    @property
    def shippable(self) -> tuple[Treatment, ...]:
        """Winners with nothing against them."""
        return tuple(t for t in self.winners if not self.is_held_back(t))

    @property
    def tied(self) -> tuple[Treatment, ...]:
        """Shippable winners none of which costs more than people care about; () without a tie."""
        found = tuple(t for t in self.shippable if t.regret <= self.threshold)
        return found if len(found) > 1 else ()

    @property
    def chosen(self) -> tuple[Treatment, ...]:
        """Shippable winners, the one to ship first: of a tie it is one of the tied."""
        return tuple(sorted(self.shippable, key=lambda t: bool(self.tied) and t not in self.tied))

    @property
    def too_early(self) -> bool:
        """Whether no winner may be named yet, whatever the numbers say."""
        return self.ad_hoc or not self.ran_long_enough

    @property
    def futile(self) -> bool:
        """Whether no treatment that goes on has much of a chance left."""
        chances = [t.predictive_power for t in self.remaining]
        return (
            bool(chances)
            and not self.waiting
            and all(chance is not None and chance < FUTILE_BELOW for chance in chances)
        )

    def believed(self, treatment: Treatment) -> bool:
        """Whether the belief, prior included, is as sure of it as the test has to be."""
        return treatment.p_better >= CERTAIN_ENOUGH and treatment.expected_loss <= self.threshold

    def is_held_back(self, treatment: Treatment) -> bool:
        """Whether something speaks against shipping a treatment that has passed the boundary."""
        return (
            self.too_early
            or treatment.has_few_teams
            or bool(treatment.unshown)
            or not self.believed(treatment)
        )

    def name(self, variant: str) -> str:
        """The variant's title with its key, for people; the key alone when they are the same."""
        title = self.titles.get(variant, "")
        return variant if title.casefold() in ("", variant.casefold()) else f"{title} ({variant})"
