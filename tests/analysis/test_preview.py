"""A metric on last month's data: what an experiment with it would be like."""

import json
from dataclasses import replace

import numpy as np
import pytest

from analysis.history import arrivals, pretend
from analysis.plan import MetricPlan
from analysis.preview import bins_of, limited, preview
from analysis.results import NotEstimable
from analysis.sizing.accrual import Accrual
from analysis.sizing.design import PlannedDesign
from analysis.sizing.sizes import power_with
from tests.analysis.lakes import Population, day, event, population_lake, write_lake

SALES = MetricPlan("sales", "Sales", "sum", event_kinds=("sale",), window_days=14)
CAME = MetricPlan("came", "Came", "retention", window_days=14, minimum_effect=0.05)
VISITS = MetricPlan(
    "visits", "Sales a visit", "ratio", event_kinds=("sale",),
    denominator_kinds=("session_started",), window_days=14,
)  # fmt: skip
END = day(84)


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    population = Population(n_learners=400, sales_per_propensity=8.0)
    return population_lake(tmp_path_factory.mktemp("lake"), population)


def test_preview__metric__is_the_spread_of_what_learners_did(lake):
    past = pretend(lake, SALES, END)
    outcome, before = past.column("outcome"), past.column("covariate")

    found = preview(lake, SALES, END)

    assert found.n_learners == len(past) == found.n_shown
    assert found.mean == pytest.approx(outcome.mean())
    assert found.variance == pytest.approx(outcome.var(ddof=1))
    assert found.share_of_zeros == (outcome == 0).mean() > 0
    assert found.quantiles["0.5"] == pytest.approx(np.median(outcome))
    assert found.variance_reduction == pytest.approx(np.corrcoef(outcome, before)[0, 1] ** 2)
    assert found.exposed_at == past.dates[0].isoformat() == day(70).isoformat()
    assert found.limits is None
    assert found.lake_version == lake.version
    json.dumps(found.to_json(), allow_nan=False)


@pytest.mark.parametrize("limits", [{"cap": 300.0, "floor": 20.0}, {"cap_quantile": 0.9}])
def test_preview__limits__are_those_that_a_readout_sets(lake, limits):
    metric = replace(SALES, **limits)
    raw, real = pretend(lake, SALES, END), pretend(lake, metric, END)

    found = preview(lake, metric, END)

    assert limited(raw, metric).values == pytest.approx(real.values)
    assert found.mean == pytest.approx(real.column("outcome").mean())
    changed = real.column("outcome") < raw.column("outcome") - 1e-9
    assert found.limits.share_above == pytest.approx(changed.mean())
    assert found.limits.mean_without == pytest.approx(raw.column("outcome").mean())
    assert 0 < found.limits.share_above < 0.5
    assert (found.limits.share_below > 0) == ("floor" in limits)


def test_preview__days__are_those_that_bring_the_learners_that_the_power_takes(lake):
    metric = replace(CAME, minimum_effect=0.12)
    found = preview(lake, metric, END)

    small, own = found.detections

    assert (small.what, own.what) == ("relative", "minimum")
    assert small.effect == pytest.approx(0.02 * found.mean)
    assert own.effect == 0.12
    middle = found.mean + 0.06
    variance = middle * (1 - middle) * (1 - found.variance_reduction)
    assert power_with(own.n_learners, 0.12, variance, PlannedDesign()) >= 0.8
    assert power_with(own.n_learners - 1, 0.12, variance, PlannedDesign()) < 0.8
    came, _ = arrivals(lake, day(0), END)
    by_hand = Accrual(tuple(came.tolist())).days_for(own.n_learners, 14)
    assert own.days is None or own.days == pytest.approx(by_hand.days, rel=0.05)
    assert small.n_learners > own.n_learners


def test_preview__nobody_new_comes_any_more__says_so_and_keeps_the_number(tmp_path):
    rng = np.random.default_rng(1)
    rows = [
        event(f"l{n}", "sale", day(float(at)), float(rng.uniform(1, 9)))
        for n in range(150)
        for at in rng.uniform(0, 83, 6)
    ]
    visits = [event(f"l{n}", "session_started", day(at)) for n in range(150) for at in (0.1, 60)]

    found = preview(write_lake(tmp_path, events=rows + visits), SALES, END)

    (small,) = found.detections
    assert small.n_learners > 150
    assert small.days is None
    assert "never come" in small.why_not.reason


