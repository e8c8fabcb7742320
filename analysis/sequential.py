"""The level of a look: what it may conclude, given what earlier looks have spent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from scipy.special import ndtri

from .contrast import Contrast, critical_t
from .methods.always_valid import one_sided_z, two_sided_z
from .methods.group_sequential import boundaries
from .methods.stagewise import StageWise, adjusted
from .plan import AnalysisPlan, PreviousLook
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
    looks: tuple[tuple[float, float], ...] = ()
    """The planned looks so far, as (information, boundary), without those after which the
    experiment ran on although they passed their boundary: see ``at_stop``."""
    co_primaries: Mapping[str, "Level"] = field(default_factory=dict)  # key -> its own level

    def of(self, metric: str) -> "Level":
        """The level of a co-primary, by its key; of every other metric it is the look's."""
        return self.co_primaries.get(metric, self)


@dataclass(frozen=True)
class Own:
    """A co-primary's own information, where the primary's says only how much alpha is spent.

    Boundaries need to know how alike one metric's estimates are from look to look. That is the
    ratio of its own information at the two; the primary's may grow at another pace.
    """

    key: str
    information: float  # share of what its own minimum effect asks for, at this look

    def before(self, look: PreviousLook) -> float:
        """The same at an earlier look; the primary's share where none was written down."""
        return look.co_information.get(self.key, look.information_fraction)


_SIDES = {"two": 2, "one": 1}

_LEAST_RATIO, _LARGEST_RATIO = 1e-6, 1e6


def information(planned_se: float, se: float) -> float:
    """The share of the planned information; within what squares leave of a double."""
    return min(max(planned_se / se, _LEAST_RATIO), _LARGEST_RATIO) ** 2


def passes(plan: AnalysisPlan, z: float, boundary: float) -> bool:
    """Whether z, good direction positive, stops the experiment on a side that the plan asks for."""
    return (abs(z) if plan.sides == "two" else z) > boundary


def level_of_look(
    plan: AnalysisPlan, information: float, n_tests: float, own: Own | None = None
) -> Level:
    """What this look may conclude.

    Alpha is split evenly over the tests and spent as ``plan.spending`` says. A look spends by
    the smaller of two clocks: the share of the planned information and the share of the planned
    looks. So a look that brings more information than planned leaves something to the next ones,
    and the final look spends the rest. Boundaries use the true information, which may pass 1. Look
    0 is an unplanned one: it gets the always-valid bound, however often it is asked for.

    Args:
        plan: looks before, looks planned, alpha, sides, spending.
        information: (design_se / se)^2 of the primary.
        n_tests: alpha is divided by it; treatments, times primaries where there are several.
        own: of a co-primary.
    """
    alpha, sides = plan.alpha / n_tests, _SIDES[plan.sides]
    known = information if own is None else own.information
    harm_z = one_sided_z(known, alpha / sides)
    before = [look for look in plan.previous_looks if look.look > 0]
    recorded = max((look.alpha_spent for look in before), default=0.0)
    if plan.look == 0:
        any_look_z = two_sided_z(known, alpha) if sides == 2 else harm_z
        return Level(known, recorded, any_look_z, harm_z, ad_hoc=True)
    clock = 1.0 if plan.final else min(information, plan.look / plan.looks_planned)
    paid = _paid(plan, before, n_tests)
    spent = max([*paid, spent_by(plan.spending, alpha, clock, sides)])
    shares = (*(own.before(p) if own else p.information_fraction for p in before), known)
    crossed = (own.key in p.co_crossed if own else p.crossed for p in before)
    zs = boundaries(shares, [*paid, spent], sides)
    return Level(
        known,
        min(spent * n_tests, plan.alpha),
        zs[-1],
        harm_z,
        final=plan.final,
        looks=tuple(
            (share, z)
            for share, z, ran_on in zip(shares, zs, [*crossed, False], strict=True)
            if not ran_on
        ),
    )


def _paid(plan: AnalysisPlan, before: Sequence[PreviousLook], n_tests: float) -> list[float]:
    """What each look before spent of one test's alpha.

    Looks record what all tests spent. At another share of alpha (a guardrail's, a secondary's)
    most spending functions are not in proportion: then it is what that share had spent by then.
    """
    if n_tests == plan.n_tests:
        return [look.alpha_spent / n_tests for look in before]
    alpha, sides = plan.alpha / n_tests, _SIDES[plan.sides]
    found: list[float] = []
    for look in before:
        clock = min(look.information_fraction, look.look / plan.looks_planned)
        spent = spent_by(plan.spending, alpha, clock, sides)
        found.append(max(spent, found[-1] if found else 0.0))
    return found


def level_of_one_look(alpha: float) -> Level:
    """What a single, planned and final look may conclude: the plain two-sided test."""
    z = -float(ndtri(alpha / 2))
    return Level(1.0, alpha, z, one_sided_z(1.0, alpha / 2), final=True)


def at_stop(
    level: Level,
    contrast: Contrast,
    alpha: float = 0.05,
    sides: Literal["two", "one"] = "two",
    sign: int = 1,
) -> StageWise | None:
    """What a stopped experiment found: allows for the look it stopped at, and for those before.

    A look before that passed its boundary, after which the experiment ran on (a winner that had to
    run its minimum days), is left out: see ``stagewise.adjusted``. None at an unplanned look: an
    experiment does not stop there because of a boundary.

    Args:
        level: of the look that stopped it.
        contrast: of the treatment that is asked about, at this look.
        alpha: this treatment's share, of all sides together.
        sides: of the plan.
        sign: 1 when more is better, -1 when less is: which side a one-sided plan asks about.
    """
    if not level.looks:
        return None
    unit = level.information * contrast.se**2
    shares, zs = zip(*level.looks, strict=True)
    path = [0.0] * (len(shares) - 1) + [sign * contrast.z]
    found = adjusted(path, [share / unit for share in shares], zs, alpha, _SIDES[sides])

    def in_t(bound: float) -> float:
        # Few teams: as far from the estimate as the t quantile with the same tail is.
        distance = contrast.z - sign * bound / contrast.se
        reach = critical_t(abs(distance), contrast.df) * contrast.se
        return contrast.effect - (reach if distance >= 0 else -reach)

    low, high = sorted((in_t(found.low), in_t(found.high)))
    return replace(found, estimate=in_t(found.estimate), low=low, high=high)


def final_boundary(plan: AnalysisPlan, level: Level, n_tests: float) -> float:
    """The z that the last planned look will ask for, if information comes in evenly until then.

    Args:
        plan: looks planned and alpha.
        level: of this look, with alpha divided by the same.
        n_tests: alpha is divided by it.
    """
    ahead = plan.looks_planned - plan.look
    if level.final or level.ad_hoc or ahead < 1:
        return level.boundary_z
    alpha, sides = plan.alpha / n_tests, _SIDES[plan.sides]
    goal = max(1.0, level.information * plan.looks_planned / plan.look)
    step = (goal - level.information) / ahead
    shares, spent = [level.information], [level.alpha_spent / n_tests]
    for look in range(1, ahead + 1):
        clock = min(shares[-1] + step, (plan.look + look) / plan.looks_planned)
        shares.append(shares[-1] + step)
        spent.append(max(spent[-1], spent_by(plan.spending, alpha, clock, sides)))
    before = [look for look in plan.previous_looks if look.look > 0]
    shares[:0] = [look.information_fraction for look in before]
    spent[:0] = _paid(plan, before, n_tests)
    return boundaries(shares, [*spent[:-1], alpha], sides)[-1]
