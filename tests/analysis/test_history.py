from datetime import timedelta

import numpy as np
import pytest

from analysis.collect import collect
from analysis.history import NO_TEAM, Past, arrivals, pretend
from analysis.lake.reader import Lake
from analysis.plan import AnalysisPlan, MetricPlan
from analysis.results import NotEstimable
from tests.analysis.lakes import (
    START,
    Population,
    day,
    description,
    event,
    exposure,
    population_lake,
    write_lake,
)

DAYS = MetricPlan("days", "Active days", kind="active_days", role="primary", window_days=14)


def test_pretend__one_date__is_what_a_real_experiment_would_have_read(tmp_path):
    lake = population_lake(tmp_path, Population(n_learners=60, days=70))

    past = pretend(lake, DAYS, day(70))

    exposed = [exposure(f"learner-{number:05d}", "control", day(56)) for number in range(60)]
    plan = AnalysisPlan(
        "points", "Points", "incentive", "learner", ("control", "double"), (0.5, 0.5),
        (DAYS,), started_at=day(50), as_of=day(70),
    )  # fmt: skip
    real = collect(plan, write_lake(tmp_path, exposures=exposed)).metrics["days"]["control"]
    idle = 60 - len(past)  # a real experiment would not have met those who never came
    assert past.dates == (day(56),)
    assert 0 < idle < 60
    assert past.column("outcome").sum() == pytest.approx(real.mean_of("outcome") * 60)
    assert past.column("covariate").sum() < real.mean_of("covariate") * 60 + 1e-9
    assert past.column("covariate").max() > 0


def test_pretend__several_dates__spreads_learners_over_those_they_were_active_before(tmp_path):
    lake = population_lake(tmp_path, Population(n_learners=200, days=84, weekly_hazard=0.01))

    past = pretend(lake, DAYS, day(84), most_dates=4)

    counts = np.bincount(past.date)
    assert past.dates == (day(49), day(56), day(63), day(70))
    assert counts.min() > 0.15 * len(past)
    assert len(past) <= 200


def test_pretend__the_same_lake__gives_the_same_rows(tmp_path):
    population_lake(tmp_path, Population(n_learners=80, days=70))
    first, second = (pretend(Lake.open(tmp_path), DAYS, day(70), most_dates=3) for _ in "ab")

    assert np.array_equal(first.values, second.values)
    assert np.array_equal(first.date, second.date)
    assert np.array_equal(first.team, second.team)


def test_pretend__teams__are_those_described_last(tmp_path):
    rows = [event(f"l{n}", "session_started", day(d)) for n in range(4) for d in (0, 10, 20)]
    described = [
        description("l0", day(0), team="red"),
        description("l0", day(5), team="blue"),
        description("l1", day(0), team="blue"),
        description("l2", day(0), team="red"),
    ]
    lake = write_lake(tmp_path, events=rows, learners=described)

    past = pretend(lake, DAYS, day(28))

    assert past.team.tolist() == [0, 0, 1, NO_TEAM]
    assert past.n_teams == 2


def test_pretend__events_after_the_end__are_not_read(tmp_path):
    rows = [event("l0", "session_started", day(d)) for d in (0, 13, 15, 29)]
    lake = write_lake(tmp_path, events=rows)

    past = pretend(lake, DAYS, day(28))

    assert past.values.tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize(("days", "enough"), [(27, False), (28, True)])
def test_pretend__history_shorter_than_two_windows__says_how_much_is_missing(
    tmp_path, days, enough
):
    lake = write_lake(tmp_path, events=[event("l0", "session_started", day(0))])

    past = pretend(lake, DAYS, day(days))

    assert isinstance(past, Past if enough else NotEstimable)
    if not enough:
        assert "needs 28" in past.reason


def test_pretend__a_metric_with_a_cap__is_capped_as_in_an_experiment(tmp_path):
    rows = [event(f"l{n}", "sale", day(15), value=float(n)) for n in range(100)]
    rows += [event(f"l{n}", "session_started", day(d)) for n in range(100) for d in (0, 13)]
    lake = write_lake(tmp_path, events=rows)
    sales = MetricPlan("s", "Sales", "sum", event_kinds=("sale",), window_days=14, cap_quantile=0.9)

    past = pretend(lake, sales, day(28))

    assert past.columns == ("outcome", "covariate")
    assert past.column("outcome").max() == pytest.approx(89.1)


def test_pretend__empty_lake__is_refused(tmp_path):
    found = pretend(Lake.open(tmp_path), DAYS, day(28))

    assert isinstance(found, NotEstimable)


def test_pretend__a_metric_of_times_to_an_event__is_refused(tmp_path):
    metric = MetricPlan("first", "First sale", kind="time_to_event", event_kinds=("sale",))

    found = pretend(Lake.open(tmp_path), metric, day(90))

    assert isinstance(found, NotEstimable)
    assert "one number a learner" in found.remedy


def test_arrivals__each_learner_and_team__comes_once(tmp_path):
    rows = [
        event("l0", "session_started", day(0.5)),
        event("l0", "session_started", day(2.5)),
        event("l1", "session_started", day(1.5)),
        event("l2", "session_started", day(3.5)),  # after the whole days
        event("l3", "session_started", day(-1)),
        event("l3", "session_started", day(1.1)),
    ]
    described = [description(name, START, team="red") for name in ("l1", "l3")]
    lake = write_lake(tmp_path, events=rows, learners=described)

    learners, teams = arrivals(lake, START, START + timedelta(days=3, hours=1))

    assert learners.tolist() == [1, 2, 0]
    assert teams.tolist() == [0, 1, 0]
