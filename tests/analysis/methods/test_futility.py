import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from analysis.contrast import Contrast
from analysis.methods.futility import conditional_power, predictive_power
from tests.oracles import rscript


def contrast(effect, se, df=1e9):
    half = se**2 / 2
    return Contrast("welch", 9, 9, 9, 9, effect, 0.0, half, half, 0.0, df)


def test_conditional_power__any_truth__is_that_of_rpact():
    for row in rscript.values("stagewise")["powers"]:
        now = contrast(row["effect"], (2 / row["n"]) ** 0.5)

        found = conditional_power(
            now, row["n"] / row["n_final"], row["boundary"], effect=row["truth"]
        )

        # rpact takes p values from t to z and back: digits beyond 1e-9 are its rounding.
        assert found == pytest.approx(row["power"], abs=1e-8)


@pytest.mark.parametrize(("effect", "information"), [(1.0, 0.5), (-0.4, 0.3), (2.5, 0.9)])
@pytest.mark.parametrize("prior_sd", [0.5, 3.0])
def test_predictive_power__any_prior__is_conditional_power_averaged_over_the_posterior(
    effect, information, prior_sd
):
    now = contrast(effect, 0.8)
    precision = 0.8**-2 + prior_sd**-2
    mean, sd = effect * 0.8**-2 / precision, precision**-0.5

    averaged, _ = quad(
        lambda x: conditional_power(now, information, 2.03, effect=x) * norm.pdf(x, mean, sd),
        mean - 9 * sd,
        mean + 9 * sd,
        epsabs=1e-11,
    )

    assert predictive_power(now, information, prior_sd, 2.03) == pytest.approx(averaged, abs=1e-8)


def test_predictive_power__experiments_drawn_from_the_prior__is_how_many_win():
    """Effects from the prior, half the data, then the rest: what was foretold comes true."""
    rng = np.random.default_rng(21)
    n, prior_sd, boundary = 40_000, 1.0, 1.97
    truth = rng.normal(0, prior_sd, n)
    se = 0.5  # at the end; half the information means a variance twice as large
    first = rng.normal(truth, se * 2**0.5)
    second = rng.normal(truth, se * 2**0.5)
    won = (first + second) / 2 > boundary * se
    foretold = np.array(
        [predictive_power(contrast(x, se * 2**0.5), 0.5, prior_sd, boundary) for x in first]
    )

    for low, high in ((0, 0.1), (0.1, 0.5), (0.5, 0.9), (0.9, 1.01)):
        those = (foretold >= low) & (foretold < high)
        error = (0.25 / those.sum()) ** 0.5
        assert won[those].mean() == pytest.approx(foretold[those].mean(), abs=4 * error)


def test_predictive_power__flat_prior__is_the_textbook_form():
    """Jennison and Turnbull (2000), section 10.4: Phi((z sqrt(t)... ) with no prior at all."""
    now, t, boundary = contrast(0.9, 0.5), 0.6, 2.0

    z = now.z
    expected = norm.cdf((z - boundary * t**0.5) / (1 - t) ** 0.5)

    assert predictive_power(now, t, float("inf"), boundary) == pytest.approx(expected, rel=1e-12)


@given(st.floats(-3, 3), st.floats(0.05, 0.99), st.floats(0.1, 5))
def test_powers__any_data__are_chances_and_mirror(effect, information, prior_sd):
    there = predictive_power(contrast(effect, 1.0), information, prior_sd, 2.0)
    back = predictive_power(contrast(-effect, 1.0), information, prior_sd, 2.0, sign=-1)

    assert 0 <= there <= 1
    assert back == pytest.approx(there, abs=1e-12)


@pytest.mark.parametrize(("effect", "won"), [(2.1, 1.0), (1.9, 0.0)])
@pytest.mark.parametrize("information", [1.0, 1.7])
def test_powers__nothing_left_to_come__are_what_the_data_say(effect, won, information):
    now = contrast(effect, 1.0)

    assert predictive_power(now, information, 1.0, 2.0) == won
    assert conditional_power(now, information, 2.0) == won


def test_conditional_power__no_effect_named__takes_the_present_trend():
    now = contrast(0.7, 0.4)

    assert conditional_power(now, 0.5, 2.0) == pytest.approx(
        conditional_power(now, 0.5, 2.0, effect=0.7), rel=1e-6
    )


def test_conditional_power__few_teams__counts_the_wider_tails():
    assert conditional_power(contrast(1.0, 0.5, df=4), 0.5, 2.0) < conditional_power(
        contrast(1.0, 0.5), 0.5, 2.0
    )
