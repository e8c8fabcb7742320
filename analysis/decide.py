"""The decision: one table, first match wins. docs/statistics/decision.md shows it to people."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Final

from .results import CheckResult, Decision, Verdict

CERTAIN_ENOUGH = 0.975
"""The chance to be better that a winner needs, beside the boundary it has passed."""

CLOSE_CALL = 0.8
"""Below this chance to be best, the winner's reason says that another variant is close."""


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
    guardrails_harmed: tuple[str, ...] = ()  # always-valid, beyond the margin
    guardrails_worse: tuple[str, ...] = ()  # by a plain test at 2.5 %, beyond the margin
    guardrails_unknown: tuple[str, ...] = ()  # nothing to estimate them from
    secondaries_worse: tuple[str, ...] = ()  # after Holm


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
    def winners(self) -> tuple[Treatment, ...]:
        """Treatments past the upper boundary, likeliest best first."""
        return tuple(sorted((t for t in self.treatments if t.wins), key=lambda t: -t.p_best))

    @property
    def shippable(self) -> tuple[Treatment, ...]:
        """Winners with nothing against them."""
        return tuple(t for t in self.winners if not doubts(self, t))

    @property
    def losers(self) -> tuple[Treatment, ...]:
        """Treatments that do harm on the primary."""
        return tuple(t for t in self.treatments if t.harmed or t.loses)

    @property
    def breakers(self) -> tuple[Treatment, ...]:
        """Treatments that harm a guardrail."""
        return tuple(t for t in self.treatments if t.guardrails_harmed)


def doubts(evidence: Evidence, treatment: Treatment) -> tuple[str, ...]:
    """What still speaks against shipping a treatment that has passed the boundary."""
    found = []
    if evidence.ad_hoc:
        found.append("this is an unplanned look, and winners are named at planned ones only")
    if not evidence.ran_long_enough:
        found.append(f"it has run {_days_run(evidence)} of at least {evidence.minimum_days} days")
    worse = treatment.guardrails_harmed or treatment.guardrails_worse
    if worse:
        found.append(f"it looks worse on the guardrail {_list(worse)}")
    if treatment.guardrails_unknown:
        found.append(f"there is no estimate of the guardrail {_list(treatment.guardrails_unknown)}")
    if treatment.p_better < CERTAIN_ENOUGH:
        found.append(f"its chance to be better is only {_percent(treatment.p_better)}")
    return tuple(found)


@dataclass(frozen=True)
class Rule:
    """One row of the decision table."""

    name: str
    verdict: Verdict
    when: Callable[[Evidence], bool]
    reason: Callable[[Evidence], str]
    would_change: str


def _say_broken(e: Evidence) -> str:
    return " ".join(check.sentence for check in e.broken)


def _say_guardrail(e: Evidence) -> str:
    parts = [f"{t.variant} harms {_list(t.guardrails_harmed)}" for t in e.breakers]
    return f"{_list(parts)} beyond the margin, whatever it does for {e.metric}."


def _say_harm(e: Evidence) -> str:
    found = _list([_effect(e, t) if t.loses else _sure_harm(e, t) for t in e.losers])
    return f"{found}: worse than {e.control}, and not by chance."


def _say_winner(e: Evidence) -> str:
    best, *others = e.shippable
    parts = [f"{_effect(e, best)}, chance to be better {_percent(best.p_better)}"]
    if others and best.p_best < CLOSE_CALL:
        parts.append(f"{_list([t.variant for t in others])} is close behind")
    if best.secondaries_worse:
        parts.append(f"mind that {_list(best.secondaries_worse)} fell behind")
    bad = [t.variant for t in (*e.losers, *e.breakers)]
    if bad:
        parts.append(f"take {_list(sorted(set(bad)))} out")
    return "; ".join(parts) + "."


def _say_doubts(e: Evidence) -> str:
    best = e.winners[0]
    return f"{_effect(e, best)}, but {_list(doubts(e, best))}."


def _say_negligible(e: Evidence) -> str:
    found = _list(
        [f"{_change(e, t)} (at most {_amount(e, t.farthest)} either way)" for t in e.treatments]
    )
    return (
        f"Whatever difference there is on {e.metric}, it is smaller than the"
        f" {_amount(e, e.minimum_effect)} that matter: {found}."
    )


def _say_inconclusive(e: Evidence) -> str:
    over = "" if e.days_running is None else "The last planned look is over, and "
    undecided = [t for t in e.treatments if not t.negligible]
    if not undecided:
        text = f"no difference is as large as {_amount(e, e.minimum_effect)}, but it has run"
        return f"{over}{text} {_days_run(e)} of at least {e.minimum_days} days."
    leading = max(undecided, key=lambda t: t.p_best)
    text = (
        f"{over}the data allow both a difference that matters"
        f" ({_amount(e, e.minimum_effect)}) and none: {_effect(e, leading)}."
    )
    return text[0].upper() + text[1:]


