import numpy as np
import pytest

from analysis.checks import outliers
from analysis.checks.trust import Trust
from analysis.statistics.moments import Moments


def moments(planned, other):
    return Moments.of(("outcome", "other_cap"), np.column_stack([planned, other]))


def trust(control, treatment, **changes):
    values = {
        "variants": ("control", "double"),
        "weights": (0.5, 0.5),
        "unit_kind": "learner",
        "n_exposed": {"control": 500, "double": 500},
        "n_crossed": 0,
        "primary": {"control": moments(*control), "double": moments(*treatment)},
        "final": False,
    }
    return Trust(**{**values, **changes})


def amounts(seed, shift=0.0):
    return np.random.default_rng(seed).normal(10 + shift, 3, 500)


def with_cap(values):
    return values, np.minimum(values, np.quantile(values, 0.99))


def test_outliers__ordinary_outcomes__pass():
    found = outliers.run(trust(with_cap(amounts(1)), with_cap(amounts(2, 0.6))))

    assert found.passed
    assert set(found.details["z"]["double"]) == {"as_planned", "other_cap"}


def test_outliers__three_learners_hide_an_effect__warns():
    treatment = amounts(2, 1.0)
    control = amounts(1)
    control[:3] = 4_000

    found = outliers.run(trust(with_cap(control), with_cap(treatment)))

    assert not found.passed
    assert "double" in found.sentence
    assert abs(found.details["z"]["double"]["as_planned"]) < 1.96
    assert found.details["z"]["double"]["other_cap"] > 1.96


def test_outliers__the_bar_of_an_early_look__is_what_counts():
    control, treatment = amounts(1), amounts(2, 1.0)
    control[:3] = 4_000
    pair = with_cap(control), with_cap(treatment)

    assert outliers.run(trust(*pair, boundary_z=7.5)).passed


def test_outliers__narrowly_either_side_of_the_bar__says_nothing():
    pair = with_cap(amounts(1)), with_cap(amounts(2, 0.6))
    z = outliers.run(trust(*pair)).details["z"]["double"]
    between = (z["as_planned"] + z["other_cap"]) / 2

    assert outliers.run(trust(*pair, boundary_z=abs(between))).passed


@pytest.mark.parametrize("columns", [("outcome",), ("outcome", "covariate")])
def test_outliers__what_cannot_be_capped__does_not_apply(columns):
    rows = np.random.default_rng(0).normal(0, 1, (50, len(columns)))
    each = Moments.of(columns, rows)
    primary = {"control": each, "double": each}

    assert outliers.run(trust((rows[:, 0],) * 2, (rows[:, 0],) * 2, primary=primary)) is None
