"""The report across experiments: effects by domain, and whether moving a score moved a KPI."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from analysis.across.pooled import pool, pool_by
from analysis.across.results import AcrossReport, DomainEffect, KpiSlope, Measure
from analysis.across.surrogate import PairedEffect, slope
from analysis.bayes.priors import PastEffect

EffectAndError = tuple[float, float]


@dataclass(frozen=True)
class PastExperiment:
    """What an experiment that is over did: metric -> treatment -> effect and standard error."""

    key: str
    domain: str
    effects: Mapping[str, Mapping[str, EffectAndError]]


def summarise(
    past: Sequence[PastExperiment], metric: Measure, kpis: Sequence[Measure]
) -> AcrossReport:
    """What the experiments say of the metric, by domain, and of the KPIs that go with it."""
    domain_of = {each.key: each.domain for each in past}
    effects = [
        PastEffect(each.key, effect, se)
        for each in past
        for effect, se in each.effects.get(metric.key, {}).values()
    ]
    by_domain = pool_by(effects, lambda effect: domain_of[effect.experiment])
    return AcrossReport(
        metric=metric,
        experiments=tuple(dict.fromkeys(effect.experiment for effect in effects)),
        overall=pool(effects),
        domains=tuple(DomainEffect(domain, found) for domain, found in by_domain.items()),
        kpis=tuple(
            KpiSlope(kpi, slope(pairs_of(past, metric.key, kpi.key)))
            for kpi in kpis
            if kpi.key != metric.key
        ),
    )


def pairs_of(past: Sequence[PastExperiment], metric: str, kpi: str) -> list[PairedEffect]:
    """What each experiment did to both, one pair an experiment.

    Treatments of one experiment share their control. They enter as one pair, their averages, with
    the average of their standard errors: the cautious end, as in ``pooled.pool``. How the errors of
    the two estimates go together is not stored, so it is taken as 0.
    """
    pairs = []
    for each in past:
        on_metric, on_kpi = each.effects.get(metric, {}), each.effects.get(kpi, {})
        both = [(*on_metric[arm], *on_kpi[arm]) for arm in on_metric if arm in on_kpi]
        if both:
            pairs.append(PairedEffect(each.key, *map(fmean, zip(*both, strict=True))))
    return pairs
