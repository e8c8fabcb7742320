import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.batch import Cells, compare_pairs, contrasts, read_all
from analysis.contrast import Contrast, critical_t
from analysis.methods import compare, cuped, welch
from analysis.methods.always_valid import two_sided_z
from analysis.methods.bayes_normal import posterior
from analysis.methods.fieller import relative
from analysis.results import NotEstimable
from analysis.statistics.clusters import ClusterSums
from analysis.statistics.moments import Moments

DESIGN_SE, PRIOR_SD = 0.4, 1.5


def arm(seed, n, mean=5.0, covariate=True):
    rng = np.random.default_rng(seed)
    x = rng.normal(3, 2, n)
    y = mean + 0.7 * x + rng.normal(0, 1.5, n)
    if not covariate:
        return Moments.of(("outcome",), y[:, None])
    return Moments.of(("outcome", "covariate"), np.column_stack([y, x]))


def alone(control, treatment):
    if "covariate" in control.columns:
        return cuped.estimate(control, treatment)
    return welch.estimate(control, treatment)


def numbers(contrast, sign):
    """All that the one-by-one path says of a contrast."""
    critical = critical_t(1.959963984540054, contrast.df)
    any_look = critical_t(two_sided_z((DESIGN_SE / contrast.se) ** 2), contrast.df)
    share = relative(contrast, critical)
    belief = posterior(contrast, PRIOR_SD, sign)
    return {
        "low": contrast.effect - critical * contrast.se,
        "high": contrast.effect + critical * contrast.se,
        "p_value": contrast.p_value,
        "relative": share.estimate,
        "relative_low": share.low,
        "relative_high": share.high,
        "any_look_low": contrast.effect - any_look * contrast.se,
        "any_look_high": contrast.effect + any_look * contrast.se,
        "posterior_mean": belief.mean,
        "posterior_sd": belief.sd,
        "p_better": belief.p_better,
        "expected_loss": belief.expected_loss,
    }


@settings(max_examples=60, deadline=None)
@given(
    seeds=st.lists(st.integers(0, 10_000), min_size=1, max_size=6),
    n=st.integers(2, 60),
    mean=st.sampled_from([5.0, -8.0, 0.0, 1e6]),
    covariate=st.booleans(),
    sign=st.sampled_from([1, -1]),
)
def test_batch__any_cells__are_as_one_by_one(seeds, n, mean, covariate, sign):
    controls = [arm(seed, n, mean, covariate) for seed in seeds]
    treatments = [arm(seed + 1, n + 3, mean + 0.4, covariate) for seed in seeds]

    found = contrasts(Cells.of(controls), Cells.of(treatments))
    said = read_all(found, np.array(DESIGN_SE), np.array(PRIOR_SD), sign)

    for at, (control, treatment) in enumerate(zip(controls, treatments, strict=True)):
        expected = alone(control, treatment)
        assert found.estimable[at]
        size = max(abs(mean), 1.0)
        assert found.effect[at] == pytest.approx(expected.effect, rel=1e-12, abs=1e-14 * size)
        assert found.se[at] == pytest.approx(expected.se, rel=1e-12)
        assert found.df[at] == pytest.approx(expected.df, rel=1e-12)
        assert found.variance_reduction[at] == pytest.approx(expected.variance_reduction, abs=1e-12)
        for name, value in numbers(expected, sign).items():
            got = getattr(said, name)[at]
            if value is None:
                assert np.isnan(got)
            else:
                assert got == pytest.approx(value, rel=1e-10, abs=1e-13 * size), name


def test_batch__metrics_by_treatments_by_segments__broadcasts():
    controls = Cells.of([arm(seed, 30) for seed in range(6)]).reshape(2, 1, 3)
    treatments = Cells.of([arm(50 + seed, 30) for seed in range(24)]).reshape(2, 4, 3)

    found = contrasts(controls, treatments)

    assert found.effect.shape == (2, 4, 3)
    last = cuped.estimate(arm(5, 30), arm(73, 30))
    assert found.effect[1, 3, 2] == pytest.approx(last.effect, rel=1e-12)


@pytest.mark.parametrize(
    ("control", "treatment"),
    [
        (arm(1, 1), arm(2, 30)),
        (Moments.empty(("outcome", "covariate")), arm(2, 30)),
        (
            Moments.of(("outcome", "covariate"), np.full((9, 2), 4.0)),
            Moments.of(("outcome", "covariate"), np.full((9, 2), 4.0)),
        ),
        (
            Moments.of(("outcome", "covariate"), np.arange(9.0)[:, None] * [2, 1]),
            Moments.of(("outcome", "covariate"), np.arange(1, 10.0)[:, None] * [2, 1]),
        ),
    ],
    ids=["one-unit", "nobody", "constant", "wholly-explained"],
)
def test_batch__cell_that_is_refused_alone__is_not_estimable_and_spares_the_others(
    control, treatment
):
    assert isinstance(cuped.estimate(control, treatment), NotEstimable)

    found = contrasts(Cells.of([control, arm(3, 20)]), Cells.of([treatment, arm(4, 20)]))
    said = read_all(found, np.array(DESIGN_SE), np.array(PRIOR_SD))

    assert found.estimable.tolist() == [False, True]
    assert np.isnan(said.low[0])
    assert np.isfinite(said.low[1])


def zeros_and_ones(seed, n, share):
    return Moments.of(("outcome",), (np.random.default_rng(seed).random((n, 1)) < share) * 1.0)


def ratio(seed, n):
    rows = np.random.default_rng(seed).uniform(1, 4, (n, 2))
    return Moments.of(("outcome", "denominator"), rows)


def some_teams(seed):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(3, 9, 8)
    return ClusterSums(("outcome",), sizes, rng.normal(5, 1, (8, 1)) * sizes[:, None])


PAIRS = [
    (arm(1, 30), arm(2, 40)),
    (arm(3, 30, covariate=False), arm(4, 5, covariate=False)),
    (arm(5, 2), arm(6, 2)),  # too few for a slope
    (arm(7, 1), arm(8, 30)),  # one unit
    (zeros_and_ones(1, 60, 0.05), zeros_and_ones(2, 60, 0.1)),  # a score test
    (zeros_and_ones(3, 900, 0.5), zeros_and_ones(4, 900, 0.5)),
    (ratio(1, 40), ratio(2, 30)),
    (some_teams(1), some_teams(2)),
]


def test_compare_pairs__any_statistics__says_what_compare_says():
    found = compare_pairs(PAIRS)

    assert {each.method for each in found if isinstance(each, Contrast)} >= {
        "welch", "cuped", "proportion", "ratio",
    }  # fmt: skip
    for pair, each in zip(PAIRS, found, strict=True):
        expected = compare(*pair)
        assert type(each) is type(expected)
        if isinstance(expected, NotEstimable):
            assert each == expected
            continue
        for name, value in vars(expected).items():
            near = value if isinstance(value, (str, int)) else pytest.approx(value, rel=1e-12)
            assert getattr(each, name) == near, name


def test_compare_pairs__none__are_none():
    assert compare_pairs([]) == []
