"""Published results, computed again by the examples that print them."""

import numpy as np
import pytest
import statsmodels.api as sm
from lifelines import KaplanMeierFitter
from lifelines.datasets import load_rossi
from lifelines.statistics import logrank_test
from lifelines.utils import restricted_mean_survival_time

from examples.published import nsw, rossi, schools
from examples.published.beside import Beside


@pytest.mark.parametrize("example", [nsw, rossi, schools], ids=["nsw", "rossi", "schools"])
def test_published__every_figure__agrees(example, capsys):
    differing = [row for row in example.compare() if not row.agrees]

    example.main()

    assert differing == []
    assert "DIFFERS" not in capsys.readouterr().out


def test_beside__another_figure__says_that_it_differs():
    assert not Beside("difference in means", 1795.0, 1794.34, 0.005, "nowhere").agrees


def test_nsw__welch_error__is_the_robust_one_of_statsmodels():
    from causaldata import nsw_mixtape

    rows = nsw_mixtape.load_pandas().data.astype({"re78": float})
    fit = sm.OLS(rows.re78, sm.add_constant(rows.treat.astype(float))).fit(cov_type="HC2")

    estimate = nsw.read().estimates[0]

    assert estimate.effect == pytest.approx(fit.params["treat"], rel=1e-9)
    assert estimate.se == pytest.approx(fit.bse["treat"], rel=1e-9)


def test_nsw__two_covariates__give_the_regressions_effect():
    from causaldata import nsw_mixtape

    rows = nsw_mixtape.load_pandas().data
    x = sm.add_constant(rows[["treat", "re74", "re75"]].astype(float))
    fit = sm.OLS(rows.re78.astype(float), x).fit()

    estimate = nsw.read("re74", "re75").estimates[0]

    assert estimate.method == "cupac"
    assert estimate.effect == pytest.approx(fit.params["treat"], rel=1e-9)


def test_rossi__restricted_means_and_log_rank__are_lifelines():
    rows = load_rossi()
    aid, none = rows[rows.fin == 1], rows[rows.fin == 0]
    theirs = [
        restricted_mean_survival_time(KaplanMeierFitter().fit(each.week, each.arrest), t=52)
        for each in (aid, none)
    ]
    test = logrank_test(aid.week, none.week, aid.arrest, none.arrest)

    found = rossi.read()

    weeks = found.estimates[0]
    assert (weeks.mean, weeks.mean_control) == pytest.approx(theirs, rel=1e-9)
    assert found.log_ranks["week", "1"].chi_square == pytest.approx(test.test_statistic, rel=1e-9)


def test_schools__spread_and_ends__are_near_the_books_simulation():
    found = schools.read()

    low, high = np.quantile(found.draws, [0.025, 0.975], axis=0)
    book_low = [-2, -5, -11, -7, -9, -7, -1, -6]
    book_high = [31, 23, 19, 21, 18, 28, 26, 33]
    # An end of 200 draws is off by 2 to 3 points in the middle schools, by more in A, F and H.
    assert np.abs(low - book_low).max() < 5
    assert np.median(np.abs(high - book_high)) < 2.5
    assert 5 < found.taus["segment"][0] < 8
