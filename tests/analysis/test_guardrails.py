from dataclasses import replace

import pytest

from analysis.contrast import Contrast
from analysis.estimate import Compared
from analysis.guardrails import standing
from analysis.levels import one_level
from analysis.plan import MetricPlan

SPARED = MetricPlan("spared", "Spared", kind="mean", role="guardrail", margin=0.5)


def stand(effect, se, metric=SPARED, z=1.96):
    found = Contrast("welch", 99, 99, 99, 99, effect, 0.0, se**2 / 2, se**2 / 2, 0.0, 1e9)
    return standing(
        Compared(metric, "control", {"double": found}, 1.0),
        "double",
        one_level(["double"], z),
        3,
        0.9,
    )


@pytest.mark.parametrize(
    ("effect", "state"),
    [(0.0, "non-inferior"), (-0.4, "open"), (-0.71, "worse"), (-0.9, "harmed")],
)
def test_standing__less_is_better__is_the_mirror_image(effect, state):
    mirrored = replace(SPARED, direction="decrease")

    assert stand(effect, 0.1 if effect else 0.2).state == state
    assert stand(-effect, 0.1 if effect else 0.2, mirrored).state == state


def test_standing__margin_just_excluded__is_where_the_interval_ends():
    assert stand(-0.5 + 1.961 * 0.1, 0.1).state == "non-inferior"
    assert stand(-0.5 + 1.959 * 0.1, 0.1).state == "open"


def test_standing__so_imprecise_that_squares_overflow__names_no_number_of_units():
    assert stand(0.0, 1e140).times_the_units is None
    assert stand(0.0, 0.2).times_the_units == pytest.approx(
        (0.2 * (1.96 + 1.2816) / 0.5) ** 2, 1e-4
    )
