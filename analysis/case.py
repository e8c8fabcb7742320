"""The case that is decided: everything that the decision looks at, treatment by treatment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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
    """What the evidence says of one treatment.

    Numbers are the primary's, in its unit; those on other primaries are in ``co_primaries``. One
    that is ``unseen`` has none on the primary: it may do harm all the same, and nothing else.
    """

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
    predictive_power: float | None = None  # chance to pass the last look's boundary on the primary
    guardrails: tuple[Guardrail, ...] = ()
    secondaries_worse: tuple[str, ...] = ()  # after Benjamini-Hochberg
    teams: Teams | None = None  # where whole teams were randomised
    co_primaries: tuple["OnCoPrimary", ...] = ()  # those that could be estimated
    missing: tuple[str, ...] = ()  # titles of co-primaries without an estimate
    same_for_all: tuple[str, ...] = ()  # those on which every unit has the same value
    unseen: str = ""  # why there is no estimate on the primary; "" when there is one

    @property
    def on_each(self) -> tuple["Treatment", ...]:
        """What the evidence says on the primary, and on each co-primary."""
        on_primary = () if self.unseen else (self,)
        return (*on_primary, *(each.found for each in self.co_primaries))

    @property
    def is_winner(self) -> bool:
        """Whether it is past the upper boundary on the primary or on a co-primary."""
        return any(each.wins for each in self.on_each)

    @property
    def harms_a_primary(self) -> bool:
        """Whether it does harm on the primary or on a co-primary."""
        return any(each.harmed or each.loses for each in self.on_each)

    @property
    def looks_worse(self) -> bool:
        """Whether the interval lies on the bad side of 0 where the plan asks about the good one."""
        return self.low * self.high > 0 and not self.wins and not self.loses

    @property
    def is_negligible(self) -> bool:
        """Whether no primary shows, or can still hide, a difference that matters."""
        return not self.missing and all(each.negligible for each in self.on_each)

    @property
    def chance_to_win(self) -> float | None:
        """The most that the chance to win at the last look can be; None: not to be asked.

        With co-primaries the sum of the chances on each: never below the chance of any.
        """
        chances = [each.predictive_power for each in self.on_each]
        known = [chance for chance in chances if chance is not None]
        if self.missing or self.same_for_all or len(known) < len(chances):
            return None
        return min(1.0, sum(known))

    def guardrails_in(self, *states: GuardrailState) -> tuple[Guardrail, ...]:
        """The guardrails that are in one of these states."""
        return tuple(each for each in self.guardrails if each.state in states)

    @property
    def is_out(self) -> bool:
        """Whether it does harm: learners should not go on meeting it."""
        return self.harms_a_primary or bool(self.guardrails_in("harmed"))

    @property
    def has_few_teams(self) -> bool:
        """Whether too few teams were randomised to name it a winner."""
        return self.teams is not None and self.teams.n_fewest < FEW_TEAMS

    @property
    def unshown(self) -> tuple[Guardrail, ...]:
        """The guardrails that keep a winner from being shipped."""
        return self.guardrails_in("open", "worse", "unknown")


@dataclass(frozen=True)
class OnCoPrimary:
    """What the evidence says of one treatment on one co-primary, in its unit."""

    key: str
    metric: str  # title
    unit_label: str
    minimum_effect: float
    threshold: float  # the loss that nobody would mind
    found: Treatment


@dataclass(frozen=True)
class Evidence:
    """Everything that the decision looks at."""

    metric: str  # the primary's title
    unit_label: str
    control: str
    checks: tuple[CheckResult, ...]
    treatments: tuple[Treatment, ...]
    not_estimable: str  # why there is no estimate; "" when there is one
    information: float  # share of the planned information
    minimum_effect: float
    final: bool
    ad_hoc: bool = False
    days_running: float | None = None  # None: a finished table, time plays no part
    minimum_days: int = 0
    days_left: float | None = None
    care: float | None = None  # the loss that nobody would mind; None: a tenth of what matters
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
        """Treatments that go on, with an estimate."""
        return tuple(t for t in self.treatments if not t.is_out and not t.unseen)

    @property
    def waiting(self) -> tuple[Treatment, ...]:
        """Treatments that go on, without an estimate on the primary."""
        return tuple(t for t in self.treatments if not t.is_out and t.unseen)

    @property
    def nobody_left(self) -> bool:
        """Whether every treatment does harm."""
        return bool(self.out) and not self.remaining and not self.waiting

    @property
    def winners(self) -> tuple[Treatment, ...]:
        """Treatments past the upper boundary that do no harm, likeliest best first.

        Winners on the primary come before those on a co-primary alone, which are ordered by their
        chance to be best on the one that they are spoken of by.
        """
        found = (t for t in self.remaining if t.is_winner)
        return tuple(sorted(found, key=lambda t: (not t.wins, -self.lead(t)[1].p_best)))

    @property
    def shippable(self) -> tuple[Treatment, ...]:
        """Winners with nothing against them."""
        return tuple(t for t in self.winners if not self.is_held_back(t))

    @property
    def tied(self) -> tuple[Treatment, ...]:
        """Shippable winners none of which costs more than people care about; () without a tie."""
        return self.cheap if len(self.cheap) > 1 else ()

    @property
    def cheap(self) -> tuple[Treatment, ...]:
        """Shippable winners that cost no more than people care about, on any primary."""
        return tuple(
            t
            for t in self.shippable
            if all(each.regret <= e.threshold for e, each in self.on_each(t))
        )

    @property
    def chosen(self) -> tuple[Treatment, ...]:
        """Shippable winners, the one to ship first: of a tie it is one of the tied.

        With co-primaries, one that is cheap on all primaries comes before one that is best on one.
        """
        several = any(t.co_primaries for t in self.shippable)
        first = self.cheap if several else self.tied
        return tuple(sorted(self.shippable, key=lambda t: bool(first) and t not in first))

    @property
    def too_early(self) -> bool:
        """Whether no winner may be named yet, whatever the numbers say."""
        return self.ad_hoc or not self.ran_long_enough

    @property
    def chance_of_a_winner(self) -> float | None:
        """The most that the chance of any winner at the last look can be; None: not to be asked.

        The sum over treatments: never below the chance of any.
        """
        chances = [t.chance_to_win for t in self.remaining]
        known = [chance for chance in chances if chance is not None]
        if self.waiting or not known or len(known) < len(chances):
            return None
        return min(1.0, sum(known))

    @property
    def futile(self) -> bool:
        """Whether there is not much of a chance left that a winner is found."""
        chance = self.chance_of_a_winner
        return chance is not None and chance < FUTILE_BELOW

    def on_each(self, treatment: Treatment) -> tuple[tuple["Evidence", Treatment], ...]:
        """The treatment wherever it was estimated, with the case as seen from that primary."""
        seen = [
            (
                replace(
                    self,
                    metric=each.metric,
                    unit_label=each.unit_label,
                    minimum_effect=each.minimum_effect,
                    care=each.threshold,
                ),
                each.found,
            )
            for each in treatment.co_primaries
        ]
        on_primary = () if treatment.unseen else ((self, treatment),)
        return (*on_primary, *seen)

    def by_primary(
        self, treatments: Sequence[Treatment]
    ) -> list[tuple["Evidence", list[Treatment]]]:
        """The primary, then each co-primary, with what these treatments do; none is unseen."""
        found: dict[str, tuple[Evidence, list[Treatment]]] = {}
        for treatment in treatments:
            keys = ("", *(each.key for each in treatment.co_primaries))
            for key, (seen, on) in zip(keys, self.on_each(treatment), strict=True):
                found.setdefault(key, (seen, []))[1].append(on)
        return list(found.values())

    def lead(self, treatment: Treatment) -> tuple["Evidence", Treatment]:
        """Where a treatment is seen best: on a primary that it won, or else on the primary.

        Of several that it won, one that belief agrees with; of these the primary, or else the
        co-primary on which it is surest to be better. The order of co-primaries plays no part.
        """
        primary, *co_primaries = self.on_each(treatment)
        ranked = sorted(co_primaries, key=lambda at: (-at[1].p_better, at[0].metric))
        won = [at for at in (primary, *ranked) if at[1].wins]
        return min(won, key=lambda at: not self.believed_on(*at), default=primary)

    @staticmethod
    def believed_on(e: "Evidence", found: Treatment) -> bool:
        """Whether belief, prior included, is as sure on one primary as the test has to be."""
        return found.p_better >= CERTAIN_ENOUGH and found.expected_loss <= e.threshold

    def believed(self, treatment: Treatment) -> bool:
        """Whether belief is as sure of it as the test has to be, where it is seen best."""
        e, found = self.lead(treatment)
        return self.believed_on(e, found)

    def is_held_back(self, treatment: Treatment) -> bool:
        """Whether something speaks against shipping a treatment that has passed the boundary."""
        return (
            self.too_early
            or treatment.has_few_teams
            or bool(treatment.unshown)
            or bool(treatment.missing)
            or not self.believed(treatment)
        )

    @property
    def believed_alone(self) -> list[tuple["Evidence", Treatment]]:
        """Where belief would ship a treatment that has passed no boundary, the surest first."""
        no_winners = [t for t in self.remaining if not t.is_winner]
        found = [at for t in no_winners for at in self.on_each(t) if self.believed_on(*at)]
        return sorted(found, key=lambda at: -at[1].p_best)

    def name(self, variant: str) -> str:
        """The variant's title with its key, for people; the key alone when they are the same."""
        title = self.titles.get(variant, "")
        return variant if title.casefold() in ("", variant.casefold()) else f"{title} ({variant})"