def test_preview__co_primaries__take_more_learners_and_days(lake):
    metric = replace(CAME, minimum_effect=0.12)

    alone, shared = (preview(lake, metric, END, co_primaries=n).detections[1] for n in (0, 2))

    third = PlannedDesign(alpha=0.05 / 3).one_look_drift
    assert shared.n_learners / alone.n_learners == pytest.approx(
        (third / PlannedDesign().one_look_drift) ** 2, rel=0.02
    )
    assert shared.days > alone.days


def test_preview__ratio__shows_each_learners_own_and_the_error_of_the_whole(lake):
    past = pretend(lake, VISITS, END)
    above, below = past.column("outcome"), past.column("denominator")

    found = preview(lake, VISITS, END)

    assert found.mean == pytest.approx(above.sum() / below.sum())
    assert found.n_shown == (below > 0).sum() < len(past)
    assert sum(one.n for one in found.bins) == found.n_shown
    own = above[below > 0] / below[below > 0]
    assert found.quantiles["0.75"] == pytest.approx(np.quantile(own, 0.75))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"kind": "time_to_event"}, "kept as a life"),
        ({"kind": "quantile", "quantile": 0.5}, "kept as a quantile"),
        ({"window_days": 60}, "history begins"),
        ({"event_kinds": ("custom:nothing",)}, "was the same for all"),
    ],
)
def test_preview__what_cannot_be_shown__says_why_and_what_helps(lake, change, why):
    found = preview(lake, replace(SALES, **change), END)

    assert isinstance(found, NotEstimable)
    assert why in found.reason
    assert found.remedy


def test_preview__few_learners__cannot_tell(tmp_path):
    lake = population_lake(tmp_path, Population(n_learners=60))

    found = preview(lake, SALES, END)

    assert isinstance(found, NotEstimable)
    assert "at least 100" in found.remedy


def test_preview__score_without_norms__is_refused(lake):
    with pytest.raises(ValueError, match="needs the score's norms"):
        preview(lake, MetricPlan("s", "Score", "score"), END)


def test_bins__few_whole_numbers__are_one_each():
    found = bins_of(np.array([0.0] * 90 + [1.0] * 8 + [3.0] * 2))

    assert [(one.low, one.high, one.n) for one in found] == [
        (0, 1, 90), (1, 2, 8), (2, 3, 0), (3, 4, 2),
    ]  # fmt: skip


def test_bins__a_few_far_out__share_the_last_bin():
    values = np.concatenate([np.linspace(0, 100, 996), [5_000.0, 9_000.0, 1e6, 2e6]])

    found = bins_of(values)

    assert found[-1].high is None
    assert found[-1].n >= 4
    assert found[-1].low == pytest.approx(found[-2].high)
    assert sum(one.n for one in found) == len(values)
    assert 10 <= len(found) <= 22


@pytest.mark.parametrize("seed", range(6))
def test_bins__any_values__hold_each_learner_once(seed):
    rng = np.random.default_rng(seed)
    values = rng.lognormal(seed - 3, 1 + seed / 2, 500) * rng.choice([-1.0, 0.0, 1.0], 500)

    found = bins_of(values)

    assert sum(one.n for one in found) == 500
    assert len(found) <= 24
    closed = [one for one in found if one.high is not None]
    for one in closed:
        slack = 1e-9 * (one.high - one.low)
        low, high = one.low - slack, one.high - slack
        assert one.n == ((values >= low) & (values < high)).sum()


@pytest.mark.parametrize(("size", "shown"), [(1e9, True), (1e13, False)])
def test_preview__huge_values__leave_out_what_no_json_carries(tmp_path, size, shown):
    rng = np.random.default_rng(2)
    rows = [
        event(f"l{n}", "sale", day(float(at)), size * float(rng.uniform(1, 900)))
        for n in range(120)
        for at in (50, *[75] * 15)
    ]
    visits = [event(f"l{n}", "session_started", day(at)) for n in range(120) for at in (0.1, 60)]

    found = preview(write_lake(tmp_path, events=rows + visits), SALES, END)

    if shown:
        assert found.variance is None
        assert found.sd > 0
    else:
        assert "larger unit" in found.remedy
