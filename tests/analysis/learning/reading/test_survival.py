import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.duration.survfunc import SurvfuncRight

from analysis.learning.reading.survival import Ended, kaplan_meier, median_week


def ends_of(times, dropped):
    ends = {}
    for time, drop in zip(times, dropped, strict=True):
        end = ends.get(time, Ended(0, 0))
        ends[time] = Ended(end.dropped + drop, end.censored + (not drop))
    return ends


@pytest.mark.parametrize("seed", range(5))
def test_kaplan_meier__random_lifetimes__is_that_of_statsmodels(seed):
    rng = np.random.default_rng(seed)
    times = rng.integers(1, 15, 120).tolist()
    dropped = (rng.random(120) < 0.6).tolist()
    reference = SurvfuncRight(np.array(times), np.array(dropped, dtype=int))

    points = {point.week: point for point in kaplan_meier(ends_of(times, dropped))}

    for row, week in enumerate(reference.surv_times):
        assert points[week].survival == pytest.approx(reference.surv_prob[row])
        assert points[week].at_risk == reference.n_risk[row]
        if points[week].survival > 0:
            assert points[week].se == pytest.approx(reference.surv_prob_se[row])


def test_kaplan_meier__nobody_censored__is_the_plain_share():
    points = kaplan_meier({1: Ended(2, 0), 2: Ended(3, 0), 4: Ended(5, 0)})

    assert [point.survival for point in points] == pytest.approx([0.8, 0.5, 0.5, 0.0])
    assert median_week(points) == 2


@given(
    st.dictionaries(
        st.integers(1, 20), st.builds(Ended, st.integers(0, 30), st.integers(0, 30)), max_size=12
    )
)
def test_kaplan_meier__any_ends__falls_inside_its_interval(ends):
    points = kaplan_meier({week: end for week, end in ends.items() if end.dropped + end.censored})

    previous = 1.0
    for point in points:
        assert 0.0 <= point.low <= point.survival <= point.high <= 1.0
        assert point.survival <= previous
        previous = point.survival


def test_kaplan_meier__nobody__is_empty():
    assert kaplan_meier({}) == ()
    assert median_week(()) is None
