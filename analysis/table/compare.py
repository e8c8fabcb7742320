"""Compare: a table's contrasts, outcome by outcome and segment by segment."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

from analysis.across.segments import Omnibus, differ
from analysis.bayes.pooling import Pooled, pool
from analysis.bayes.prior import Prior
from analysis.bayes.segments import Scales
from analysis.checks.enough_units import n_units
from analysis.contrast import Contrast
from analysis.correct import holm
from analysis.estimate import OUT_OF_RANGE, SHARPEST_PRIOR, Compared, compare_all
from analysis.methods import compare, cupac
from analysis.methods.bayes_normal import segments_of
from analysis.plan import MetricPlan, MetricRole
from analysis.results import NotEstimable
from analysis.statistics.collected import OUTCOME, Statistic
from analysis.statistics.moments import Moments

from .gather import covariate_names
from .load import Loaded
from .request import Outcome, TableError, TableRequest
from .segments import EFFECT_PER_SPREAD


def compare_outcomes(loaded: Loaded, request: TableRequest) -> list[Compared]:
    """Every outcome's contrasts, the primary's first.

    Raises:
        TableError: an outcome that is no guardrail cannot be compared; says why and what to do.
    """
    found = []
    for number, outcome in enumerate(request.compared):
        metric = _metric(outcome, request, is_primary=number == 0)
        statistics = loaded.statistics[outcome.key]
        compared = compare_all(metric, loaded.variants, statistics)
        if len(request.covariates) > 1 and outcome.kind == "mean":
            control = statistics[request.control]
            contrasts = {
                variant: contrast_of(control, statistics[variant], request)
                for variant in compared.contrasts
            }
            compared = replace(compared, contrasts=contrasts)
        if metric.role != "guardrail":
            _refuse_not_estimable(compared, statistics)
        found.append(_with_floor(compared))
    return found


def _with_floor(compared: Compared) -> Compared:
    """A stated prior no sharper than a weak one may be: its square must not leave a double."""
    prior = compared.metric.prior
    if prior is None:
        return compared
    least = SHARPEST_PRIOR * max(each.se for each in compared.estimable.values())
    blunt = replace(prior, sd=max(prior.sd, least))
    return replace(compared, metric=replace(compared.metric, prior=blunt))


def contrast_of(
    control: Statistic, treatment: Statistic, request: TableRequest
) -> Contrast | NotEstimable:
    """The contrast by the method that fits, with all covariates."""
    names = covariate_names(request)
    several = len(names) > 1 and names[0] in control.columns
    if not (several and isinstance(control, Moments) and isinstance(treatment, Moments)):
        return compare(control, treatment)
    found = cupac.estimate(control, treatment, OUTCOME, names)
    if isinstance(found, Contrast) and not (isfinite(found.effect) and 0 < found.se < float("inf")):
        return OUT_OF_RANGE
    return found


def _metric(outcome: Outcome, request: TableRequest, is_primary: bool) -> MetricPlan:
    role: MetricRole = "secondary"
    if is_primary:
        role = "primary"
    elif outcome.is_guardrail:
        role = "guardrail"
    elif outcome.is_co_primary:
        role = "co_primary"
    stated = is_primary and request.prior is not None
    return MetricPlan(
        key=outcome.key,
        title=outcome.title or request.titles.get(outcome.key, outcome.key),
        kind="column",
        role=role,
        direction=outcome.direction,
        minimum_effect=request.minimum_effect if is_primary else outcome.minimum_effect,
        margin=outcome.margin,
        prior=Prior(sd=request.prior, source="stated") if stated and request.prior else None,
    )


def _refuse_not_estimable(compared: Compared, statistics: Mapping[str, Statistic]) -> None:
    for variant, found in compared.contrasts.items():
        if isinstance(found, NotEstimable):
            counts = [(each, n_units(statistics[each])) for each in (compared.control, variant)]
            few = [f"{each} has {n}" for each, n in counts if n < 2]
            which = f" ({', '.join(few)})" if few else ""
            raise TableError(f"{compared.metric.key}: {found.reason}{which}; {found.remedy}")


# --- segments


@dataclass(frozen=True)
class SegmentEffect:
    """One segment's effect as it stands alone, and drawn towards the others."""

    level: str
    alone: Contrast
    pooled: Pooled


@dataclass(frozen=True)
class BySegmentResult:
    """Whether one treatment's effect differs between the values of one column."""

    column: str
    variant: str
    omnibus: Omnibus | NotEstimable
    p_adjusted: float | None  # Holm, over all columns and treatments
    spread: float | None  # posterior mean of the effects' standard deviation
    effects: tuple[SegmentEffect, ...]
    left_out: dict[str, str]  # level -> why

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "column": self.column,
            "variant": self.variant,
            "omnibus": dict(vars(self.omnibus)),
            "p_adjusted": self.p_adjusted,
            "spread": self.spread,
            "effects": [
                {
                    "segment": each.level,
                    "n": each.alone.n,
                    "n_control": each.alone.n_control,
                    "estimate": each.alone.effect,
                    "se": each.alone.se,
                    "p_value": each.alone.p_value,
                    "pooled": each.pooled.mean,
                    "low": each.pooled.low,
                    "high": each.pooled.high,
                    "p_better": each.pooled.p_better,
                }
                for each in self.effects
            ],
            "left_out": dict(self.left_out),
        }


def compare_segments(
    loaded: Loaded, primary: Compared, request: TableRequest
) -> tuple[BySegmentResult, ...]:
    """The primary's effect by segment: one test a column, and effects with partial pooling."""
    found = [
        _by_segment(column, variant, levels, primary, request)
        for column, levels in loaded.segments.items()
        for variant in primary.estimable
    ]
    tested = [each for each in found if isinstance(each.omnibus, Omnibus)]
    p_values = [each.omnibus.p_value for each in tested if isinstance(each.omnibus, Omnibus)]
    adjusted = dict(zip(map(id, tested), holm(p_values), strict=True))
    return tuple(replace(each, p_adjusted=adjusted.get(id(each))) for each in found)


def _by_segment(
    column: str,
    variant: str,
    levels: Mapping[str, Mapping[str, Statistic]],
    primary: Compared,
    request: TableRequest,
) -> BySegmentResult:
    alone: dict[str, Contrast] = {}
    left_out = {}
    for level, statistics in levels.items():
        control, treatment = statistics.get(primary.control), statistics.get(variant)
        if control is None or treatment is None:
            left_out[level] = (
                f"nobody of {primary.control if control is None else variant} is in it"
            )
            continue
        contrast = contrast_of(control, treatment, request)
        if isinstance(contrast, NotEstimable):
            left_out[level] = contrast.reason
        else:
            alone[level] = contrast
    omnibus = differ(alone)
    if isinstance(omnibus, NotEstimable):
        return BySegmentResult(column, variant, omnibus, None, None, (), left_out)
    scale = EFFECT_PER_SPREAD * primary.spread if request.prior is None else primary.prior.sd
    pooling = pool(segments_of(alone), Scales.around(scale), sign=primary.sign)
    effects = tuple(
        SegmentEffect(level, contrast, pooled)
        for (level, contrast), pooled in zip(alone.items(), pooling.segments, strict=True)
    )
    spread = pooling.taus["segment"][0]
    return BySegmentResult(column, variant, omnibus, None, spread, effects, left_out)
