import numpy as np
import pytest
from statsmodels.stats.oneway import anova_oneway

from analysis.across.segments import differ
from analysis.contrast import Contrast
from analysis.methods import welch
from analysis.results import NotEstimable
from analysis.statistics.moments import Moments


def one_sample(values):
    """A contrast against a control that is known to be 0."""
    variance = values.var(ddof=1) / len(values)
    n = len(values)
    return Contrast("welch", n, n, n, n, values.mean(), 0.0, variance, 0.0, 0.0, n - 1)


def test_differ__means_with_unequal_variances__agrees_with_statsmodels():
    rng = np.random.default_rng(1)
    groups = [rng.normal(i / 4, 1 + i, 12 + 5 * i) for i in range(5)]

    found = differ({str(i): one_sample(values) for i, values in enumerate(groups)})

    theirs = anova_oneway(groups, use_var="unequal", welch_correction=True)
    assert found.f == pytest.approx(theirs.statistic, rel=1e-9)
    assert found.p_value == pytest.approx(theirs.pvalue, rel=1e-9)


def segments(rng, k, differing=0.0, n=25):
    found = {}
    for i in range(k):
        arms = [rng.normal(50 + arm * (1 + differing * i), 4 + i % 3, n) for arm in (0, 1)]
        found[f"s{i}"] = welch.estimate(*(Moments.of(("outcome",), a[:, None]) for a in arms))
    return found


@pytest.mark.parametrize("k", [2, 12])
def test_differ__same_effect_everywhere__rejects_as_often_as_it_says(k):
    rng = np.random.default_rng(2)
    rejected = sum(differ(segments(rng, k)).p_value < 0.05 for _ in range(1_000))

    assert 22 <= rejected <= 78


def test_differ__effects_that_grow__is_found():
    rng = np.random.default_rng(3)

    assert differ(segments(rng, 6, differing=2.0, n=60)).p_value < 1e-6


def test_differ__two_segments__is_welchs_test_of_their_difference():
    found = differ(segments(np.random.default_rng(4), 2))

    assert found.df == 1


def test_differ__one_segment__is_refused():
    assert isinstance(differ(segments(np.random.default_rng(5), 1)), NotEstimable)
