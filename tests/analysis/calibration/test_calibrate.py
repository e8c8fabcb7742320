from datetime import timedelta

import numpy as np
import pytest
from scipy import stats

from analysis.calibration.calibrate import Calibration, Splits, calibrate
from analysis.calibration.rates import binomial_interval, judge
from analysis.calibration.splits import Splitter, fair_draws
from analysis.history import Past
from analysis.plan import MetricPlan
from analysis.results import NotEstimable
from analysis.statistics.clusters import ClusterSums
from analysis.statistics.moments import Moments
from tests.analysis.lakes import START

METRIC = MetricPlan("days", "Active days", kind="active_days", window_days=14)


def past(outcome, covariate=None, team=None, date=None, denominator=None):
    given = {"outcome": outcome, "covariate": covariate, "denominator": denominator}
    columns = {name: values for name, values in given.items() if values is not None}
    n = len(outcome)
    date = np.zeros(n, dtype=int) if date is None else date
    return Past(
        METRIC,
        tuple(START + timedelta(days=7 * k) for k in range(int(date.max()) + 1)),
        tuple(columns),
        np.column_stack([np.asarray(each, dtype=float) for each in columns.values()]),
        date,
        np.full(n, -1) if team is None else team,
    )


def teams_past(rng, n_teams=60, size=20, icc=0.15):
    team = np.repeat(np.arange(n_teams), size)
    shared = rng.normal(0, icc**0.5, n_teams)[team]
    return past(10 + shared + rng.normal(0, (1 - icc) ** 0.5, len(team)), team=team)


def by_rule(found):
    return {rate.rule: rate for rate in found.rates}


# --- splits


@pytest.mark.parametrize("by_team", [False, True])
def test_splits__moments__are_those_of_the_drawn_rows(by_team):
    rng = np.random.default_rng(0)
    values = rng.normal(1e4, 1, (40, 3))
    look, unit = rng.integers(0, 2, 40), np.arange(40) // 4
    splitter = Splitter(("outcome", "covariate", "other"), values, look, unit if by_team else None)
    draw = fair_draws(splitter.n_units, seed=3)

    arms = list(splitter.moments(draw, 5))

    drawn = draw(4, 1)[0]
    treated = drawn[unit] if by_team else drawn
    for at, each in enumerate(arms[4]):
        rows = values[treated & (look <= at)]
        expected = Moments.of(("outcome", "covariate", "other"), rows)
        assert each.treatment.n == expected.n
        assert each.treatment.mean == pytest.approx(expected.mean, rel=1e-12)
        assert each.treatment.m2 == pytest.approx(expected.m2, rel=1e-8)
        assert each.control.n == (~treated & (look <= at)).sum()


def test_splits__cluster_sums__are_those_of_the_drawn_teams():
    rng = np.random.default_rng(0)
    values, unit = rng.normal(5, 1, (60, 1)), np.arange(60) // 6
    splitter = Splitter(("outcome",), values, np.zeros(60, dtype=int), unit)
    draw = fair_draws(10, seed=3)

    arms = next(splitter.cluster_sums(draw, 1))[0]

    drawn = np.flatnonzero(draw(0, 1)[0])
    assert isinstance(arms.treatment, ClusterSums)
    assert arms.treatment.n.tolist() == [6] * len(drawn)
    assert arms.treatment.sums[:, 0] == pytest.approx([values[unit == t].sum() for t in drawn])


def test_draws__a_split__is_the_same_whatever_the_portion():
    draw = fair_draws(50, seed=9)

    assert np.array_equal(draw(0, 10)[7], draw(7, 1)[0])


# --- rates


def test_binomial_interval__counts__are_scipys():
    for count in (0, 3, 50, 100):
        expected = stats.binomtest(count, 100).proportion_ci(0.95, method="exact")
        assert binomial_interval(count, 100, 0.05) == pytest.approx(tuple(expected), abs=1e-9)


@pytest.mark.parametrize(
    ("count", "promised", "judgement"),
    [
        (50, 0.05, "as promised"),
        (90, 0.05, "too often"),
        (5, 0.05, "careful"),
        (300, None, "not used"),
    ],
)
def test_judge__calls_of_a_thousand__are_named(count, promised, judgement):
    assert judge(count, 1000, promised) == judgement


