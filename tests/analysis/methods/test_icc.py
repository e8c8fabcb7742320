import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from statsmodels.formula.api import ols

from analysis.methods import icc
from analysis.results import NotEstimable
from analysis.statistics.clusters import ClusterSums
from tests.oracles.rscript import values

BALANCED = values("clusters")["balanced"]


def sums_of(team, outcome):
    """Team sums of learners in memory."""
    team, outcome = np.asarray(team), np.asarray(outcome, dtype=float)
    names = np.unique(team)
    parts = [outcome[team == name] for name in names]
    return ClusterSums(
        ("outcome",),
        np.array([len(part) for part in parts]),
        np.array([[part.sum()] for part in parts]),
        np.array([[((part - part.mean()) ** 2).sum()] for part in parts]),
    )


def draw(seed, sizes, share, sd=10.0, effect=0.0):
    """Learners in teams of these sizes, this share of the variance between teams."""
    rng = np.random.default_rng(seed)
    team = np.repeat(np.arange(len(sizes)), sizes)
    level = rng.normal(effect, sd * share**0.5, len(sizes))
    return team, level[team] + rng.normal(0, sd * (1 - share) ** 0.5, len(team))


def variants(seed, sizes, share, effect=3.0):
    return [
        sums_of(*draw(seed, sizes, share)),
        sums_of(*draw(seed + 1, sizes, share, effect=effect)),
    ]


@pytest.mark.parametrize("case", BALANCED, ids=range(len(BALANCED)))
def test_icc__teams_of_one_size__is_lme4s(case):
    team, treated, after = (np.array(case[name]) for name in ("team", "treated", "after"))

    found = icc.estimate(*(sums_of(team[treated == arm], after[treated == arm]) for arm in (0, 1)))

    # lme4 stops its optimiser there: the value itself has a closed form.
    assert found.icc == pytest.approx(case["icc"], rel=1e-5)


def test_icc__uneven_teams__is_the_analysis_of_variance_of_statsmodels():
    sizes = [3, 9, 14, 5, 22, 8, 11]
    team, outcome = draw(3, sizes, 0.3)

    found = icc.estimate(sums_of(team, outcome))

    table = sm.stats.anova_lm(
        ols("outcome ~ C(team)", pd.DataFrame({"team": team, "outcome": outcome})).fit()
    )
    between, within = table["mean_sq"]
    n = np.array(sizes)
    n0 = (n.sum() - (n**2).sum() / n.sum()) / (len(n) - 1)
    assert found.icc == pytest.approx((between - within) / (between + (n0 - 1) * within), rel=1e-9)


def test_icc__two_variants__a_difference_between_them_is_no_likeness_of_teams():
    near, far = variants(4, [12] * 20, 0.2, effect=0.0), variants(4, [12] * 20, 0.2, effect=90.0)

    assert icc.estimate(*near).icc == pytest.approx(icc.estimate(*far).icc, rel=1e-9)


def test_icc__interval__covers_what_was_planted():
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(1_000):
        seed = int(rng.integers(1 << 30))
        found = icc.estimate(*variants(seed, [10] * 9, 0.15))
        covered += found.low <= 0.15 <= found.high

    assert 922 <= covered <= 978  # 950 expected, four standard errors either way


def test_icc__design_effect__is_how_much_wider_means_spread():
    sizes = [4, 8, 16, 32]
    means = [draw(seed, sizes, 0.2)[1].mean() for seed in range(6_000)]
    found = icc.estimate(*variants(1, sizes * 200, 0.2))

    n_learners = sum(sizes)
    assert found.design_effect == pytest.approx(np.var(means) / (100 / n_learners), rel=0.09)
    assert found.team_size == pytest.approx(sum(n**2 for n in sizes) / n_learners)
    assert found.n_effective == pytest.approx(2 * 200 * n_learners / found.design_effect)


def test_icc__teams_more_alike_than_chance__cost_nothing():
    team = np.repeat(np.arange(10), 4)
    outcome = np.tile([1.0, 2.0, 3.0, 4.0], 10) + np.repeat(np.arange(10), 4) * 0.01

    found = icc.estimate(sums_of(team, outcome))

    assert found.icc < 0
    assert found.design_effect == 1.0
    assert found.n_effective == 40


def test_icc__learners_of_a_team_all_alike__is_one():
    found = icc.estimate(sums_of(np.repeat([1, 2, 3], 5), np.repeat([4.0, 7.0, 9.0], 5)))

    assert (found.icc, found.n_effective) == (1.0, 3.0)


@pytest.mark.parametrize(
    ("team", "outcome", "reason"),
    [
        ([1, 2, 3], [1.0, 2.0, 3.0], "too few teams"),
        ([1, 1, 1], [1.0, 2.0, 3.0], "too few teams"),
        ([1, 1, 2, 2], [5.0, 5.0, 5.0, 5.0], "same outcome"),
    ],
    ids=["one-learner-teams", "one-team", "constant"],
)
def test_icc__nothing_to_tell__is_refused(team, outcome, reason):
    found = icc.estimate(sums_of(team, outcome))

    assert isinstance(found, NotEstimable)
    assert reason in found.reason


def test_icc__squares_not_kept__is_refused():
    found = icc.estimate(ClusterSums(("outcome",), np.array([2, 3]), np.array([[4.0], [9.0]])))

    assert isinstance(found, NotEstimable)
    assert "not collected" in found.reason
