"""analyze_table: the same comparison from any table, one row a unit."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from analysis.case import Guardrail
from analysis.checks import check_all
from analysis.checks.trust import Trust
from analysis.decide import Evidence, decide
from analysis.estimate import estimate_metric
from analysis.evidence import guardrails_of, treatments_of, with_standing
from analysis.look import chances_to_win, with_chances
from analysis.methods.survival import LogRank, log_rank
from analysis.planning import is_over, with_planning
from analysis.results import CheckResult, MetricResult
from analysis.statistics.life import LifeTable

from .answer import TableAnswer
from .compare import compare_outcomes, compare_segments
from .designs import designed, share_beliefs
from .load import Loaded, load_table
from .read import Source
from .reading import (
    Reading,
    planned_weights,
    read_table,
    sequential_of,
    stopped_of,
    with_adjusted_p,
)
from .request import TableRequest

if TYPE_CHECKING:
    import altair


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
class _TableTrust(Trust):
    """Trust in a table whose units have a name of their own."""

    unit_label: str = ""

    @property
    def units(self) -> str:
        """What was randomised, in words."""
        return self.unit_label or super().units


def analyze_table(source: Source, request: TableRequest) -> TableAnalysis:
    """Decide from a table: the first outcome is the primary.

    Intervals and decision use one level, as a readout's do: Dunnett over the treatments of the
    primary (Holm over all of them and the co-primaries), Benjamini-Hochberg over secondaries, all
    of alpha for each guardrail; with several looks, what the look's boundary leaves.

    Args:
        source: a CSV or Parquet file, or a table of pandas, pyarrow or Ibis; one row a unit.
        request: which columns mean what, and what was planned.

    Raises:
        TableError: the table or the request cannot be analysed; the message says what to change.
    """
    request.refuse_contradictions()
    loaded = load_table(source, request)
    reading = read_table(request, loaded, compare_outcomes(loaded, request))
    plan = reading.plan
    guardrails = guardrails_of(plan, reading.compared, reading.level, reading.levels)
    metrics = tuple(
        with_adjusted_p(
            with_standing(estimate_metric(each, reading.levels[key]), guardrails), reading
        )
        for key, each in reading.compared.items()
    )
    checks = tuple(_with_advice(check, request) for check in check_all(_trust(loaded, request)))
    chances = chances_to_win(plan, reading.compared, reading.level)
    evidence = _evidence(reading, metrics, chances, guardrails, checks)
    decision = decide(evidence)
    if is_over(decision, evidence.final):
        metrics = tuple(
            with_planning(each, stopped_of(reading, each.key))
            if each.role in ("primary", "co_primary")
            else each
            for each in metrics
        )
    effects, compliers = designed(plan, reading.level, loaded)
    return TableAnalysis(
        decision=decision,
        checks=checks,
        metrics=metrics,
        alpha=request.alpha,
        sides=request.sides,
        titles={each: request.titles[each] for each in loaded.variants if each in request.titles},
        sequential=sequential_of(reading, chances) if request.looks else None,
        segments=compare_segments(loaded, reading.primary, request),
        log_ranks=_log_ranks(loaded, request),
        share_beliefs=share_beliefs(reading.compared, request),
        caps=loaded.caps,
        factor_effects=effects,
        on_compliers=compliers,
    )


# --- the decision


def _evidence(
    reading: Reading,
    metrics: tuple[MetricResult, ...],
    chances: Mapping[tuple[str, str], float],
    guardrails: Mapping[str, Mapping[str, Guardrail]],
    checks: tuple[CheckResult, ...],
) -> Evidence:
    plan, primary = reading.plan, reading.primary
    treatments = treatments_of(
        list(reading.compared.values()), metrics, reading.level, plan.alpha, guardrails, plan.sides
    )
    return Evidence(
        metric=metrics[0].title,
        unit_label="",
        control=plan.control,
        checks=checks,
        treatments=with_chances(treatments, plan.primary.key, chances),
        not_estimable="",
        information=reading.level.information,
        minimum_effect=primary.minimum_effect,
        final=reading.level.final,
        care=primary.no_concern,
        titles=reading.request.titles,
    )


def _with_advice(check: CheckResult, request: TableRequest) -> CheckResult:
    """A file does not say what was planned: nine to one is no fault where it was meant."""
    if check.name != "sample_ratio" or check.passed or request.weights:
        return check
    advice = "Equal shares were taken for the plan; if others were planned, name them: --weights."
    return replace(check, sentence=f"{check.sentence} {advice}")


def _trust(loaded: Loaded, request: TableRequest) -> Trust:
    weights = planned_weights(request, loaded)
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