# --- calibrate


def test_calibrate__learners_with_looks__every_rule_keeps_its_promise():
    rng = np.random.default_rng(5)
    before = rng.gamma(2, 5, 3000)
    after = 0.7 * before + rng.gamma(2, 3, 3000)
    found = calibrate(past(after, before, date=rng.integers(0, 5, 3000)), Splits(n=1500))

    rates = by_rule(found)
    assert found.holds
    assert set(rates) == {"plain", "used", "looks", "any_look", "every_look"}
    for name in ("plain", "used", "looks"):
        assert rates[name].judgement == "as promised"
        assert rates[name].low <= rates[name].false_positives <= rates[name].high
    assert rates["any_look"].judgement == "careful"
    # Five looks at 1.96 each: 14.2 % (Armitage, McPherson, Rowe 1969).
    assert rates["every_look"].false_positives == pytest.approx(0.142, abs=0.036)
    for name in ("plain", "used"):
        assert rates[name].coverage == pytest.approx(0.95, abs=0.0225)
        assert rates[name].uniform_p > 0.001


def test_calibrate__teams_that_are_alike__ignoring_them_is_warned_of():
    found = calibrate(teams_past(np.random.default_rng(2)), Splits(n=800))

    rates = by_rule(found)
    # A standard error too small by the root of the design effect: P(|z| > 1.96 / sqrt(deff)).
    expected = 2 * stats.norm.sf(1.96 / found.facts.teams.design_effect**0.5)
    assert rates["teams"].judgement == "as promised"
    assert rates["teams_ignored"].judgement == "not used"
    assert rates["teams_ignored"].false_positives == pytest.approx(expected, abs=0.08)
    assert rates["teams_ignored"].false_positives > 0.2
    assert any("make the team the unit" in each for each in found.warnings)


def test_calibrate__teams_by_chance__are_not_warned_of():
    rng = np.random.default_rng(3)
    found = calibrate(past(rng.normal(0, 1, 900), team=np.arange(900) // 15), Splits(n=300))

    assert not any("team" in each for each in found.warnings)


def test_calibrate__a_few_learners_decide__is_warned_of():
    rng = np.random.default_rng(4)
    # Five of 400 learners have nearly everything: whoever gets them decides.
    outcome = np.zeros(400)
    outcome[:5] = 1e6
    outcome += rng.normal(0, 1, 400)

    found = calibrate(past(outcome), Splits(n=1000))

    assert by_rule(found)["used"].uniform_p < 1e-6
    assert any("a few learners decide" in each for each in found.warnings)


def test_calibrate__yes_or_no__covers_no_difference():
    rng = np.random.default_rng(6)
    found = calibrate(past((rng.random(600) < 0.03).astype(float)), Splits(n=500))

    rate = by_rule(found)["used"]
    assert found.facts.yes_or_no
    assert rate.coverage == pytest.approx(1 - rate.false_positives)


def test_calibrate__a_ratio__keeps_its_promise():
    rng = np.random.default_rng(7)
    sessions = rng.poisson(4, 1000) + 0.0
    found = calibrate(
        past(rng.binomial(sessions.astype(int), 0.3), denominator=sessions), Splits(n=800)
    )

    assert found.holds
    assert found.facts.mean == pytest.approx(0.3, abs=0.02)
    assert by_rule(found)["used"].coverage == pytest.approx(0.95, abs=0.03)


@pytest.mark.parametrize("outcome", [np.arange(99.0), np.full(500, 3.0), np.zeros(0)])
def test_calibrate__too_little_to_judge__is_refused(outcome):
    found = calibrate(past(outcome) if len(outcome) else _nobody())

    assert isinstance(found, NotEstimable)


def test_calibrate__json__is_plain():
    found = calibrate(past(np.random.default_rng(1).normal(0, 1, 200)), Splits(n=50))

    plain = found.to_json()
    assert isinstance(found, Calibration)
    assert plain["metric"] == "days"
    assert plain["rates"][0]["n_splits"] == 50


def _nobody():
    none = np.zeros(0, dtype=int)
    return Past(METRIC, (START,), ("outcome",), np.zeros((0, 1)), none, none)
