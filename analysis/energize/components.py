"""The score's formula, written for the engine: facts in, components and points out."""

from collections.abc import Mapping

import ibis
from ibis.expr import types as ir

from analysis.energize.facts import weeks_in
from analysis.energize.norms import COMPONENTS, Norms


def saturate(amount: ir.Value, constant: float) -> ir.Value:
    """``1 - 2^(-x/k)``: 0 at nothing, one half at the constant, never above 1."""
    return 1.0 - ibis.literal(2.0) ** (-amount / constant)


def component_values(
    facts: Mapping[str, ir.Value], norms: Norms, window_days: int
) -> dict[str, ir.Value]:
    """Each component that the program has, in 0..1."""

    def part(name: str) -> ir.Value:
        return saturate(facts[name], norms.constant(name, window_days))

    values: dict[str, ir.Value] = {}
    weekly = facts["active_weeks"] / weeks_in(window_days)
    values["retention"] = 0.5 * weekly + 0.5 * part("active_days")
    if "activity" in norms.components:
        parts = norms.parts("activity")
        values["activity"] = sum((part(name) for name in parts[1:]), part(parts[0])) / len(parts)
    if "incentive" in norms.components:
        judged = facts["judged_claim_days"]
        share = ibis.ifelse(judged > 0, facts["followed_claim_days"] / judged, 0.0)
        values["incentive"] = 0.5 * part("claims") + 0.5 * share
    if "community" in norms.components:
        values["community"] = part("peer_actions")
    return {name: values[name] for name in norms.components}


def point_values(
    facts: Mapping[str, ir.Value], norms: Norms, window_days: int
) -> dict[str, ir.Value]:
    """The score, its components in points (they add up to it), and the score without incentives.

    Keys: ``score``, the four components (0 where the program has none), ``without_incentive``.
    """
    values = component_values(facts, norms, window_days)
    points: dict[str, ir.Value] = {
        name: values[name] * (100.0 * norms.weights[name]) if name in values else ibis.literal(0.0)
        for name in COMPONENTS
    }
    score = points["retention"] + points["activity"] + points["incentive"] + points["community"]
    others = points["retention"] + points["activity"] + points["community"]
    rest = 1.0 - norms.weights["incentive"]
    without = others / rest if rest > 0 else ibis.literal(0.0)
    return {"score": score, **points, "without_incentive": without}
