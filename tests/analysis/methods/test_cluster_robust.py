import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from analysis.contrast import Contrast
from analysis.methods import cluster_robust
from analysis.results import NotEstimable
from analysis.statistics.clusters import ClusterSums
from tests.oracles.rscript import values
from tests.references.cr2_by_matrices import cr2

COLUMNS = ("outcome", "covariate")
CASES = values("clusters")["cases"]


class Teams:
    """Learners in teams, half of the teams treated."""

    def __init__(self, seed, sizes, treated):
        rng = np.random.default_rng(seed)
        self.sizes, self.treated_teams = np.array(sizes), np.array(treated, dtype=bool)
        self.team = np.repeat(np.arange(len(sizes)), sizes)
        self.treated = self.treated_teams[self.team].astype(float)
        level = rng.normal(0, 3, len(sizes))
        self.before = 40 + level[self.team] + rng.normal(0, 8, len(self.team))
        shared = rng.normal(0, 2, len(sizes))
        noise = rng.normal(0, 6, len(self.team))
        self.after = 0.6 * self.before + shared[self.team] + noise + 1.5 * self.treated

    def sums(self, treated):
        names = np.flatnonzero(self.treated_teams == treated)
        rows = [
            [self.after[self.team == name].sum(), self.before[self.team == name].sum()]
            for name in names
        ]
        return ClusterSums(COLUMNS, self.sizes[names], np.array(rows))

    def team_mean_before(self):
        sums = np.bincount(self.team, self.before)
        return (sums / self.sizes)[self.team]


UNEVEN = Teams(11, [3, 40, 12, 7, 25, 9, 31, 5, 18, 22, 14, 6, 2], [1, 0] * 6 + [1])
FEW = Teams(12, [5, 9, 30, 4], [1, 0, 1, 0])


@pytest.mark.parametrize("teams", [UNEVEN, FEW], ids=["uneven", "two-a-variant"])
def test_cluster_robust__no_covariate__agrees_with_cr2_by_matrices(teams):
    contrast = cluster_robust.estimate(teams.sums(False), teams.sums(True))

    x = np.column_stack([1 - teams.treated, teams.treated])
    effect, se, df = cr2(teams.after, x, teams.team, np.array([-1.0, 1.0]))
    assert contrast.effect == pytest.approx(effect, rel=1e-10)
    assert contrast.se == pytest.approx(se, rel=1e-10)
    assert contrast.df == pytest.approx(df, rel=1e-9)


def test_cluster_robust__covariate__agrees_with_cr2_by_matrices():
    contrast = cluster_robust.estimate(UNEVEN.sums(False), UNEVEN.sums(True), covariate="covariate")

    x = np.column_stack([1 - UNEVEN.treated, UNEVEN.treated, UNEVEN.team_mean_before()])
    effect, se, df = cr2(UNEVEN.after, x, UNEVEN.team, np.array([-1.0, 1.0, 0.0]))
    assert contrast.effect == pytest.approx(effect, rel=1e-9)
    assert contrast.se == pytest.approx(se, rel=1e-8)
    assert contrast.df == pytest.approx(df, rel=1e-7)


def test_cluster_robust__covariate__agrees_with_weighted_regression_on_team_means():
    contrast = cluster_robust.estimate(UNEVEN.sums(False), UNEVEN.sums(True), covariate="covariate")

    means = np.bincount(UNEVEN.team, UNEVEN.after) / UNEVEN.sizes
    before = np.bincount(UNEVEN.team, UNEVEN.before) / UNEVEN.sizes
    design = np.column_stack([np.ones(13), UNEVEN.treated_teams, before - before.mean()])
    fit = sm.WLS(means, design, weights=UNEVEN.sizes).fit(cov_type="HC2")
    assert contrast.effect == pytest.approx(fit.params[1], rel=1e-9)
    assert contrast.se == pytest.approx(fit.bse[1], rel=1e-9)


def test_cluster_robust__equal_teams__is_the_t_test_on_team_means():
    teams = Teams(13, [10] * 8, [1, 0] * 4)

    contrast = cluster_robust.estimate(teams.sums(False), teams.sums(True))

    means = np.bincount(teams.team, teams.after) / 10
    expected = stats.ttest_ind(
        means[teams.treated_teams], means[~teams.treated_teams], equal_var=False
    )
    assert contrast.effect / contrast.se == pytest.approx(expected.statistic, rel=1e-10)
    assert contrast.df == pytest.approx(6)


