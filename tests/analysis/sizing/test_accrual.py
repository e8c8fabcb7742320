import numpy as np
import pytest

from analysis.sizing.accrual import Accrual, detectable_by
from analysis.sizing.design import PlannedDesign
from analysis.sizing.sizes import detectable_with


def test_accrual__within_the_known_days__is_what_came():
    coming = Accrual((100, 60, 30, 10))

    assert coming.units_by(2) == 160
    assert coming.days_for(160).days == 2
    assert coming.days_for(161).days == 3
    assert coming.units_by(0) == coming.units_by(-3) == 0


def test_accrual__after_the_known_days__goes_on_as_the_last_two_weeks():
    coming = Accrual((500,) * 7 + (20,) * 14)

    assert coming.units_by(31) == 3780 + 200
    assert coming.days_for(3980).days == pytest.approx(31)
    assert coming.days_for(3980, window_days=28).days == pytest.approx(59)


def test_accrual__nobody_comes_any_more__is_not_a_number_of_days():
    coming = Accrual((500,) * 7 + (0,) * 14)

    assert coming.days_for(3400).days == 7
    assert coming.days_for(3400).high is not None
    assert coming.days_for(3500).high is None  # a few fewer, and it is never reached
    assert coming.days_for(3600) is None


def test_accrual__interval__holds_simulated_enrolments():
    rng = np.random.default_rng(3)
    rate = np.array([80] * 7 + [40] * 21)
    true_day = float(np.searchsorted(rate.cumsum(), 900) + 1)
    found = [Accrual(tuple(rng.poisson(rate))).days_for(900) for _ in range(400)]

    held = np.mean([each.low <= true_day <= each.high for each in found])
    assert held >= 0.84  # 90 %, whole days make it wider


def test_accrual__a_slow_pace__is_not_rounded_away():
    assert Accrual.steady(0.25).days_for(100).days == pytest.approx(400)


def test_detectable_by__weeks__counts_complete_windows_only():
    design = PlannedDesign()
    found = detectable_by((2, 4, 8), Accrual.steady(50), 21, 9.0, design)

    assert found[2] is None
    assert found[4] == pytest.approx(detectable_with(350, 9.0, design))
    assert found[8] < found[4]
