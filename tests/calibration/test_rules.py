"""The tables of docs/statistics/error-rates.md, in short: nothing beyond its promise."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.plan import PreviousLook
from analysis.read import read
from analysis.results import Verdict
from analysis.statistics.moments import Moments
from benchmarks import _coverage, _rules, error_rates
from tests.analysis.collecting import SCORE, collected, plan

N = 4_000
PROMISING = [rule for rule in _rules.RULES if rule.nominal is not None]


@pytest.mark.parametrize("rule", PROMISING, ids=lambda rule: rule.title)
@pytest.mark.parametrize("looks", error_rates.LOOKS)
def test_rule__no_effect__calls_no_more_often_than_it_promises(rule, looks):
    assert not error_rates.measure(rule, looks, N).too_high


def test_page__every_rule_and_shape__has_its_row():
    page = error_rates.PAGE.read_text()
    rows = [rule.title for rule in _rules.RULES] + [each.title for each in _coverage.SETTINGS]

    missing = [row for row in rows if f"| {row} |" not in page]
    assert missing == [], "run python -m benchmarks error_rates"


def test_rate__beyond_its_promise__is_noticed():
    """What the other tests rest on."""
    rule = next(rule for rule in _rules.RULES if rule.nominal is None and rule.powers)

    assert error_rates.measure(replace(rule, nominal=0.05), 14, N).too_high


@pytest.mark.parametrize("spending", error_rates.SPENDINGS)
@pytest.mark.parametrize("looks", [5, 14])
def test_power__simulated__is_the_integrated_one(spending, looks):
    found = _rules.Rule("", None, _rules._spending(spending))

    simulated = error_rates.measure(found, looks, N, _rules.EFFECT_OF_80).share

    expected = error_rates.theoretical_power(spending, looks)
    assert simulated == pytest.approx(expected, abs=4 * (0.2 * 0.8 / N) ** 0.5)


@pytest.mark.parametrize(
    "setting", _coverage.SETTINGS, ids=lambda setting: f"{setting.method}, {setting.title}"
)
def test_interval__any_shape__holds_the_truth_as_often_as_promised(setting):
    n = 500

    held, refused = _coverage.coverage(setting, np.random.default_rng(19), n)

    assert refused == 0
    assert held > setting.least - 4 * (0.05 * 0.95 / n) ** 0.5


def test_whole_decision__the_rule_that_is_simulated__is_the_readouts():
    """A readout calls where the simulated rule does, or later where a doubt holds it back."""
    looks, minimum = 5, 1.0
    experiments = _rules.Experiments(np.random.default_rng(23), looks, 60, 2.4)
    paths = experiments.z()[..., 0]
    expected = _rules.decision_calls(paths, experiments.times)

    found = np.array([_first_call(path, experiments.times, minimum) for path in paths])

    assert (expected != _rules.NEVER).sum() > 20
    assert list(found) == list(expected)


def _first_call(path, times, minimum):
    before = ()
    for k, (z, time) in enumerate(zip(path, times, strict=True)):
        asked = plan(
            metrics=(replace(SCORE, minimum_effect=minimum),),
            look=k + 1,
            looks_planned=len(times),
            final=k + 1 == len(times),
            minimum_days=0,
            care=100.0,
            previous_looks=before,
        )
        found = read(asked, collected({"energize": _arms(z, time, minimum)}))
        before += (
            PreviousLook(
                k + 1, found.sequential.information_fraction, found.sequential.alpha_spent
            ),
        )
        if found.decision.verdict in (Verdict.SHIP, Verdict.ROLL_BACK):
            return k
    return _rules.NEVER


def _arms(z, time, minimum):
    """Two arms that are this z apart, with so much of the planned information."""
    n = 1_000_000
    se = minimum / _rules.EFFECT_OF_80 / time**0.5
    m2 = np.array([[se**2 / 2 * n * (n - 1)]])
    return {
        "control": Moments(("outcome",), n, np.array([50.0]), m2),
        "double": Moments(("outcome",), n, np.array([50.0 + z * se]), m2),
    }
