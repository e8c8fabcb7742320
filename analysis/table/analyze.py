"""analyze_table: the same comparison from any CSV or Parquet file, one row a unit."""

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from analysis.checks import check_all
from analysis.checks.trust import Trust
from analysis.correct import holm
from analysis.decide import Evidence, decide
from analysis.estimate import compare_all, estimate_metric
from analysis.evidence import treatments_of
from analysis.levels import one_level
from analysis.plan import MetricPlan
from analysis.results import CheckResult, Decision, Estimate, MetricResult, NotEstimable
from analysis.sequential import level_of_one_look

from .load import LARGEST, Loaded, load_table
from .request import TableError, TableRequest


@dataclass(frozen=True)
class TableAnalysis:
    """What a table says: decision, checks, and every outcome of every treatment."""

    decision: Decision
    checks: tuple[CheckResult, ...]
    metrics: tuple[MetricResult, ...]
    p_adjusted: dict[tuple[str, str], float] = field(default_factory=dict)

    @property
    def estimates(self) -> tuple[Estimate, ...]:
        """All estimates, outcome by outcome."""
        return tuple(e for m in self.metrics for e in m.estimates if isinstance(e, Estimate))

    def to_json(self) -> dict[str, Any]:
        """One object of plain JSON values."""
        return {
            "decision": str(self.decision.verdict),
            "reason": self.decision.reason,
            "winner": self.decision.winner,
            "rule": self.decision.rule,
            "would_change": self.decision.would_change,
            "health": [asdict(check) for check in self.checks],
            "results": [self._result(estimate) for estimate in self.estimates],
        }

    def _result(self, estimate: Estimate) -> dict[str, Any]:
        posterior = estimate.posterior
        return {
            "outcome": estimate.metric,
            "variant": estimate.variant,
            "control": estimate.control,
            "method": estimate.method,
            "n": estimate.n_learners,
            "n_control": estimate.n_learners_control,
            "mean": estimate.mean,
            "mean_control": estimate.mean_control,
            "estimate": estimate.effect,
            "se": estimate.se,
            "df": estimate.df,
            "low": estimate.low,
            "high": estimate.high,
            "p_value": estimate.p_value,
            "p_adjusted": self.p_adjusted[estimate.metric, estimate.variant],
            "relative": asdict(estimate.relative),
            "posterior": asdict(posterior),
            "variance_reduction": estimate.variance_reduction,
            "teams": None if estimate.teams is None else asdict(estimate.teams),
        }


def analyze_table(path: Path, request: TableRequest, alpha: float = 0.05) -> TableAnalysis:
    """Decide from a finished table: one look, and the first outcome is the primary.

    Intervals are two-sided at ``1 - alpha``, one by one; the decision counts all treatments (Holm).

    Raises:
        TableError: the file or the request cannot be analysed; the message says what to change.
    """
    if request.minimum_effect is not None and not abs(request.minimum_effect) <= LARGEST:
        raise TableError(
            f"--minimum-effect: found {request.minimum_effect}, expected a finite number"
        )
    loaded = load_table(path, request)
    level = level_of_one_look(alpha)
    compared = [
        compare_all(_metric(request, name, number), loaded.variants, loaded.statistics[name])
        for number, name in enumerate(request.outcomes)
    ]
    for each in compared:
        for found in each.contrasts.values():
            if isinstance(found, NotEstimable):
                raise TableError(f"{each.metric.key}: {found.reason}; {found.remedy}")
    metrics = tuple(
        estimate_metric(each, one_level(tuple(each.contrasts), level.boundary_z))
        for each in compared
    )
    p_adjusted = _adjust(metrics)
    treatments = tuple(
        replace(
            treatment,
            wins=treatment.wins and p_adjusted[metrics[0].key, treatment.variant] < alpha,
            loses=treatment.loses and p_adjusted[metrics[0].key, treatment.variant] < alpha,
        )
        for treatment in treatments_of(compared, metrics, level, alpha)
    )
    checks = tuple(_with_advice(check, request) for check in check_all(_trust(loaded, request)))
    evidence = Evidence(
        metric=metrics[0].title,
        unit_label="",
        control=request.control,
        checks=checks,
        treatments=treatments,
        not_estimable="",
        information=level.information,
        minimum_effect=compared[0].minimum_effect,
        final=True,
        care=compared[0].no_concern,
    )
    return TableAnalysis(decide(evidence), checks, metrics, p_adjusted)


def _metric(request: TableRequest, name: str, number: int) -> MetricPlan:
    return MetricPlan(
        key=name,
        title=name,
        kind="column",
        role="primary" if number == 0 else "secondary",
        minimum_effect=request.minimum_effect if number == 0 else None,
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


def _trust(loaded: Loaded, request: TableRequest) -> Trust:
    weights = request.weights or dict.fromkeys(loaded.variants, 1.0)
    return Trust(
        variants=loaded.variants,
        weights=tuple(weights[variant] for variant in loaded.variants),
        unit_kind="team" if request.cluster else "learner",
        n_exposed=loaded.n_units,
        n_crossed=loaded.n_crossed,
        primary=loaded.statistics[request.outcomes[0]],
        final=True,
        n_missing=loaded.n_missing,
    )
