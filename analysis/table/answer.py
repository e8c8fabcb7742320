"""TableAnswer: what a table says, and the same as plain JSON values."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from analysis.designed import FactorEffect, OnCompliers
from analysis.methods.beta_binomial import FLAT, ShareBelief
from analysis.methods.survival import LogRank
from analysis.results import (
    CheckResult,
    Decision,
    Estimate,
    MetricResult,
    NotEstimable,
    Sequential,
)

from .cap import Cap
from .compare import BySegmentResult


@dataclass(frozen=True)
class TableAnswer:
    """What a table says: decision, checks, and every outcome of every treatment."""

    decision: Decision
    checks: tuple[CheckResult, ...]
    metrics: tuple[MetricResult, ...]
    alpha: float = 0.05
    sides: Literal["two", "one"] = "two"
    titles: dict[str, str] = field(default_factory=dict)  # variant -> title
    sequential: Sequential | None = None  # None: one look
    segments: tuple[BySegmentResult, ...] = ()
    log_ranks: dict[tuple[str, str], LogRank] = field(default_factory=dict)
    share_beliefs: dict[tuple[str, str], ShareBelief] = field(default_factory=dict)  # of 0 or 1
    caps: dict[str, Cap] = field(default_factory=dict)  # by column
    factor_effects: tuple[FactorEffect, ...] = ()
    on_compliers: tuple[OnCompliers, ...] = ()

    @property
    def estimates(self) -> tuple[Estimate, ...]:
        """All estimates, outcome by outcome."""
        return tuple(e for m in self.metrics for e in m.estimates if isinstance(e, Estimate))

    @property
    def p_adjusted(self) -> dict[tuple[str, str], float]:
        """(outcome, variant) -> p value of the test its interval inverts; {}: several looks."""
        return {
            (each.metric, each.variant): each.p_adjusted
            for each in self.estimates
            if each.p_adjusted is not None
        }

    def name(self, variant: str) -> str:
        """The variant's title with its key, for people."""
        title = self.titles.get(variant, variant)
        return variant if title == variant else f"{title} ({variant})"

    def to_json(self) -> dict[str, Any]:
        """One object of plain JSON values."""
        decision = self.decision
        return {
            "decision": str(decision.verdict),
            "reason": decision.reason,
            "winner": decision.winner,
            "rule": decision.rule,
            "would_change": decision.would_change,
            "arms": [asdict(arm) for arm in decision.arms],
            "take_out": list(decision.take_out),
            "tied": list(decision.tied),
            "alpha": self.alpha,
            "sides": self.sides,
            "health": [asdict(check) for check in self.checks],
            "results": [
                self._result(metric, each)
                for metric in self.metrics
                for each in metric.estimates
                if isinstance(each, Estimate)
            ],
            "not_estimable": [
                {"outcome": metric.key, **asdict(each)}
                for metric in self.metrics
                for each in metric.estimates
                if isinstance(each, NotEstimable)
            ],
            "sequential": None if self.sequential is None else asdict(self.sequential),
            "segments": [each.to_json() for each in self.segments],
            "caps": {column: asdict(cap) for column, cap in self.caps.items()},
            "factor_effects": [asdict(each) for each in self.factor_effects],
            "on_compliers": [asdict(each) for each in self.on_compliers],
        }

    def _result(self, metric: MetricResult, estimate: Estimate) -> dict[str, Any]:
        key = estimate.metric, estimate.variant
        test, belief = self.log_ranks.get(key), self.share_beliefs.get(key)
        return {
            "outcome": estimate.metric,
            "title": metric.title,
            "role": metric.role,
            "direction": metric.direction,
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
            "p_adjusted": estimate.p_adjusted,
            "correction": metric.correction,
            "relative": asdict(estimate.relative),
            "posterior": asdict(estimate.posterior),
            "beta_binomial": None if belief is None else {**asdict(belief), "prior": list(FLAT)},
            "variance_reduction": estimate.variance_reduction,
            "guardrail": estimate.guardrail or None,
            "margin": metric.margin,
            "planning": None if estimate.planning is None else asdict(estimate.planning),
            "teams": None if estimate.teams is None else asdict(estimate.teams),
            "log_rank": None if test is None else dict(test._asdict()),
        }
