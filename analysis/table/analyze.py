"""analyze_table: the same comparison from any table, one row a unit."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from analysis.case import Guardrail
from analysis.checks import check_all
from analysis.checks.trust import Trust
from analysis.correct import holm
from analysis.decide import Evidence, decide
from analysis.estimate import Compared, estimate_metric
from analysis.evidence import guardrails_of, harm_bound, treatments_of, with_standing
from analysis.levels import MetricLevel, metric_levels, one_level
from analysis.methods.futility import predictive_power
from analysis.methods.stagewise import StageWise
from analysis.methods.survival import LogRank, log_rank
from analysis.plan import AnalysisPlan, PreviousLook
from analysis.planning import is_over, with_planning
from analysis.results import CheckResult, Estimate, MetricResult, Sequential
from analysis.sequential import Level, at_stop, final_boundary, level_of_look, level_of_one_look
from analysis.spending import parse, spent_by
from analysis.statistics.life import LifeTable

from .answer import TableAnswer
from .compare import compare_outcomes, compare_segments
from .load import Loaded, load_table
from .read import Source
from .request import Looks, TableError, TableRequest

if TYPE_CHECKING:
    import altair

_NO_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class TableAnalysis(TableAnswer):
    """What a table says: decision, checks, and every outcome of every treatment."""

    def summary(self, width: int = 100) -> str:
        """The same in words and a table, at most so many columns wide."""
        from .words import summary

        return summary(self, width)

    def plot(self) -> "altair.LayerChart | altair.VConcatChart":
        """A forest plot of every effect, and of each segment's when there are some."""
        from .plot import forest

        return forest(self)


@dataclass(frozen=True)
class _Reading:
    """Everything that the results are made of."""

    request: TableRequest
    loaded: Loaded
    compared: list[Compared]
    plan: AnalysisPlan
    level: Level
    levels: Mapping[str, MetricLevel]

    @property
    def primary(self) -> Compared:
        return self.compared[0]


@dataclass(frozen=True)
class _TableTrust(Trust):
    """Trust in a table whose units have a name of their own."""

    unit_label: str = ""

    @property
    def units(self) -> str:
        """What was randomised, in words."""
        return self.unit_label or super().units


def analyze_table(source: Source, request: TableRequest) -> TableAnalysis:
    """Decide from a table: the first outcome is the primary.

    With one look, intervals are two-sided at ``1 - alpha``, one by one, and the decision counts all
    treatments (Holm). With several, they are at the look's boundary.

    Args:
        source: a CSV or Parquet file, or a table of pandas, pyarrow or Ibis; one row a unit.
        request: which columns mean what, and what was planned.

    Raises:
        TableError: the table or the request cannot be analysed; the message says what to change.
    """
    request.refuse_contradictions()
    loaded = load_table(source, request)
    reading = _read(request, loaded, compare_outcomes(loaded, request))
    by_key = {each.metric.key: each for each in reading.compared}
    guardrails = guardrails_of(reading.plan, by_key, reading.level, reading.levels)
    metrics = tuple(
        with_standing(estimate_metric(each, reading.levels[each.metric.key]), guardrails)
        for each in reading.compared
    )
    p_adjusted = {} if request.looks else _adjust(metrics)
    checks = tuple(_with_advice(check, request) for check in check_all(_trust(loaded, request)))
    evidence = _evidence(reading, metrics, p_adjusted, guardrails, checks)
    decision = decide(evidence)
    if is_over(decision, evidence.final):
        metrics = (with_planning(metrics[0], _stopped(reading)), *metrics[1:])
    return TableAnalysis(
        decision=decision,
        checks=checks,
        metrics=metrics,
        p_adjusted=p_adjusted,
        alpha=request.alpha,
        titles={each: request.titles[each] for each in loaded.variants if each in request.titles},
        sequential=_sequential(reading) if request.looks else None,
        segments=compare_segments(loaded, reading.primary, request),
        log_ranks=_log_ranks(loaded, request),
    )


# --- levels


def _read(request: TableRequest, loaded: Loaded, compared: list[Compared]) -> _Reading:
    plan = _plan(request, loaded, compared)
    if request.looks is None:
        level = level_of_one_look(request.alpha)
        levels = {
            each.metric.key: one_level(tuple(each.contrasts), level.boundary_z) for each in compared
        }
        return _Reading(request, loaded, compared, plan, level, levels)
    level = level_of_look(plan, request.looks.fractions[-1], len(loaded.variants) - 1)
    contrasts = {each.metric.key: each.estimable for each in compared}
    return _Reading(request, loaded, compared, plan, level, metric_levels(plan, level, contrasts))


def _plan(request: TableRequest, loaded: Loaded, compared: list[Compared]) -> AnalysisPlan:
    """The plan that the levels are made for; time plays no part in a table."""
    looks = request.looks or Looks(1, 1)
    try:
        parse(looks.spending)
    except ValueError as error:
        raise TableError(f"--{error}") from error
    weights = _weights(loaded, request)
    return AnalysisPlan(
        experiment="table",
        title="",
        domain="",
        unit_kind="team" if request.cluster else "learner",
        variants=loaded.variants,
        weights=tuple(weights[each] / sum(weights.values()) for each in loaded.variants),
        metrics=tuple(each.metric for each in compared),
        started_at=_NO_TIME,
        as_of=_NO_TIME,
        look=looks.look,
        looks_planned=looks.planned,
        final=looks.look == looks.planned,
        previous_looks=_previous(looks, request.alpha, len(loaded.variants) - 1),
        alpha=request.alpha,
        spending=looks.spending,
    )


