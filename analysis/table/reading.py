"""Reading: the plan and the levels that a table's results are made of, as a readout's are."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from analysis.correct import bonferroni
from analysis.estimate import Compared, with_estimates
from analysis.levels import MetricLevel, is_one_look, metric_levels
from analysis.look import sequential_at, stopped
from analysis.methods.stagewise import StageWise
from analysis.plan import AnalysisPlan, PreviousLook
from analysis.results import Estimate, MetricResult, Sequential
from analysis.sequential import Level, level_of_look
from analysis.spending import parse, spent_by

from .cells import factors_of
from .load import Loaded
from .request import Looks, TableError, TableRequest

_NO_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Reading:
    """Everything that the results are made of."""

    request: TableRequest
    loaded: Loaded
    compared: Mapping[str, Compared]  # by outcome, the primary first
    plan: AnalysisPlan
    level: Level
    levels: Mapping[str, MetricLevel]

    @property
    def primary(self) -> Compared:
        """What the decision is about."""
        return self.compared[self.plan.primary.key]


def read_table(request: TableRequest, loaded: Loaded, compared: list[Compared]) -> Reading:
    """The plan that the request stands for, and how far from 0 each outcome has to be.

    Raises:
        TableError: there is no such way to spend alpha.
    """
    looks = request.looks or Looks(1, 1)
    plan = _plan(request, looks, loaded, compared)
    level = level_of_look(plan, looks.fractions[-1], plan.n_tests)
    contrasts = {each.metric.key: each.estimable for each in compared}
    levels = metric_levels(plan, level, contrasts)
    by_key = {each.metric.key: each for each in compared}
    return Reading(request, loaded, by_key, plan, level, levels)


def planned_weights(request: TableRequest, loaded: Loaded) -> dict[str, float]:
    """The shares of the draw: equal ones where none were named."""
    return request.weights or dict.fromkeys(loaded.variants, 1.0)


def with_adjusted_p(result: MetricResult, reading: Reading) -> MetricResult:
    """With one look every estimate has the p value of the test that its interval inverts."""
    if not is_one_look(reading.plan):
        return result
    sign = reading.compared[result.key].sign

    def adjusted(each: Estimate) -> Estimate:
        alone = each.p_value
        if reading.plan.sides == "one" and result.role != "secondary":
            alone = alone / 2 if sign * each.effect >= 0 else 1 - alone / 2
        if result.correction == "bonferroni":
            (alone, *_) = bonferroni([alone] * reading.plan.n_tests)
        # An integral leaves no digits of the smallest p values; none is below the test's alone.
        return replace(each, p_adjusted=max(alone, each.p_adjusted or 0.0))

    return with_estimates(result, adjusted)


def sequential_of(reading: Reading, chances: Mapping[tuple[str, str], float]) -> Sequential:
    """What this look may conclude, and how each primary's leading treatment stands."""
    return sequential_at(reading.plan, reading.compared, reading.level, reading.levels, chances)


def stopped_of(reading: Reading, key: str) -> dict[str, StageWise | None]:
    """Per treatment, the estimate that allows for the looks; {} when there was one look only."""
    return stopped(reading.plan, reading.compared[key], reading.level, reading.levels[key])


# --- the plan


def _plan(
    request: TableRequest, looks: Looks, loaded: Loaded, compared: list[Compared]
) -> AnalysisPlan:
    """The plan that the levels are made for; time plays no part in a table."""
    try:
        parse(looks.spending)
    except ValueError as error:
        raise TableError(f"--{error}") from error
    weights = planned_weights(request, loaded)
    plan = AnalysisPlan(
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
        alpha=request.alpha,
        spending=looks.spending,
        sides=request.sides,
        factors=factors_of(loaded.cells, request),
        cells=loaded.cells,
    )
    return replace(plan, previous_looks=_previous(looks, plan))


def _previous(looks: Looks, plan: AnalysisPlan) -> tuple[PreviousLook, ...]:
    """What the looks before have spent, by the same rule."""
    found: list[PreviousLook] = []
    sides = 2 if plan.sides == "two" else 1
    for look, share in enumerate(looks.fractions[:-1], start=1):
        clock = min(share, look / looks.planned)
        each = spent_by(looks.spending, plan.alpha / plan.n_tests, clock, sides)
        found.append(PreviousLook(look, share, plan.n_tests * each))
    return tuple(found)
