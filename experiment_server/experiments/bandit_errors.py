"""What a bandit is in a design, and what it cannot be."""

from collections.abc import Mapping
from typing import Any, Final

from analysis.metrics import METRIC_KINDS_BY_NAME
from experiment_server.experiments.designs.kind import Design
from experiment_server.metrics.models import Metric
from experiment_server.problems import FieldError

LOOK_AFTER_BATCHES: Final = 10


def bandit_of(design: Mapping[str, Any]) -> dict[str, Any] | None:
    """{every_days, floor, leader_share} of a design that is a bandit."""
    found: dict[str, Any] | None = (design.get("schedule") or {}).get("bandit")
    return found


def bandit_errors(wish: Design, metrics: Mapping[str, Metric]) -> list[FieldError]:
    """Windows that a batch cannot hold, floors that cannot be kept, designs that do not fit."""
    bandit = bandit_of(wish)
    if bandit is None:
        return []
    return [
        *_design_errors(wish, bandit),
        *(
            error
            for index, use in enumerate(wish["metrics"])
            if use["metric"] in metrics
            for error in _metric_errors(metrics[use["metric"]], bandit, f"metrics[{index}].metric")
        ),
    ]


def bandit_schedule(wish: Design) -> dict[str, int]:
    """One look, after ten batches, unless the wish says otherwise."""
    bandit = bandit_of(wish)
    if bandit is None:
        return {}
    return {"looks": 1, "first_after_days": LOOK_AFTER_BATCHES * bandit["every_days"]}


def _design_errors(wish: Design, bandit: Mapping[str, Any]) -> list[FieldError]:
    errors = []
    most = 1 / max(len(wish["variants"]), 1)
    if bandit["floor"] > most:
        expected = f"at most {most:.3g}, one over the number of variants"
        remedy = "A floor of a tenth suits most."
        errors.append(FieldError("schedule.bandit.floor", bandit["floor"], expected, remedy))
    looks = wish["schedule"].get("looks")
    if looks not in (None, 1):
        remedy = "Leave it out: a bandit is read once, and its shares move meanwhile."
        errors.append(FieldError("schedule.looks", str(looks), "1 for a bandit", remedy))
    for field, fits in (
        ("unit_kind", wish["unit_kind"] == "learner"),
        ("factors", not wish.get("factors")),
        ("crossover", not wish.get("crossover")),
        ("holdout_key", not wish.get("holdout_key")),
    ):
        if not fits:
            remedy = "Leave one of them out."
            expected = "learners in plain variants, with schedule.bandit"
            errors.append(FieldError(field, field, expected, remedy))
    return errors


def _metric_errors(metric: Metric, bandit: Mapping[str, Any], field: str) -> list[FieldError]:
    if metric.window_days > bandit["every_days"]:
        return [
            FieldError(
                field,
                f"{metric.key}, which looks at {metric.window_days} days",
                f"a metric whose window fits in a batch of {bandit['every_days']} days",
                "Make the batches longer, or choose a metric with a shorter window.",
            )
        ]
    if not METRIC_KINDS_BY_NAME[metric.kind].is_one_number:
        remedy = "Choose a count, a sum, a proportion or a score."
        found = f"{metric.key}, a {metric.kind}"
        return [FieldError(field, found, "a metric with one number a learner", remedy)]
    return []
