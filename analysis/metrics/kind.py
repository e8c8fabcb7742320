"""What a kind of metric is: how a learner's events in a window become one number."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from ibis.expr import types as ir

from analysis.energize.facts import Window
from analysis.energize.norms import Norms
from analysis.kinds import is_known
from analysis.plan import MetricPlan

OUTCOME: Final = "outcome"
EXAMPLES: Final = {"denominator_kinds": '("session_started",)', "quantile": "0.5"}


@dataclass(frozen=True)
class InWindow:
    """The events of all learners beside one window: what a kind aggregates."""

    metric: MetricPlan
    events: ir.Table  # with kind, value, and at_us: microseconds since 1970
    window: Window


@dataclass(frozen=True)
class PerLearner:
    """One row per learner with the kind's aggregates: what a kind turns into values.

    Of a learner without such events a count is 0; a sum, a bitmap or a time may be missing.
    """

    metric: MetricPlan
    row: ir.Table
    prefix: str  # of the window whose aggregates are read
    norms: Norms | None


Aggregates = Callable[[InWindow], Mapping[str, ir.Value]]
Values = Callable[[PerLearner], Mapping[str, ir.Value]]


@dataclass(frozen=True)
class MetricKind:
    """One way to compute an outcome; the covariate is the same in the window before exposure.

    Attributes:
        name: what a plan's ``kind`` says.
        meaning: what the number is, per learner.
        aggregates: the tallies of one learner's events, each a reduction of which
            ``analysis.tallies`` knows how parts are put together; every name begins with the
            window's prefix.
        values: the number, under ``outcome``, and the parts that are shown beside it.
        needs_kinds: the plan must name event kinds.
        needs_norms: the plan must name a score version.
        can_cap: a cap makes sense.
        needs: other fields of the plan's metric that must be given.
        collects: the statistic it is judged by: moments (or team sums) of one number a learner, a
            life table, or a quantile.
        team_remedy: what to use instead when teams were randomised; empty: it fits teams too.
    """

    name: str
    meaning: str
    aggregates: Aggregates
    values: Values
    needs_kinds: bool = True
    needs_norms: bool = False
    can_cap: bool = True
    needs: tuple[str, ...] = ()
    collects: Literal["moments", "life", "quantile"] = "moments"
    team_remedy: str = ""

    @property
    def is_one_number(self) -> bool:
        """Whether each learner has one number by itself: not so of a ratio's two, or a quantile."""
        return self.collects == "moments" and not self.needs

    def check(self, metric: MetricPlan, norms: Norms | None) -> None:
        """Refuse a metric that this kind cannot compute.

        Raises:
            ValueError: names the field, what was found and what would be right.
        """
        if self.needs_kinds and not metric.event_kinds:
            raise ValueError(
                f"metric {metric.key}: event_kinds is empty, but kind {self.name} needs at least "
                'one, for example ("challenge_completed",)'
            )
        for name in self.needs:
            if not getattr(metric, name):
                raise ValueError(
                    f"metric {metric.key}: {name} is {getattr(metric, name)!r}, but kind "
                    f"{self.name} needs it, for example {EXAMPLES[name]}"
                )
        if metric.quantile is not None and not 0 < metric.quantile < 1:
            raise ValueError(
                f"metric {metric.key}: quantile is {metric.quantile:g}, expected a share between 0 "
                "and 1, for example 0.5 for the median"
            )
        _refuse_unknown_kinds(metric)
        if self.needs_norms and norms is None:
            raise ValueError(
                f"metric {metric.key}: kind {self.name} needs the score's norms; calibrate first "
                "and name the version in the plan's score_version"
            )
        _check_limits(metric, self)
        if metric.window_days < 1:
            raise ValueError(
                f"metric {metric.key}: window_days is {metric.window_days}, expected at least 1"
            )


def _check_limits(metric: MetricPlan, kind: MetricKind) -> None:
    for name in ("floor", "cap", "cap_quantile"):
        limit = getattr(metric, name)
        if limit is not None and not kind.can_cap:
            raise ValueError(
                f"metric {metric.key}: {name} is {limit:g}, but kind {kind.name} is bounded by "
                f"itself; leave the {name} out"
            )
    if metric.cap_quantile is not None and not 0.5 < metric.cap_quantile < 1:
        raise ValueError(
            f"metric {metric.key}: cap_quantile is {metric.cap_quantile:g}, expected a share above "
            "0.5 and below 1, for example 0.99"
        )
    if metric.floor is not None and metric.cap is not None and metric.floor >= metric.cap:
        raise ValueError(
            f"metric {metric.key}: floor is {metric.floor:g}, expected less than the cap, "
            f"{metric.cap:g}"
        )


def refuse_teams(metric: MetricPlan, kind: MetricKind) -> None:
    """Refuse a kind that cannot judge teams.

    Raises:
        ValueError: names the kind and what to use instead.
    """
    if kind.team_remedy:
        raise ValueError(
            f"metric {metric.key}: kind {kind.name} takes learners as independent, but teams were "
            f"randomised; {kind.team_remedy}"
        )


def _refuse_unknown_kinds(metric: MetricPlan) -> None:
    for name in ("event_kinds", "denominator_kinds"):
        for kind in getattr(metric, name):
            if not is_known(kind):
                raise ValueError(
                    f"metric {metric.key}: {name} holds {kind!r}, which no event can have; "
                    "use a kind of analysis.kinds.KINDS or custom:<name>"
                )


def no_parts(value: ir.Value) -> Mapping[str, ir.Value]:
    """The values of a kind that shows nothing beside its outcome."""
    return {OUTCOME: value}
