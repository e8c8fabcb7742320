"""Are the beliefs calibrated, in worlds drawn from their own prior."""

import pytest

from analysis.bayes import calibration
from analysis.bayes.calibration import calibrate


@pytest.mark.parametrize(("model", "rounds"), [("segments", 60), ("scores", 150)])
def test_calibrate__grid__ranks_are_uniform(model, rounds):
    found, by_nuts = calibrate(model, rounds, seed=1, sampling=False)

    assert by_nuts == 0
    for each in found:
        assert sum(each.bins) == rounds
        assert each.p_value > 1e-3
        assert each.coverage == pytest.approx(0.9, abs=4 * (0.09 / rounds) ** 0.5)


@pytest.mark.slow
@pytest.mark.parametrize(("model", "rounds"), [("segments", 8), ("scores", 12)])
def test_calibrate__nuts__ranks_are_uniform(model, rounds):
    found, by_nuts = calibrate(model, rounds, seed=2)

    assert by_nuts > 0.5
    for each in found:
        assert each.p_value > 1e-3
        assert each.coverage == pytest.approx(0.9, abs=4 * (0.09 / rounds) ** 0.5)


def test_calibrate__beliefs_too_sure__are_found_out(monkeypatch):
    right = calibration.WORLDS["scores"]

    def too_sure(rng, sampling):
        quantities, by_nuts = right(rng, sampling)
        return {
            name: (truth, draws.mean() + (draws - draws.mean()) / 3)
            for name, (truth, draws) in quantities.items()
        }, by_nuts

    monkeypatch.setitem(calibration.WORLDS, "scores", too_sure)

    found, _ = calibrate("scores", 100, seed=1, sampling=False)

    assert found[0].p_value < 1e-6
    assert found[0].coverage < 0.75
