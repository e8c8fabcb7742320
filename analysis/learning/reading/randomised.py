"""What experiments found, said beside what was merely observed."""

from collections.abc import Iterable, Mapping
from typing import Any

from analysis.learning.reading.history import ExperimentEstimate


def read_estimates(plain: Iterable[Mapping[str, Any]]) -> tuple[ExperimentEstimate, ...]:
    """Estimates from plain values: ``title``, ``domain``, ``effect``, ``low``, ``high``.

    ``metric`` and ``unit_label`` may be given; without them the effect is in score points.
    """
    names = ExperimentEstimate.__dataclass_fields__
    return tuple(
        ExperimentEstimate(**{name: row[name] for name in names if name in row}) for row in plain
    )


def say_experiments(estimates: tuple[ExperimentEstimate, ...]) -> str:
    """The experiments' findings as a sentence that follows another; empty without experiments."""
    if not estimates:
        return ""
    found = "; ".join(
        f"{one.title} {one.effect:+.2g} {one.unit_label} of {one.metric} "
        f"(interval {one.low:+.2g} to {one.high:+.2g})"
        for one in estimates
    )
    return f" By experiment, so an effect: {found}."
