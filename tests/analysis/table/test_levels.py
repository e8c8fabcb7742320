"""One level for test, interval and decision of a table, beside software that is not ours."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

import analysis
from analysis.table.library import Outcome

N = 300


def exact(z, n=N, seed=1):
    """A control and treatments whose means differ by so many standard errors, equally spread."""
    rng = np.random.default_rng(seed)
    parts = []
    for shift in (0.0, *z):
        values = rng.normal(0, 1, n)
        values = (values - values.mean()) / values.std(ddof=1)
        parts.append(50 + 10 * values + 10 * shift * (2 / n) ** 0.5)
    return np.concatenate(parts)


def table(n=N, **z):
    names = ("control", *"bcdef")[: 1 + len(next(iter(z.values())))]
    rows = {"learner": np.arange(n * len(names)), "arm": np.repeat(names, n)}
    return pd.DataFrame(
        rows | {name: exact(each, n, seed) for seed, (name, each) in enumerate(z.items(), 1)}
    )


def read(frame, *outcomes, **more):
    return analysis.readout(frame, analysis.Plan("learner", "arm", "control", outcomes, **more))


def leaves_zero(estimate):
    return not estimate.low <= 0 <= estimate.high


def arms(frame, column):
    return [frame[column][frame.arm == arm].to_numpy() for arm in dict.fromkeys(frame.arm)]


def test_two_arms_and_one_outcome__keep_the_plain_test():
    frame = table(score=(2.1,))

    found = read(frame, "score").to_json()["results"][0]

    control, treatment = arms(frame, "score")
    expected = stats.ttest_ind(treatment, control, equal_var=False)
    interval = expected.confidence_interval()
    assert (found["low"], found["high"]) == pytest.approx(tuple(interval), rel=1e-9)
    assert found["p_value"] == pytest.approx(expected.pvalue, rel=1e-9)
    assert found["p_adjusted"] == found["p_value"]
    assert found["correction"] == "none"


def test_several_arms__interval_p_and_decision__are_dunnetts():
    frame = table(n=1_000, score=(2.1, 0.1))

    found = read(frame, "score")

    control, *treatments = arms(frame, "score")
    theirs = stats.dunnett(*treatments, control=control, random_state=1)
    interval = theirs.confidence_interval(0.95)
    for at, estimate in enumerate(found.estimates):
        assert estimate.p_adjusted == pytest.approx(theirs.pvalue[at], abs=5e-4)
        assert estimate.low == pytest.approx(interval.low[at], abs=5e-3)
        assert estimate.high == pytest.approx(interval.high[at], abs=5e-3)
    assert found.estimates[0].p_value < 0.05 < found.estimates[0].p_adjusted
    assert found.decision.winner is None
    assert found.to_json()["results"][0]["correction"] == "dunnett"


@pytest.mark.parametrize("z", [2.19, 2.20, 2.22, 2.23, 2.25])
def test_several_arms__around_the_bar__interval_and_decision_agree(z):
    found = read(table(score=(z, 0.0)), "score", minimum_effect=1.0)

    first = found.estimates[0]
    assert leaves_zero(first) == (first.p_adjusted < 0.05)
    assert leaves_zero(first) == (found.decision.arms[0].verdict in ("winner", "held back"))


@pytest.mark.parametrize("z", [(0.0, 0.0), (40.0, -40.0)])
def test_several_arms__adjusted_p__is_never_below_the_plain_one(z):
    for estimate in read(table(score=z), "score").estimates:
        assert estimate.p_value <= estimate.p_adjusted <= 1


def test_secondaries__several__are_benjamini_hochbergs_and_so_are_their_intervals():
    frame = table(score=(0.0, 0.0), calls=(2.4, 0.3), sales=(2.0, -2.9))

    found = read(frame, "score", "calls", "sales")

    explored = [each for each in found.estimates if each.metric != "score"]
    rejected, adjusted, *_ = multipletests([e.p_value for e in explored], 0.05, "fdr_bh")
    assert [e.p_adjusted for e in explored] == pytest.approx(list(adjusted), rel=1e-9)
    assert [leaves_zero(e) for e in explored] == list(rejected)
    assert any(rejected)
    assert not all(rejected)


def test_guardrails__each__keep_all_of_alpha():
    frame = table(score=(0.0, 0.0), sales=(0.5, -0.5))

    found = read(frame, "score", analysis.guardrail("sales", margin=3.0))

    control, *treatments = arms(frame, "sales")
    for estimate, treatment in zip(found.estimates[2:], treatments, strict=True):
        interval = stats.ttest_ind(treatment, control, equal_var=False).confidence_interval()
        assert (estimate.low, estimate.high) == pytest.approx(tuple(interval), rel=1e-9)


def test_co_primaries__all_tests_together__are_holms_and_so_are_intervals():
    frame = table(score=(2.3, 0.2), sales=(2.6, -1.0), calls=(3.1, 0.0))
    outcomes = (
        "score",
        analysis.co_primary("sales", 1.0),
        analysis.co_primary("calls", 1.0, direction="decrease"),
    )

    found = read(frame, *outcomes)

    rejected, adjusted, *_ = multipletests([e.p_value for e in found.estimates], 0.05, "holm")
    assert [e.p_adjusted for e in found.estimates] == pytest.approx(list(adjusted), rel=1e-9)
    assert [leaves_zero(e) for e in found.estimates] == list(rejected)
    assert [each.role for each in found.metrics] == ["primary", "co_primary", "co_primary"]


def test_co_primary__a_gain_there_alone__makes_a_winner():
    frame = table(score=(0.1,), sales=(5.0,))

    alone = read(frame, "score", "sales")
    shared = read(frame, "score", analysis.co_primary("sales", 1.0))

    assert alone.decision.winner is None
    assert shared.decision.winner == "b"


def test_co_primaries__at_a_look__are_held_to_their_own_boundary():
    frame = table(score=(0.1,), sales=(5.0,))
    looks = analysis.Looks(2, 4)

    found = read(frame, "score", analysis.co_primary("sales", 1.0), looks=looks)

    (there,) = found.sequential.co_primaries
    alone = read(frame, "score", looks=looks).sequential
    assert there.crossed
    assert there.boundary_z > alone.boundary_z
    assert found.decision.winner == "b"


@pytest.mark.parametrize("direction", ["increase", "decrease"])
def test_one_side__bound_and_p__are_scipys(direction):
    frame = table(score=(1.8,) if direction == "increase" else (-1.8,))

    found = read(frame, Outcome("mean", ("score",), direction), sides="one")

    control, treatment = arms(frame, "score")
    way = "greater" if direction == "increase" else "less"
    theirs = stats.ttest_ind(treatment, control, equal_var=False, alternative=way)
    interval = theirs.confidence_interval(0.95)
    estimate = found.estimates[0]
    assert estimate.p_adjusted == pytest.approx(theirs.pvalue, rel=1e-9)
    near = interval.low if direction == "increase" else interval.high
    assert (estimate.low if direction == "increase" else estimate.high) == pytest.approx(near)
    assert leaves_zero(estimate)
    assert estimate.p_value > 0.05


def test_one_side__the_wrong_way__is_no_finding():
    estimate = read(table(score=(-2.0,)), "score", sides="one").estimates[0]

    assert estimate.p_adjusted == pytest.approx(1 - estimate.p_value / 2)


@pytest.mark.parametrize(("look", "sides"), list(product((1, 3), ("one", "two"))))
def test_looks__of_either_sides__have_no_adjusted_p(look, sides):
    found = read(table(score=(1.0, 2.0)), "score", looks=analysis.Looks(look, 3), sides=sides)

    assert found.p_adjusted == {}
    assert ("|z| must pass" in found.summary()) == (sides == "two")
    assert found.to_json()["results"][0]["correction"] == "bonferroni"


def test_summary__several_arms__names_what_intervals_allow_for():
    frame = table(score=(2.1, 0.1), sales=(0.0, 0.0))

    text = read(frame, "score", "sales").summary(120)

    assert "p adjusted" in text
    assert "(Dunnett)" in text
    assert "(Benjamini-Hochberg)" in text
