import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from analysis.methods.group_sequential import boundaries, repeated_interval
from analysis.methods.stagewise import adjusted
from analysis.spending import spent_by
from tests.oracles import rscript


def bounds(times, name="obrien_fleming", alpha=0.05, sides=2):
    planned = [t / max(times) for t in times]
    return boundaries(times, [spent_by(name, alpha, t, sides) for t in planned], sides)


def test_adjusted__any_design__is_the_final_analysis_of_rpact():
    for row in rscript.values("stagewise")["finals"]:
        k = row["stage"]
        n, effects = np.array(row["n"][:k]), np.array(row["effects"][:k])
        information = n / 2
        z = effects * information**0.5

        found = adjusted(z, information, row["boundaries"][:k], row["alpha"], row["sides"])

        assert found.look == k
        assert found.p_value == pytest.approx(row["p_value"], abs=1e-7)
        # rpact searches the interval to about 1e-6 of its own unit.
        assert found.estimate == pytest.approx(row["estimate"], abs=1e-6)
        assert found.low == pytest.approx(row["low"], abs=1e-6)
        assert found.high == pytest.approx(row["high"], abs=1e-6)


def test_repeated_interval__each_look__is_that_of_rpact():
    compared = 0
    for row in rscript.values("stagewise")["finals"]:
        for k, low in enumerate(row.get("repeated_low", [])):
            se = (2 / row["n"][k]) ** 0.5

            found = repeated_interval(row["effects"][k], se, row["boundaries"][k])

            assert found == pytest.approx((low, row["repeated_high"][k]), abs=1e-6)
            compared += 1
    assert compared == 6


def test_adjusted__one_look__is_the_plain_test():
    found = adjusted([2.4], [4.0], [norm.isf(0.025)])

    assert found.estimate == pytest.approx(1.2, abs=1e-10)
    assert (found.low, found.high) == pytest.approx(
        (1.2 - norm.isf(0.025) / 2, 1.2 + norm.isf(0.025) / 2), abs=1e-9
    )
    assert found.p_value == pytest.approx(2 * norm.sf(2.4), rel=1e-10)


def test_adjusted__early_winner__is_taken_down_and_its_interval_widened():
    times = [0.25, 0.5, 0.75, 1.0]
    z = bounds(times, "pocock")

    found = adjusted([1.0, z[1] + 0.1], times[:2], z[:2])

    naive, se = (z[1] + 0.1) / 0.5**0.5, 0.5**-0.5
    assert 0 < found.low < found.estimate < naive
    assert found.low > naive - norm.isf(1e-6) * se
    assert found.high < naive + norm.isf(0.025) * se + 1e-9


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(-2.0, 2.0), min_size=0, max_size=3),
    st.floats(-6, 6),
    st.sampled_from(["obrien_fleming", "pocock", "kim_demets:2"]),
)
def test_adjusted__any_path__leaves_out_0_exactly_when_its_p_value_is_small(before, last, name):
    times = [0.3, 0.55, 0.8, 1.0][: len(before) + 1]
    z = bounds([0.3, 0.55, 0.8, 1.0], name)[: len(times)]
    path = [*before, last]

    there, back = adjusted(path, times, z), adjusted([-x for x in path], times, z)

    assert there.low < there.estimate < there.high
    assert back.estimate == pytest.approx(-there.estimate, abs=1e-8)
    assert (back.low, back.high) == pytest.approx((-there.high, -there.low), abs=1e-8)
    if abs(there.p_value - 0.05) > 1e-9:
        assert (there.p_value < 0.05) == (there.low > 0 or there.high < 0)
    if abs(last) > z[-1] + 1e-9:
        assert there.p_value < 0.05


@pytest.mark.parametrize("truth", [0.0, 1.5, 3.0])
def test_adjusted__stopped_experiments__cover_and_are_too_high_as_often_as_too_low(truth):
    """Five hundred experiments that stop where they must; the naive estimate is too far out."""
    rng = np.random.default_rng(31)
    times = np.array([0.2, 0.4, 0.6, 0.8, 1.0])
    z = bounds(list(times), "pocock")
    covered, high, naive, n = 0, 0, [], 500
    for _ in range(n):
        score = np.cumsum(rng.normal(truth * 0.2, 0.2**0.5, 5))
        path = score / times**0.5
        beyond = np.flatnonzero(np.abs(path) > z)
        k = int(beyond[0]) if len(beyond) else 4
        found = adjusted(path[: k + 1], times[: k + 1], z[: k + 1])
        covered += found.low <= truth <= found.high
        high += found.estimate > truth
        naive.append(score[k] / times[k])

    assert covered / n == pytest.approx(0.95, abs=4 * (0.05 * 0.95 / n) ** 0.5)
    assert high / n == pytest.approx(0.5, abs=4 * 0.5 / n**0.5)
    if truth > 0:
        assert np.mean(naive) > truth + 4 * np.std(naive) / n**0.5


def test_adjusted__data_after_the_stop__leave_out_the_look_that_stopped():
    times = [0.25, 0.5, 1.0]
    z = bounds(times, "pocock")

    over_run = adjusted([3.0, 2.9, 2.5], times, z)

    assert over_run.look == 3
    assert over_run.p_value == pytest.approx(adjusted([2.5], [1.0], z[2:]).p_value, rel=1e-12)
    later = adjusted([1.0, 3.0, 2.5], times, z)
    assert later.p_value == pytest.approx(
        adjusted([1.0, 2.5], [0.25, 1.0], [z[0], z[2]]).p_value, rel=1e-12
    )


def test_adjusted__unit_of_information__is_the_unit_of_the_effect():
    times = [0.5, 1.0]
    z = bounds(times)

    small, large = adjusted([1.0, 2.2], times, z), adjusted([1.0, 2.2], [50.0, 100.0], z)

    assert large.estimate == pytest.approx(small.estimate / 10, rel=1e-9)
    assert large.low == pytest.approx(small.low / 10, rel=1e-9)
    assert large.p_value == pytest.approx(small.p_value, rel=1e-9)