def test_cluster_robust__teams_swapped__flips_the_sign():
    there = cluster_robust.estimate(UNEVEN.sums(False), UNEVEN.sums(True), "outcome", "covariate")
    back = cluster_robust.estimate(UNEVEN.sums(True), UNEVEN.sums(False), "outcome", "covariate")

    assert there.effect == pytest.approx(-back.effect)
    assert (there.se, there.df) == pytest.approx((back.se, back.df))


def test_cluster_robust__few_teams__spends_no_degree_of_freedom_on_the_covariate():
    with_it = cluster_robust.estimate(FEW.sums(False), FEW.sums(True), covariate="covariate")

    assert with_it == cluster_robust.estimate(FEW.sums(False), FEW.sums(True))


def test_cluster_robust__constant_covariate__leaves_the_unadjusted_estimate():
    control, treatment = UNEVEN.sums(False), UNEVEN.sums(True)
    control.sums[:, 1], treatment.sums[:, 1] = 3 * control.n, 3 * treatment.n

    contrast = cluster_robust.estimate(control, treatment, covariate="covariate")

    assert contrast == cluster_robust.estimate(control, treatment)


def test_cluster_robust__predictive_covariate__says_what_it_removed():
    teams = Teams(14, [30] * 40, [1, 0] * 20)

    contrast = cluster_robust.estimate(teams.sums(False), teams.sums(True), covariate="covariate")

    plain = cluster_robust.estimate(teams.sums(False), teams.sums(True))
    assert contrast.variance_reduction == pytest.approx(1 - (contrast.se / plain.se) ** 2)
    assert contrast.variance_reduction > 0.2


def test_cluster_robust__one_team_in_a_variant__is_not_estimable():
    one = ClusterSums(("outcome",), np.array([9]), np.array([[30.0]]))
    many = ClusterSums(("outcome",), np.array([9, 8, 7]), np.array([[30.0], [20.0], [25.0]]))

    answer = cluster_robust.estimate(one, many)

    assert isinstance(answer, NotEstimable)
    assert "two teams" in answer.reason


def test_cluster_robust__no_variance__is_not_estimable():
    same = ClusterSums(
        ("outcome",),
        np.array([9, 8, 7]),
        np.array([[27.3], [24.266666666666666], [21.233333333333334]]),
    )

    assert isinstance(cluster_robust.estimate(same, same), NotEstimable)


def test_cluster_robust__ten_thousand_teams__needs_no_matrix_of_teams_by_teams():
    rng = np.random.default_rng(1)
    n = rng.integers(2, 30, 10_000)
    sums = ClusterSums(
        COLUMNS, n, np.column_stack([n * rng.normal(5, 1, 10_000), n * rng.normal(5, 1, 10_000)])
    )

    contrast = cluster_robust.estimate(sums, sums, covariate="covariate")

    assert isinstance(contrast, Contrast)
    assert contrast.df > 1_000


def from_r(case):
    """Control and treatment of one case that R judged."""
    team, treated, before, after = (
        np.array(case[name], dtype=float) for name in ("team", "treated", "before", "after")
    )
    for arm in (0, 1):
        names = np.unique(team[treated == arm])
        rows = [[after[team == name].sum(), before[team == name].sum()] for name in names]
        yield ClusterSums(COLUMNS, np.array([(team == n).sum() for n in names]), np.array(rows))


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_cluster_robust__uneven_teams__is_clubsandwich_and_estimatr(case):
    contrast = cluster_robust.estimate(*from_r(case))

    assert_is_rs(contrast, case["plain"])


@pytest.mark.parametrize("case", CASES[2:], ids=range(2, len(CASES)))
def test_cluster_robust__covariate_of_the_team__is_clubsandwich_and_estimatr(case):
    contrast = cluster_robust.estimate(*from_r(case), covariate="covariate")

    assert_is_rs(contrast, case["adjusted"])


def assert_is_rs(contrast, expected):
    found = (contrast.effect, contrast.se, contrast.df, contrast.p_value)
    wanted = tuple(expected[name] for name in ("effect", "se", "df", "p"))
    assert found == pytest.approx(wanted, rel=1e-8)
    wanted = expected["estimatr_se"], expected["estimatr_df"]
    assert (contrast.se, contrast.df) == pytest.approx(wanted, rel=1e-8)