def _say_running(e: Evidence) -> str:
    leading = max(e.treatments, key=lambda t: t.p_best)
    when = ""
    if e.days_left:
        days = ceil(e.days_left)
        when = f", about {days:,} more day{'s' if days > 1 else ''} at the present pace"
    share = "100 %" if e.information >= 1 else _percent(e.information)
    return (
        f"{_effect(e, leading)}: no boundary is passed with {share} of the"
        f" planned information{when}."
    )


def _no_estimate(e: Evidence) -> bool:
    return not e.treatments


RULES: Final = (
    Rule(
        "validity-failed",
        Verdict.DO_NOT_USE,
        lambda e: bool(e.broken),
        _say_broken,
        "Mend what the failed check names, then start a new phase.",
    ),
    Rule(
        "guardrail-harmed",
        Verdict.ROLL_BACK,
        lambda e: bool(e.breakers) and not e.shippable,
        _say_guardrail,
        "Nothing at this margin: the bound holds at any moment of looking.",
    ),
    Rule(
        "primary-harmed",
        Verdict.ROLL_BACK,
        lambda e: bool(e.losers) and not e.shippable,
        _say_harm,
        "A redesigned variant, in a new experiment.",
    ),
    Rule(
        "winner",
        Verdict.SHIP,
        lambda e: bool(e.shippable),
        _say_winner,
        "A guardrail that turns out harmed, or a trust check that fails.",
    ),
    Rule(
        "winner-too-early",
        Verdict.KEEP_RUNNING,
        lambda e: bool(e.winners) and not e.final,
        _say_doubts,
        "The next planned look, once the doubt named is gone.",
    ),
    Rule(
        "winner-in-doubt",
        Verdict.INCONCLUSIVE,
        lambda e: bool(e.winners),
        _say_doubts,
        "More units in a new phase, so that the doubt named can be settled.",
    ),
    Rule(
        "nothing-to-estimate-yet",
        Verdict.KEEP_RUNNING,
        lambda e: _no_estimate(e) and not e.final,
        lambda e: f"There is no estimate yet: {e.not_estimable}.",
        "Units whose outcome window is complete.",
    ),
    Rule(
        "nothing-to-estimate",
        Verdict.INCONCLUSIVE,
        _no_estimate,
        lambda e: f"There is no estimate: {e.not_estimable}.",
        "More units, or a metric that varies.",
    ),
    Rule(
        "difference-too-small",
        Verdict.NO_MEANINGFUL_DIFFERENCE,
        lambda e: (
            e.precise_enough and e.ran_long_enough and all(t.negligible for t in e.treatments)
        ),
        _say_negligible,
        "A smaller minimum effect. Until then, take the cheaper variant.",
    ),
    Rule(
        "out-of-looks",
        Verdict.INCONCLUSIVE,
        lambda e: e.final,
        _say_inconclusive,
        "A new phase with more units, or a larger minimum effect.",
    ),
    Rule(
        "keep-running",
        Verdict.KEEP_RUNNING,
        lambda _: True,
        _say_running,
        "An interval that leaves 0, or one that lies within the minimum effect.",
    ),
)


def decide(evidence: Evidence) -> Decision:
    """What to do, by the first rule that fits."""
    rule = next(rule for rule in RULES if rule.when(evidence))
    return Decision(
        verdict=rule.verdict,
        reason=rule.reason(evidence),
        rule=rule.name,
        would_change=rule.would_change,
        winner=evidence.shippable[0].variant if rule.verdict is Verdict.SHIP else None,
    )


def _days_run(e: Evidence) -> int:
    return int(e.days_running or 0)


def _change(e: Evidence, treatment: Treatment) -> str:
    direction = "raises" if treatment.effect >= 0 else "lowers"
    return f"{treatment.variant} {direction} {e.metric} by {_amount(e, abs(treatment.effect))}"


def _effect(e: Evidence, treatment: Treatment) -> str:
    low, high = sorted((treatment.low, treatment.high))
    return f"{_change(e, treatment)} (interval {number(low)} to {number(high)})"


def _sure_harm(e: Evidence, treatment: Treatment) -> str:
    """Harm by the always-valid bound, where the look's own, wider interval may hold 0."""
    return f"{_change(e, treatment)} (at least {_amount(e, treatment.surely)} at any look)"


def _amount(e: Evidence, value: float) -> str:
    return f"{number(value)} {e.unit_label}".rstrip()


def number(value: float) -> str:
    """A number as people write it: three digits, no exponent where it can be helped."""
    if value == 0 or 1e-4 <= abs(value) < 1000:
        return f"{value:.3g}"
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e12 else f"{value:.2e}"


def _percent(share: float) -> str:
    if share > 0.999:
        return "over 99.9 %"
    return f"{100 * share:.1f}".removesuffix(".0") + " %"


def _list(parts: tuple[str, ...] | list[str]) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return ", ".join(parts[:-1]) + " and " + parts[-1]
