"""The level of a look: what it may conclude, given what earlier looks have spent."""

from dataclasses import dataclass

from scipy.special import ndtri

from .methods.always_valid import one_sided_z, two_sided_z
from .methods.group_sequential import boundaries
from .plan import AnalysisPlan
from .spending import spent_by


@dataclass(frozen=True)
class Level:
    """How far from 0 an estimate must be at one look, in normal scores."""

    information: float  # share of the planned information; may exceed 1
    alpha_spent: float  # two-sided, over all looks so far and all treatments
    boundary_z: float  # two-sided, of each treatment
    harm_z: float  # one-sided, always valid, of each treatment
    final: bool = False  # no look comes after it
    ad_hoc: bool = False  # an unplanned look: it spends nothing and names no winner
    looks: tuple[tuple[float, float], ...] = ()  # planned ones so far: (information, boundary)


_SIDES = {"two": 2, "one": 1}


def level_of_look(plan: AnalysisPlan, information: float, n_treatments: int) -> Level:
    """What this look may conclude.

    Alpha is split evenly over the treatments and spent as ``plan.spending`` says. A look spends by
    the smaller of two clocks: the share of the planned information and the share of the planned
    looks. So a look that brings more information than planned leaves something to the next ones,
    and the final look spends the rest. Boundaries use the true information, which may pass 1. Look
    0 is an unplanned one: it gets the always-valid bound, however often it is asked for.

    Args:
        plan: looks before, looks planned, alpha, sides, spending.
        information: (design_se / se)^2 of the primary.
        n_treatments: variants besides the control.
    """
    alpha, sides = plan.alpha / n_treatments, _SIDES[plan.sides]
    harm_z = one_sided_z(information, alpha / sides)
    before = [look for look in plan.previous_looks if look.look > 0]
    paid = max((look.alpha_spent for look in before), default=0.0)
    if plan.look == 0:
        any_look_z = two_sided_z(information, alpha) if sides == 2 else harm_z
        return Level(information, paid, any_look_z, harm_z, ad_hoc=True)
    clock = 1.0 if plan.final else min(information, plan.look / plan.looks_planned)
    spent = max(paid / n_treatments, spent_by(plan.spending, alpha, clock, sides))
    shares = (*(look.information_fraction for look in before), information)
    zs = boundaries(shares, [*(look.alpha_spent / n_treatments for look in before), spent], sides)
    return Level(
        information,
        min(spent * n_treatments, plan.alpha),
        zs[-1],
        harm_z,
        final=plan.final,
        looks=tuple(zip(shares, zs, strict=True)),
    )


def level_of_one_look(alpha: float) -> Level:
    """What a single, planned and final look may conclude: the plain two-sided test."""
    z = -float(ndtri(alpha / 2))
    return Level(1.0, alpha, z, one_sided_z(1.0, alpha / 2), final=True)
