import numpy as np

from analysis.calibration.calibrate import Splits, calibrate
from analysis.history import pretend
from analysis.plan import MetricPlan
from tests.analysis.lakes import START, day, description, event, write_lake

DAYS = MetricPlan("days", "Active days", kind="active_days", window_days=14)


def lake_of_teams(root, n_teams=40, size=10, days=42):
    """Half of the teams are active on 30 % of days, half on 50 %: an ICC of 0.38."""
    rng = np.random.default_rng(11)
    events, described = [], []
    for team in range(n_teams):
        for number in range(size):
            learner = f"l{team:02d}-{number:02d}"
            described.append(description(learner, START, team=f"team-{team}"))
            active = rng.random(days) < (0.3 if team % 2 else 0.5)
            events += [
                event(learner, "session_started", day(int(d))) for d in np.flatnonzero(active)
            ]
    return write_lake(root, events=events, learners=described)


def test_calibrate__a_lake_of_teams_that_differ__finds_how_alike_they_are_and_what_it_costs(
    tmp_path,
):
    found = calibrate(pretend(lake_of_teams(tmp_path), DAYS, day(42)), Splits(n=600))

    rates = {rate.rule: rate for rate in found.rates}
    # Binomial(14, p): 14² x 0.01 between teams, 14 x 0.23 within; four standard errors.
    assert abs(found.facts.teams.icc - 0.378) < 0.155
    assert (found.facts.n_learners, found.facts.teams.n) == (400, 40)
    assert found.holds
    assert rates["used"].judgement == rates["teams"].judgement == "as promised"
    assert rates["teams_ignored"].low > 0.1
    assert any("make the team the unit" in each for each in found.warnings)
