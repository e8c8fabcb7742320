from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from analysis.checks import CHECKS, check_all
from analysis.checks.trust import Trust
from analysis.statistics.moments import Moments
from tests.analysis.collecting import START, moments, teams


def trust(**changes):
    rng = np.random.default_rng(0)
    values = {
        "variants": ("control", "double"),
        "weights": (0.5, 0.5),
        "unit_kind": "learner",
        "n_exposed": {"control": 500, "double": 510},
        "n_crossed": 0,
        "primary": {
            v: moments(rng.normal(50, 10, 400), rng.normal(40, 10, 400))
            for v in ("control", "double")
        },
        "final": False,
        "window_days": 28,
        "as_of": START + timedelta(days=40),
        "latest_received_at": START + timedelta(days=39),
    }
    return Trust(**{**values, **changes})


def found(name, **changes):
    return next((c for c in check_all(trust(**changes)) if c.name == name), None)


def test_checks__healthy_experiment__all_pass():
    results = check_all(trust())

    # No table, no days, no caps, no crossover.
    not_asked = {"missing_outcomes", "novelty", "outliers", "carry_over"}
    assert all(check.passed for check in results)
    assert [c.name for c in results] == [c.name for c in CHECKS if c.name not in not_asked]


@pytest.mark.parametrize(("n_crossed", "passed"), [(0, True), (10, True), (11, False)])
def test_crossed_units__more_than_one_percent__stops(n_crossed, passed):
    check = found("crossed_units", n_crossed=n_crossed)

    assert (check.passed, check.severity) == (passed, "stop")


def test_maturity__no_complete_window__warns():
    empty = {v: Moments.empty(("outcome", "covariate")) for v in ("control", "double")}

    check = found("maturity", primary=empty)

    assert (check.passed, check.severity) == (False, "warn")
    assert "28 days" in check.sentence


def test_maturity__no_exposure__says_so():
    check = found("maturity", primary={}, n_exposed={"control": 0, "double": 0})

    assert "No exposure" in check.sentence


@pytest.mark.parametrize(("final", "severity"), [(False, "warn"), (True, "stop")])
def test_enough_units__one_unit__warns_and_at_the_last_look_stops(final, severity):
    one = {"control": moments([1.0, 2.0], [1.0, 2.0]), "double": moments([1.0], [1.0])}

    check = found("enough_units", primary=one, final=final)

    assert (check.passed, check.severity) == (False, severity)


@pytest.mark.parametrize(("n_teams", "passed"), [(5, False), (6, True)])
def test_enough_units__below_six_teams__warns(n_teams, passed):
    rng = np.random.default_rng(0)
    primary = {"control": teams(rng, 9), "double": teams(rng, n_teams)}

    check = found("enough_units", unit_kind="team", primary=primary)

    assert (check.passed, check.severity) == (passed, "warn")


@pytest.mark.parametrize("by_team", [False, True])
def test_balance__different_before_exposure__warns(by_team):
    rng = np.random.default_rng(1)
    primary = {
        "control": moments(rng.normal(50, 10, 400), rng.normal(40, 10, 400)),
        "double": moments(rng.normal(50, 10, 400), rng.normal(46, 10, 400)),
    }
    if by_team:
        primary = {"control": teams(rng, 40), "double": teams(rng, 40)}
        primary["double"].sums[:, 1] += 12 * primary["double"].n

    check = found("balance", primary=primary)

    assert (check.passed, check.severity) == (False, "warn")
    assert "double differed from control before exposure" in check.sentence


def test_balance__no_covariate__does_not_apply():
    primary = {v: moments([1.0, 2.0, 4.0]) for v in ("control", "double")}

    assert found("balance", primary=primary) is None


def test_balance__nobody_did_anything_before__does_not_apply():
    primary = {v: moments([1.0, 2.0, 4.0], [0.0, 0.0, 0.0]) for v in ("control", "double")}

    assert found("balance", primary=primary) is None


def test_freshness__nothing_for_three_days__warns():
    check = found("freshness", latest_received_at=START + timedelta(days=36))

    assert (check.passed, check.severity) == (False, "warn")
    assert "4 days before the look" in check.sentence


def test_freshness__empty_lake__warns():
    assert not found("freshness", latest_received_at=None).passed


def test_missing_outcomes__some__are_counted_by_column():
    check = found("missing_outcomes", n_missing={"score": 3, "arm": 0})

    assert not check.passed
    assert "score 3" in check.sentence


def test_checks__a_finished_table__has_no_windows_and_no_clock():
    names = {c.name for c in check_all(replace(trust(), window_days=None, as_of=None))}

    assert names.isdisjoint({"maturity", "freshness"})
