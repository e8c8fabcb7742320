"""A co-primary and two treatments: one error rate for all four tests, as the page says."""

import numpy as np
import pytest
from scipy.special import ndtri

from analysis.plan import MetricPlan, PreviousLook
from analysis.read import read
from analysis.results import Verdict
from analysis.statistics.moments import Moments
from benchmarks import _primaries, error_rates
from tests.analysis.collecting import SCORE, collected, plan

N = 20_000
SALES = MetricPlan("sales", "Sales", "sum", role="co_primary", minimum_effect=10.0)
TREATMENTS = ("double", "triple")
POWER_Z = 0.8416212335729143


def beyond(promised, n=N):
    """What a simulation of n may find at most, where so much is promised."""
    return promised + 4 * (promised * (1 - promised) / n) ** 0.5


@pytest.mark.parametrize("number", range(len(_primaries.WORLDS)))
def test_primaries__any_world__promises_are_kept_and_holm_finds_more(number):
    world = _primaries.WORLDS[number]
    n = N if world.looks <= 5 else 5_000

    found = _primaries.measure(world, np.random.default_rng([31, number]), n)

    assert found.ship <= beyond(0.025, n)
    assert found.call <= beyond(0.075, n)
    assert found.family <= beyond(0.05, n)
    assert found.by_holm > found.by_bonferroni + 0.05


def test_primaries__without_a_correction__would_break_the_promise():
    """What the other tests rest on."""
    world = _primaries.World(0.0, 1)
    z = world.z(np.random.default_rng(32), N)

    assert (z > 1.96).any(axis=(1, 2, 3)).mean() > beyond(0.05)


def test_primaries__looks__are_those_of_every_other_rule():
    assert {world.looks for world in _primaries.WORLDS} == set(error_rates.LOOKS)


def test_page__every_world__has_its_row():
    page = error_rates.PAGE.read_text()
    table = page.split("<!-- begin co-primaries -->")[1].split("<!-- end")[0]

    assert table.count("\n| ") == len(_primaries.WORLDS) + 1


@pytest.mark.parametrize("late", [False, True], ids=["even", "late"])
def test_whole_decision__the_rule_that_is_simulated__is_the_readouts(late):
    world = _primaries.World(0.5, 4, late, ((1.6, 0.4), (-0.6, 2.4)))
    z = world.z(np.random.default_rng(33), 60)
    first, ship = _primaries.decide(z, world, _primaries.world_bars(world))

    found = [_first_call(path, world.times) for path in z]

    assert (first != _primaries.NEVER).sum() > 20
    assert [look for look, _ in found] == list(first)
    assert [verdict is Verdict.SHIP for _, verdict in found] == list(ship)


def _first_call(path, times):
    """The look and the verdict of the first call in readouts of one experiment."""
    before = ()
    for k in range(path.shape[0]):
        asked = plan(
            metrics=(SCORE, SALES),
            variants=("control", *TREATMENTS),
            look=k + 1,
            looks_planned=path.shape[0],
            final=k + 1 == path.shape[0],
            minimum_days=0,
            previous_looks=before,
        )
        statistics = {
            metric.key: _arms(path[k, :, number], times[number, k], metric.minimum_effect)
            for number, metric in enumerate(asked.metrics)
        }
        found = read(asked, collected(statistics))
        at = found.sequential
        co_information = {each.metric: each.information_fraction for each in at.co_primaries}
        before += (
            PreviousLook(
                k + 1, at.information_fraction, at.alpha_spent, co_information=co_information
            ),
        )
        if found.decision.verdict in (Verdict.SHIP, Verdict.ROLL_BACK):
            return k, found.decision.verdict
        assert found.decision.rule != "evidence-disagrees"
    return _primaries.NEVER, None


def _arms(z, time, minimum):
    """A control and two treatments that are these z apart, with so much of the information."""
    n = 1_000_000
    share = 0.05 / _primaries.N_TESTS
    wished = minimum / (-ndtri(share / 2) + POWER_Z)
    se = wished / time**0.5
    m2 = np.array([[se**2 / 2 * n * (n - 1)]])
    means = zip(("control", *TREATMENTS), (0.0, *z), strict=True)
    return {each: Moments(("outcome",), n, np.array([50.0 + at * se]), m2) for each, at in means}
