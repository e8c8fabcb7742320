"""The decision: one table, first match wins. docs/statistics/decision.md shows it to people."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from . import reasons, remedies
from .case import Evidence, Treatment
from .phrases import effect, elsewhere, listed, number, unseen
from .reasons import Say, doubts
from .results import ArmVerdict, Decision, Verdict

__all__ = ["RULES", "Evidence", "Rule", "Treatment", "decide", "doubts", "number"]


@dataclass(frozen=True)
class Rule:
    """One row of the decision table."""

    name: str
    verdict: Verdict
    when: Callable[[Evidence], bool]
    reason: Say
    would_change: Say


RULES: Final = (
    Rule(
        "validity-failed",
        Verdict.DO_NOT_USE,
        lambda e: bool(e.broken),
        reasons.broken,
        remedies.mend,
    ),
    Rule(
        "guardrail-harmed",
        Verdict.ROLL_BACK,
        lambda e: e.nobody_left and any(t.guardrails_in("harmed") for t in e.out),
        reasons.harm,
        remedies.redesign,
    ),
    Rule(
        "primary-harmed",
        Verdict.ROLL_BACK,
        lambda e: e.nobody_left,
        reasons.harm,
        remedies.redesign,
    ),
    Rule(
        "tie",
        Verdict.SHIP,
        lambda e: bool(e.tied),
        reasons.tie,
        remedies.undo_winner,
    ),
    Rule(
        "winner",
        Verdict.SHIP,
        lambda e: bool(e.shippable),
        reasons.winner,
        remedies.undo_winner,
    ),
    Rule(
        "winner-too-early",
        Verdict.KEEP_RUNNING,
        lambda e: bool(e.winners) and e.too_early and not e.final,
        reasons.held_back,
        remedies.ripen,
    ),
    Rule(
        "too-few-teams",
        Verdict.REVIEW,
        lambda e: bool(e.winners) and e.winners[0].has_few_teams,
        reasons.held_back,
        remedies.more_teams,
    ),
    Rule(
        "guardrails-not-shown-yet",
        Verdict.KEEP_RUNNING,
        lambda e: bool(e.winners) and bool(e.winners[0].unshown) and not e.final,
        reasons.held_back,
        remedies.show_guardrails,
    ),
    Rule(
        "guardrails-not-shown",
        Verdict.REVIEW,
        lambda e: bool(e.winners) and bool(e.winners[0].unshown),
        reasons.held_back,
        remedies.show_guardrails,
    ),
    Rule(
        "co-primary-unknown-yet",
        Verdict.KEEP_RUNNING,
        lambda e: bool(e.winners) and bool(e.winners[0].missing) and not e.final,
        reasons.held_back,
        remedies.estimate_co_primary,
    ),
    Rule(
        "co-primary-unknown",
        Verdict.REVIEW,
        lambda e: bool(e.winners) and bool(e.winners[0].missing),
        reasons.held_back,
        remedies.estimate_co_primary,
    ),
    Rule(
        "evidence-disagrees",
        Verdict.REVIEW,
        lambda e: bool(e.winners),
        reasons.held_back,
        remedies.settle,
    ),
    Rule(
        "nothing-to-estimate-yet",
        Verdict.KEEP_RUNNING,
        lambda e: not e.remaining and not e.final,
        reasons.no_estimate_yet,
        remedies.wait,
    ),
    Rule(
        "nothing-to-estimate",
        Verdict.INCONCLUSIVE,
        lambda e: not e.remaining,
        reasons.no_estimate,
        remedies.vary,
    ),
    Rule(
        "difference-too-small",
        Verdict.NO_MEANINGFUL_DIFFERENCE,
        lambda e: (
            e.precise_enough
            and e.ran_long_enough
            and not e.waiting
            and all(t.is_negligible for t in e.remaining)
        ),
        reasons.negligible,
        remedies.smaller_minimum,
    ),
    Rule(
        "belief-ahead",
        Verdict.REVIEW,
        reasons.is_belief_ahead,
        reasons.belief_ahead,
        remedies.settle,
    ),
    Rule(
        "out-of-looks",
        Verdict.INCONCLUSIVE,
        lambda e: e.final,
        reasons.inconclusive,
        remedies.new_phase,
    ),
    Rule(
        "futile",
        Verdict.KEEP_RUNNING,
        lambda e: e.futile,
        reasons.futile,
        remedies.leave_zero,
    ),
    Rule(
        "keep-running",
        Verdict.KEEP_RUNNING,
        lambda _: True,
        reasons.running,
        remedies.leave_zero,
    ),
)


def decide(evidence: Evidence) -> Decision:
    """What to do, by the first rule that fits."""
    rule = next(rule for rule in RULES if rule.when(evidence))
    reason = rule.reason(evidence)
    goes_on = rule.verdict not in (Verdict.DO_NOT_USE, Verdict.ROLL_BACK)
    if evidence.out and goes_on:
        reason = f"{reason} {reasons.take_out(evidence)}"
    usable = rule.verdict is not Verdict.DO_NOT_USE
    return Decision(
        verdict=rule.verdict,
        reason=reason,
        rule=rule.name,
        would_change=rule.would_change(evidence),
        winner=evidence.chosen[0].variant if rule.verdict is Verdict.SHIP else None,
        arms=tuple(_arm(evidence, t) for t in evidence.treatments) if usable else (),
        take_out=tuple(t.variant for t in evidence.out) if usable else (),
        tied=tuple(t.variant for t in evidence.tied) if rule.name == "tie" else (),
        futile=rule.name == "futile",
    )


def _arm(e: Evidence, t: Treatment) -> ArmVerdict:
    """What can be said of one treatment alone."""
    title = e.titles.get(t.variant, t.variant)
    if t.is_out:
        return ArmVerdict(t.variant, title, "take out", reasons.harm_of(e, t))
    if t.unseen:
        return ArmVerdict(t.variant, title, "no estimate", unseen(e, t))
    alone = f"{'; '.join([effect(*e.lead(t)), *elsewhere(e, t)])}."
    if t.is_winner and e.is_held_back(t):
        why = f"{effect(*e.lead(t))}, but {listed(doubts(e, t))}."
        return ArmVerdict(t.variant, title, "held back", why)
    if t.is_winner:
        return ArmVerdict(t.variant, title, "winner", alone)
    if t.is_negligible and e.precise_enough and e.ran_long_enough:
        return ArmVerdict(t.variant, title, "no meaningful difference", alone)
    return ArmVerdict(t.variant, title, "open", alone)
