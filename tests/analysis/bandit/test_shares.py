import numpy as np
import pytest
from scipy import stats

from analysis.bandit.shares import next_shares, top_two
from analysis.results import NotEstimable
from analysis.statistics.moments import Moments


def moments(values):
    return Moments.of(("outcome",), np.asarray(values, dtype=float)[:, None])


def batch(rng, mean, n=60):
    return moments(rng.normal(mean, 2.0, n))


def test_top_two__agrees_with_drawing_until_a_rival_wins():
    chances = np.array([0.6, 0.25, 0.1, 0.05])
    rng = np.random.default_rng(1)
    taken = np.zeros(4)
    for _ in range(40_000):
        leader = rng.choice(4, p=chances)
        if rng.random() < 0.5:
            taken[leader] += 1
            continue
        rival = leader
        while rival == leader:
            rival = rng.choice(4, p=chances)
        taken[rival] += 1

    assert top_two(chances) == pytest.approx(taken / 40_000, abs=0.01)


def test_shares__two_variants__follow_the_normal_posterior():
    rng = np.random.default_rng(2)
    arms = {"a": [batch(rng, 5.0)], "b": [batch(rng, 5.3)]}

    shares = next_shares(arms, floor=0.0, prior_sd=1e6, seed=3)

    gap = arms["b"][0].mean_of("outcome") - arms["a"][0].mean_of("outcome")
    se = sum(one[0].variance("outcome") / one[0].n for one in arms.values()) ** 0.5
    chance = stats.norm.cdf(gap / se)
    assert shares["b"] == pytest.approx(top_two(np.array([1 - chance, chance]))[1], abs=0.01)


def test_shares__sum_to_one_and_keep_the_floor():
    rng = np.random.default_rng(4)
    arms = {key: [batch(rng, mean)] for key, mean in (("a", 1.0), ("b", 9.0), ("c", 9.1))}

    shares = next_shares(arms, floor=0.1, prior_sd=5.0)

    assert sum(shares.values()) == pytest.approx(1)
    assert shares["a"] == pytest.approx(0.1, abs=0.001)
    assert min(shares.values()) >= 0.1


def test_shares__less_is_better__turns_them_round():
    rng = np.random.default_rng(5)
    arms = {"a": [batch(rng, 5.0)], "b": [batch(rng, 8.0)], "c": [batch(rng, 8.0)]}

    shares = next_shares(arms, floor=0.05, prior_sd=5.0, sign=-1)

    assert max(shares, key=shares.get) == "a"


def test_shares__same_evidence__same_shares():
    rng = np.random.default_rng(6)
    arms = {"a": [batch(rng, 5.0)], "b": [batch(rng, 5.5)]}

    assert next_shares(arms, floor=0.1, prior_sd=1.0) == next_shares(arms, floor=0.1, prior_sd=1.0)


def test_shares__batches__count_together():
    rng = np.random.default_rng(7)
    first, second = batch(rng, 5.0), batch(rng, 5.2)
    other = [batch(rng, 5.6), batch(rng, 5.4)]

    apart = next_shares({"a": [first, second], "b": other}, floor=0.0, prior_sd=1.0)
    joined = next_shares({"a": [first + second], "b": [other[0] + other[1]]}, floor=0, prior_sd=1)

    assert apart == joined


def test_shares__a_variant_nobody_had__keeps_the_shares_as_they_are():
    rng = np.random.default_rng(8)

    assert isinstance(
        next_shares({"a": [batch(rng, 1.0)], "b": [moments([1.0])]}, floor=0.1, prior_sd=1.0),
        NotEstimable,
    )


@pytest.mark.parametrize("floor", [-0.1, 0.6])
def test_shares__floor_that_cannot_be_kept__is_refused(floor):
    rng = np.random.default_rng(9)
    with pytest.raises(ValueError, match=r"floor: found .* expected 0 to 0\.5"):
        next_shares({"a": [batch(rng, 1.0)], "b": [batch(rng, 1.0)]}, floor=floor, prior_sd=1.0)
