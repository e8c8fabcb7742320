"""Look: the levels of one look, and how the primaries stand at it."""

from collections.abc import Mapping
from dataclasses import replace

from .case import Treatment
from .estimate import Compared
from .evidence import harm_bound
from .levels import MetricLevel, own_share, primaries_levels
from .methods.futility import predictive_power
from .methods.stagewise import StageWise
from .plan import AnalysisPlan
from .power import design_se
from .sequence import CoPrimaryLook, Sequential
from .sequential import (
    Level,
    Own,
    at_stop,
    final_boundary,
    information,
    level_of_look,
    passes,
)

NO_INFORMATION = 1e-6
"""Stands for the share of the planned information where nothing could be estimated."""


def planned_se(plan: AnalysisPlan, compared: Compared) -> float:
    """The standard error that a primary's minimum effect and the plan's power ask for.

    At the alpha that is left of the plan's when every test takes its part.
    """
    alpha = plan.alpha_both_sides / plan.n_tests
    return design_se(compared.minimum_effect, alpha, plan.power)


def look_level(plan: AnalysisPlan, compared: Mapping[str, Compared]) -> Level:
    """This look's level, with those of the co-primaries.

    The primary's information says how much alpha the look may spend; of the treatments, the least
    precise sets the pace for all. What a co-primary has to pass follows from its own information.
    """
    pace = _information(plan, compared[plan.primary.key])
    own = {
        each.key: level_of_look(
            plan, pace, plan.n_tests, Own(each.key, _information(plan, compared[each.key]))
        )
        for each in plan.co_primaries
    }
    return replace(level_of_look(plan, pace, plan.n_tests), co_primaries=own)


def _information(plan: AnalysisPlan, compared: Compared) -> float:
    found = compared.estimable.values()
    if not found:
        return NO_INFORMATION
    return information(planned_se(plan, compared), max(contrast.se for contrast in found))


def standing_at(
    plan: AnalysisPlan, compared: Compared, level: Level, bars: MetricLevel
) -> tuple[str, CoPrimaryLook]:
    """The treatment that leads on one of the primaries, and how it stands.

    Args:
        plan: which sides the experiment asks about.
        compared: the primary's or co-primary's contrasts; at least one could be estimated.
        level: its own.
        bars: what its intervals are made of.
    """
    found, sign = compared.estimable, compared.sign
    leading = max(found, key=lambda variant: sign * found[variant].z)
    z, bar = sign * found[leading].z, bars.z[leading]
    harm_low = min(harm_bound(compared, contrast, level) for contrast in found.values())
    return leading, CoPrimaryLook(
        metric=compared.metric.key,
        information_fraction=level.information,
        boundary_z=bar,
        z=z,
        crossed=not level.ad_hoc and passes(plan, z, bar),
        harm_low=harm_low,
        harm=bool(harm_low < 0),
    )


def sequential_at(
    plan: AnalysisPlan,
    compared: Mapping[str, Compared],
    level: Level,
    levels: Mapping[str, MetricLevel],
    chances: Mapping[tuple[str, str], float],
) -> Sequential:
    """What this look may conclude, and how each primary's leading treatment stands.

    The primary could be estimated; co-primaries that could not be are left out.
    """
    key = plan.primary.key
    leading, stands = standing_at(plan, compared[key], level, levels[key])
    return Sequential(
        look=plan.look,
        looks_planned=plan.looks_planned,
        information_fraction=level.information,
        alpha_spent=level.alpha_spent,
        boundary_z=stands.boundary_z,
        z=stands.z,
        crossed=stands.crossed,
        harm_low=stands.harm_low,
        harm=stands.harm,
        predictive_power=chances.get((key, leading)),
        co_primaries=tuple(
            standing_at(plan, compared[each.key], level.of(each.key), levels[each.key])[1]
            for each in plan.co_primaries
            if compared[each.key].estimable
        ),
    )


def stopped(
    plan: AnalysisPlan, compared: Compared, level: Level, bars: MetricLevel
) -> dict[str, StageWise | None]:
    """Per treatment, the estimate that allows for the looks; {} when there was one look only."""
    if len(level.looks) < 2:
        return {}
    found = {}
    for variant, contrast in compared.estimable.items():
        own, alpha = own_share(plan, level, compared.metric.key, bars.shares, variant)
        found[variant] = at_stop(own, contrast, alpha, plan.sides, compared.sign)
    return found


def chances_to_win(
    plan: AnalysisPlan, compared: Mapping[str, Compared], level: Level
) -> dict[tuple[str, str], float]:
    """Per primary and treatment, the chance that the last look still finds it better.

    Against the boundary that the last look will ask for at the share of alpha that the test is held
    to now: with Holm, tests that have passed leave more to the others. Information grows as the
    primary's is to grow. {}: not to be asked.
    """
    if level.final or level.ad_hoc or level.information >= 1:
        return {}
    if not compared[plan.primary.key].estimable:
        return {}
    family = {each.key: compared[each.key] for each in (plan.primary, *plan.co_primaries)}
    shares = _shares(plan, family, level)
    bars = {share: _last_bar(plan, level, share) for share in {plan.n_tests, *shares.values()}}
    return {
        (key, variant): predictive_power(
            contrast,
            level.information,
            each.prior.sd,
            bars[shares.get((key, variant), plan.n_tests)],
            each.sign,
        )
        for key, each in family.items()
        for variant, contrast in each.estimable.items()
    }


def _shares(
    plan: AnalysisPlan, family: Mapping[str, Compared], level: Level
) -> dict[tuple[str, str], int]:
    """By what alpha is divided for each test on a primary; {}: evenly."""
    if not plan.co_primaries:
        return {}
    found = primaries_levels(plan, level, {key: each.estimable for key, each in family.items()})
    return {
        (key, variant): share
        for key, each in found.items()
        for variant, share in each.shares.items()
    }


def _last_bar(plan: AnalysisPlan, level: Level, share: int) -> float:
    """What the last look will ask of a test that alpha is divided by ``share`` for."""
    if share != plan.n_tests:
        level = level_of_look(plan, level.information, share)
    return final_boundary(plan, level, share)


def with_chances(
    treatments: tuple[Treatment, ...], primary: str, chances: Mapping[tuple[str, str], float]
) -> tuple[Treatment, ...]:
    """The treatments with their chances to win, on the primary and on each co-primary."""
    return tuple(
        replace(
            each,
            predictive_power=chances.get((primary, each.variant)),
            co_primaries=tuple(
                replace(
                    on,
                    found=replace(on.found, predictive_power=chances.get((on.key, each.variant))),
                )
                for on in each.co_primaries
            ),
        )
        for each in treatments
    )