def _previous(looks: Looks, alpha: float, n_treatments: int) -> tuple[PreviousLook, ...]:
    """What the looks before have spent, by the same rule."""
    found: list[PreviousLook] = []
    for look, share in enumerate(looks.fractions[:-1], start=1):
        clock = min(share, look / looks.planned)
        spent = n_treatments * spent_by(looks.spending, alpha / n_treatments, clock)
        found.append(PreviousLook(look, share, spent))
    return tuple(found)


def _sequential(reading: _Reading) -> Sequential:
    primary, level = reading.primary, reading.level
    bars = reading.levels[primary.metric.key]
    found = primary.estimable
    leading = max(found, key=lambda variant: primary.sign * found[variant].z)
    harm = min(harm_bound(primary, contrast, level) for contrast in found.values())
    return Sequential(
        look=reading.plan.look,
        looks_planned=reading.plan.looks_planned,
        information_fraction=level.information,
        alpha_spent=level.alpha_spent,
        boundary_z=bars.z[leading],
        z=primary.sign * found[leading].z,
        crossed=abs(found[leading].z) > bars.z[leading],
        harm_low=harm,
        harm=harm < 0,
        predictive_power=_chances(reading).get(leading),
    )


def _chances(reading: _Reading) -> dict[str, float]:
    """Per treatment, the chance that the last look still names it a winner; {}: no look is left."""
    level, primary = reading.level, reading.primary
    if level.final or level.information >= 1:
        return {}
    bar = final_boundary(reading.plan, level, len(reading.loaded.variants) - 1)
    return {
        variant: predictive_power(contrast, level.information, primary.prior.sd, bar, primary.sign)
        for variant, contrast in primary.estimable.items()
    }


def _stopped(reading: _Reading) -> dict[str, StageWise | None]:
    if len(reading.level.looks) < 2:
        return {}
    alpha = reading.plan.alpha / (len(reading.loaded.variants) - 1)
    return {
        variant: at_stop(reading.level, contrast, alpha, "two", reading.primary.sign)
        for variant, contrast in reading.primary.estimable.items()
    }


# --- the decision


def _evidence(
    reading: _Reading,
    metrics: tuple[MetricResult, ...],
    p_adjusted: Mapping[tuple[str, str], float],
    guardrails: Mapping[str, Mapping[str, Guardrail]],
    checks: tuple[CheckResult, ...],
) -> Evidence:
    alpha, key = reading.request.alpha, metrics[0].key
    chances = _chances(reading)
    treatments = []
    for each in treatments_of(reading.compared, metrics, reading.level, alpha, guardrails):
        counts = p_adjusted.get((key, each.variant), 0.0) < alpha
        treatments.append(
            replace(
                each,
                wins=each.wins and counts,
                loses=each.loses and counts,
                predictive_power=chances.get(each.variant),
            )
        )
    return Evidence(
        metric=metrics[0].title,
        unit_label="",
        control=reading.request.control,
        checks=checks,
        treatments=tuple(treatments),
        not_estimable="",
        information=reading.level.information,
        minimum_effect=reading.primary.minimum_effect,
        final=reading.level.final,
        care=reading.primary.no_concern,
        titles=reading.request.titles,
    )


def _with_advice(check: CheckResult, request: TableRequest) -> CheckResult:
    """A file does not say what was planned: nine to one is no fault where it was meant."""
    if check.name != "sample_ratio" or check.passed or request.weights:
        return check
    advice = "Equal shares were taken for the plan; if others were planned, name them: --weights."
    return replace(check, sentence=f"{check.sentence} {advice}")


def _adjust(metrics: tuple[MetricResult, ...]) -> dict[tuple[str, str], float]:
    """Each outcome's p values, adjusted for its several treatments."""
    adjusted = {}
    for metric in metrics:
        estimates = [e for e in metric.estimates if isinstance(e, Estimate)]
        p_values = holm([estimate.p_value for estimate in estimates])
        for estimate, p_value in zip(estimates, p_values, strict=True):
            adjusted[metric.key, estimate.variant] = p_value
    return adjusted


def _weights(loaded: Loaded, request: TableRequest) -> dict[str, float]:
    return request.weights or dict.fromkeys(loaded.variants, 1.0)


def _trust(loaded: Loaded, request: TableRequest) -> Trust:
    weights = _weights(loaded, request)
    return _TableTrust(
        variants=loaded.variants,
        weights=tuple(weights[variant] for variant in loaded.variants),
        unit_kind="team" if request.cluster else "learner",
        n_exposed=loaded.n_units,
        n_crossed=loaded.n_crossed,
        primary=loaded.statistics[request.primary.key],
        final=True,
        n_missing=loaded.n_missing,
        unit_label=request.unit_label,
    )


def _log_ranks(loaded: Loaded, request: TableRequest) -> dict[tuple[str, str], LogRank]:
    """The test over the whole curve, beside each mean time."""
    found = {}
    for outcome in request.compared:
        statistics = loaded.statistics[outcome.key]
        control = statistics[request.control]
        for variant in loaded.variants[1:]:
            treatment = statistics[variant]
            if isinstance(control, LifeTable) and isinstance(treatment, LifeTable):
                test = log_rank(control, treatment)
                if isinstance(test, LogRank):
                    found[outcome.key, variant] = test
    return found
