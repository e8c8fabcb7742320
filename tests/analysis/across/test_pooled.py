import numpy as np
import pytest

from analysis.across.pooled import pool, pool_by
from analysis.bayes.priors import PastEffect
from analysis.results import NotEstimable
from tests.oracles import rscript

FITS = rscript.values("pooled")["fits"]


def past(effects, ses):
    return [
        PastEffect(f"e{i}", effect, se)
        for i, (effect, se) in enumerate(zip(effects, ses, strict=True))
    ]


@pytest.mark.parametrize("theirs", FITS, ids=[fit["name"] for fit in FITS])
def test_pool__random_sets__agrees_with_metafor(theirs):
    ours = pool(past(theirs["y"], theirs["se"]))

    for name in ("mean", "low", "high", "p_value", "q", "q_p_value", "next_low", "next_high"):
        assert getattr(ours, name) == pytest.approx(theirs[name], rel=1e-5, abs=1e-6), name
    assert ours.se == pytest.approx(theirs["mean_se"], rel=1e-5)
    assert ours.tau == pytest.approx(theirs["tau"], rel=1e-4, abs=1e-4)


def test_pool__interval__covers_the_mean_effect():
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(500):
        ses = rng.uniform(0.5, 2, 6)
        ours = pool(past(rng.normal(1.0, np.hypot(ses, 1.0)), ses))
        covered += ours.low <= 1.0 <= ours.high

    assert 455 <= covered <= 495


def test_pool__several_treatments_of_one_experiment__count_once():
    twice = [PastEffect("a", 1.0, 0.4), PastEffect("a", 3.0, 0.6), *past([2.0, 1.5], [1.0, 0.8])]
    once = [PastEffect("a", 2.0, 0.5), *past([2.0, 1.5], [1.0, 0.8])]

    assert pool(twice) == pool(once)


def test_pool__two_experiments__is_refused():
    assert isinstance(pool(past([1.0, 2.0], [1.0, 1.0])), NotEstimable)


def test_pool_by__domain__keeps_the_groups_apart():
    effects = [PastEffect(f"{d}{i}", v, 1.0) for d, v in (("m", 1.0), ("n", 5.0)) for i in range(4)]

    found = pool_by(effects, lambda effect: effect.experiment[0])

    assert {group: one.mean for group, one in found.items()} == pytest.approx({"m": 1.0, "n": 5.0})
