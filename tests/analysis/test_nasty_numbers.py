"""No NaN, no infinity and no error reaches a decision, whatever was collected."""

import json

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.plan import MetricPlan
from analysis.read import read
from analysis.results import NotEstimable, Readout
from analysis.statistics.clusters import ClusterSums
from analysis.statistics.moments import Moments
from tests.analysis.collecting import SCORE, collected, plan

COLUMNS = ("outcome", "covariate")
RATIO_COLUMNS = ("outcome", "denominator")
VARIANTS = ("control", "a", "b")
NASTY = st.sampled_from([0.0, 1.0, -1.0, 1e-300, 1e140, -1e140, 1e-12, 1e12, 50.0])


@st.composite
def moments(draw):
    """No, one, few or many units; constant, tiny, huge or wild; covariate alike, apart or none."""
    n = draw(st.sampled_from([0, 0, 1, 2, 3, 7, 1000]))
    if n == 0:
        return Moments.empty(COLUMNS)
    spread = draw(st.sampled_from([0.0, 1e-150, 1e-12, 1.0, 1e12, 1e140]))
    rng = np.random.default_rng(draw(st.integers(0, 20)))
    outcome = draw(NASTY) + spread * rng.standard_normal(n)
    covariate = draw(
        st.sampled_from([outcome, np.zeros(n), rng.standard_normal(n), 1e-9 * outcome])
    )
    with np.errstate(all="ignore"):
        return Moments.of(COLUMNS, np.column_stack([outcome, covariate]))


@st.composite
def ratios(draw):
    """Sums above and below the line: the same share for all, in proportion, apart, or 0 below."""
    n = draw(st.sampled_from([0, 1, 2, 3, 7, 300]))
    if n == 0:
        return Moments.empty(RATIO_COLUMNS)
    rng = np.random.default_rng(draw(st.integers(0, 20)))
    below = draw(
        st.sampled_from(
            [rng.poisson(3, n).astype(float), np.zeros(n), np.ones(n), rng.gamma(2.0, 1.0, n)]
        )
    )
    above = draw(NASTY) * below + draw(st.sampled_from([0.0, 0.0, 1e-9, 1.0])) * rng.poisson(2, n)
    with np.errstate(all="ignore"):
        return Moments.of(RATIO_COLUMNS, np.column_stack([above, below]))


@st.composite
def teams(draw, columns=COLUMNS):
    """No, one or few teams, some of them with one learner or the same sums."""
    n_teams = draw(st.sampled_from([0, 1, 2, 3, 12]))
    rng = np.random.default_rng(draw(st.integers(0, 20)))
    n = rng.integers(1, 5, n_teams)
    sums = draw(NASTY) * n[:, None] + draw(st.sampled_from([0.0, 1.0, 1e12])) * rng.standard_normal(
        (n_teams, 2)
    )
    return ClusterSums(columns, n, sums)


METRICS = (
    SCORE,
    MetricPlan("extra", "Extra", kind="mean", value_per_unit=2.0),
    MetricPlan("spared", "Spared", kind="mean", role="guardrail", margin=0.5),
    MetricPlan("kept", "Kept", kind="mean", role="guardrail", direction="decrease"),
)
CO_PRIMARIES = (
    MetricPlan("sales", "Sales", kind="mean", role="co_primary", minimum_effect=1.0),
    MetricPlan("done", "Done", kind="rate", role="co_primary", minimum_effect=0.1),
)
RATIOS = (MetricPlan("part", "Part", kind="ratio"), CO_PRIMARIES[1])
LOOKS = st.sampled_from(
    [
        {"final": True},
        {"final": False, "look": 0, "looks_planned": 4},
        {"final": False, "look": 1, "looks_planned": 4},
        {"final": True, "sides": "one"},
    ]
)


def check(asked, statistics):
    """The readout is plain JSON, and what has no number says what would make one."""
    with np.errstate(all="ignore"):
        found = read(asked, collected(statistics))
    text = json.dumps(found.to_json(), allow_nan=False)
    assert Readout.from_json(json.loads(text)) == found
    assert found.decision.reason
    assert "nan" not in found.decision.reason.lower().replace("finance", "")
    for metric in found.metrics:
        for each in metric.estimates:
            if isinstance(each, NotEstimable):
                assert each.reason
                assert each.remedy
            else:
                assert each.se > 0
                assert each.low <= each.effect <= each.high


METRIC_SETS = st.sampled_from([METRICS, (*METRICS, RATIOS[0]), (*METRICS, *CO_PRIMARIES)])


@settings(max_examples=90, deadline=None)
@given(st.data(), METRIC_SETS, LOOKS)
def test_read__nasty_moments__are_read_or_refused_by_name(data, metrics, looks):
    statistics = {
        metric.key: {
            variant: data.draw(ratios() if metric in RATIOS else moments()) for variant in VARIANTS
        }
        for metric in metrics
    }

    check(plan(metrics=metrics, variants=VARIANTS, **looks), statistics)


@settings(max_examples=90, deadline=None)
@given(st.data(), METRIC_SETS, LOOKS)
def test_read__nasty_teams__are_read_or_refused_by_name(data, metrics, looks):
    statistics = {
        metric.key: {
            variant: data.draw(teams(RATIO_COLUMNS if metric in RATIOS else COLUMNS))
            for variant in VARIANTS
        }
        for metric in metrics
    }

    check(plan(metrics=metrics, variants=VARIANTS, unit_kind="team", **looks), statistics)
