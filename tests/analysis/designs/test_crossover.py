import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from scipy import stats

from analysis.designs.periods import collect
from analysis.methods import crossover
from analysis.metrics import METRIC_KINDS
from analysis.plan import AnalysisPlan, CrossoverPlan, MetricPlan
from analysis.read import read, run_readout
from analysis.results import NotEstimable, Readout, Verdict
from analysis.statistics.collected import ByOrder, Collected
from analysis.statistics.moments import Moments
from experiment_server.experiments.designs.crossover import NO_OUTCOME_BY_PERIOD
from tests.analysis.lakes import START, day, event, exposure, write_lake

SALES = MetricPlan(
    "sales",
    "Sales",
    kind="sum",
    role="primary",
    event_kinds=("sale",),
    window_days=7,
    minimum_effect=5.0,
    unit_label="EUR",
)
TWO = {"order-1": ("text", "video"), "order-2": ("video", "text")}
THREE = {
    f"order-{n + 1}": order
    for n, order in enumerate(
        [tuple("abc"), tuple("bca"), tuple("cab"), tuple("acb"), tuple("bac"), tuple("cba")]
    )
}


def crossing(orders=TWO, period_days=10, washout_days=2):
    places = {
        f"{key}/{at + 1}": (key, at + 1)
        for key, order in orders.items()
        for at in range(len(order))
    }
    return CrossoverPlan(period_days, washout_days, orders, places)


def plan(orders=TWO, **changes):
    treatments = tuple(dict.fromkeys(t for order in orders.values() for t in order))
    values = {
        "experiment": "points",
        "title": "Video or text",
        "domain": "messaging",
        "unit_kind": "learner",
        "variants": treatments,
        "weights": tuple(1 / len(treatments) for _ in treatments),
        "metrics": (SALES,),
        "started_at": START,
        "as_of": START + timedelta(days=10 * len(treatments)),
        "final": True,
        "crossover": crossing(orders),
    }
    return AnalysisPlan(**{**values, **changes})


def rows_of(values, order, first_day=0.5, prefix="l"):
    """One sale a period of these values, (n, periods), well after the washout."""
    events, exposures = [], []
    for number, row in enumerate(values):
        learner = f"{prefix}-{order}-{number}"
        for at, value in enumerate(row):
            when = day(10 * at + (first_day if at == 0 else 0.5))
            exposures.append(exposure(learner, f"{order}/{at + 1}", when))
            events.append(event(learner, "sale", day(10 * at + 5), float(value)))
    return events, exposures


def draw(seed, n=30, effect=6.0, orders=TWO, lingers=0.0):
    """Values by order: learners differ a lot, periods drift, video adds the effect."""
    rng = np.random.default_rng(seed)
    gain = {"video": effect, "b": effect}
    found = {}
    for key, order in orders.items():
        level = rng.normal(100, 30, n)[:, None]
        own = np.array([gain.get(t, 0.0) for t in order])
        before = np.array([0.0, *(lingers * gain.get(t, 0.0) for t in order[:-1])])
        drift = 3.0 * np.arange(len(order))
        found[key] = level + own + before + drift + rng.normal(0, 5, (n, len(order)))
    return found


def lake_of(path, values, **more):
    events, exposures = [], []
    for key, table in values.items():
        some_events, some_exposures = rows_of(table, key)
        events += some_events
        exposures += some_exposures
    return write_lake(
        path,
        events=[*events, *more.get("events", [])],
        exposures=[*exposures, *more.get("exposures", [])],
    )


def from_values(values, orders=TWO, n_late=0):
    """What the pass would bring back of these values."""
    columns = tuple(f"period_{at + 1}" for at in range(len(next(iter(orders.values())))))
    moments = {key: Moments.of(columns, table) for key, table in values.items()}
    n = sum(each.n for each in moments.values())
    treatments = {t for order in orders.values() for t in order}
    return Collected(
        n_exposed=dict.fromkeys(treatments, n),
        n_mature=dict.fromkeys(treatments, n),
        n_learners=dict.fromkeys(treatments, n),
        n_crossed=0,
        metrics={},
        by_order=ByOrder(
            {"sales": moments}, {key: each.n for key, each in moments.items()}, n_late, 0
        ),
    )


def test_crossover__planted_effect__is_found_from_the_lake(tmp_path):
    values = draw(1)

    found = run_readout(plan(), lake_of(tmp_path, values))

    estimate = found.primary.estimates[0]
    gaps = [values[key][:, 1] - values[key][:, 0] for key in TWO]
    test = stats.ttest_ind(*gaps, equal_var=False)
    assert (estimate.method, estimate.variant, estimate.control) == ("crossover", "video", "text")
    assert estimate.effect == pytest.approx((gaps[0].mean() - gaps[1].mean()) / 2)
    assert estimate.p_value == pytest.approx(test.pvalue, rel=1e-7)
    assert estimate.low < 6.0 < estimate.high
    assert (estimate.n, found.n_exposed["video"], found.n_mature["text"]) == (60, 60, 60)
    assert found.decision.verdict is Verdict.SHIP
    assert found.decision.winner == "video"


def test_crossover__lake__gives_the_moments_of_the_rows(tmp_path):
    values = draw(2, n=9, orders=THREE)

    found = collect(plan(THREE), lake_of(tmp_path, values))

    for key, table in values.items():
        moments = found.by_order.metrics["sales"][key]
        assert moments.mean == pytest.approx(table.mean(axis=0))
        assert moments.m2 / 8 == pytest.approx(np.cov(table.T))


def test_crossover__washout_and_other_days__are_left_out(tmp_path):
    beside = [
        event("l-order-1-0", "sale", day(when), 1e6)
        for when in (-1, 0.2, 1.99, 9.1, 11.9, 19.01, 25)
    ]
    values = draw(3, n=3)

    found = collect(plan(), lake_of(tmp_path, values, events=beside))

    moments = found.by_order.metrics["sales"]["order-1"]
    assert moments.mean == pytest.approx(values["order-1"].mean(axis=0))


def test_crossover__what_was_met_instead__does_not_count_but_what_was_assigned(tmp_path):
    """An SDK that was cut off showed the first period's treatment again."""
    values = draw(4, n=4)
    stale = [exposure("l-order-1-0", "order-1/1", day(12))]

    found = collect(plan(), lake_of(tmp_path, values, exposures=stale))

    assert found.by_order.n_switched == 1
    assert found.by_order.metrics["sales"]["order-1"].mean == pytest.approx(
        values["order-1"].mean(axis=0)
    )


def test_crossover__units_that_came_late_or_in_two_orders__are_left_out_and_counted(tmp_path):
    values = draw(5, n=4)
    strangers = [
        exposure("late", "order-1/2", day(12)),
        exposure("both", "order-1/1", day(1)),
        exposure("both", "order-2/1", day(2)),
        exposure("after", "text", day(12)),
    ]

    found = collect(plan(), lake_of(tmp_path, values, exposures=strangers))

    assert (found.by_order.n_late, found.n_crossed) == (1, 1)
    assert found.by_order.n_exposed == {"order-1": 4, "order-2": 4}
    assert found.n_learners == {"text": 8, "video": 8}


def test_crossover__teams__count_by_their_learners_mean(tmp_path):
    rng = np.random.default_rng(6)
    events, exposures, means = [], [], {key: [] for key in TWO}
    for key in TWO:
        for number in range(4):
            values = rng.normal(50, 9, (int(rng.integers(2, 6)), 2))
            means[key].append(values.mean(axis=0))
            for who, row in enumerate(values):
                learner, team = f"{key}-{number}-{who}", f"team-{key}-{number}"
                for at, value in enumerate(row):
                    exposures.append(
                        exposure(learner, f"{key}/{at + 1}", day(10 * at + 0.5), unit=team)
                    )
                    events.append(event(learner, "sale", day(10 * at + 5), float(value)))

    found = collect(
        plan(unit_kind="team"), write_lake(tmp_path, events=events, exposures=exposures)
    )

    for key in TWO:
        moments = found.by_order.metrics["sales"][key]
        assert moments.n == 4
        assert moments.mean == pytest.approx(np.mean(means[key], axis=0))


def test_crossover__before_the_last_period_is_over__waits(tmp_path):
    lake = lake_of(tmp_path, draw(7, n=5))

    found = run_readout(plan(as_of=START + timedelta(days=15), final=False, look=0), lake)

    assert isinstance(found.primary.estimates[0], NotEstimable)
    assert "last period" in found.primary.estimates[0].reason
    assert found.decision.verdict is Verdict.KEEP_RUNNING


def test_crossover__no_lake_yet__keeps_running(tmp_path):
    found = run_readout(plan(final=False), write_lake(tmp_path))

    assert found.decision.verdict is Verdict.KEEP_RUNNING


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "ratio", "denominator_kinds": ("sale",)}, "no outcome by period"),
        ({"kind": "time_to_event"}, "no outcome by period"),
        ({"window_days": 9}, "a period has 8"),
    ],
    ids=["ratio", "time-to-event", "window"],
)
def test_crossover__metric_that_does_not_fit__is_refused(tmp_path, changes, message):
    misfit = plan(metrics=(replace(SALES, **changes),))

    with pytest.raises(ValueError, match=message):
        collect(misfit, write_lake(tmp_path))


def test_crossover__three_treatments__are_those_of_the_method():
    values = draw(8, orders=THREE, n=20)

    found = read(plan(THREE), from_values(values, THREE))

    cells = {THREE[key]: Moments.of(("1", "2", "3"), table) for key, table in values.items()}
    plain = crossover.estimate(cells, "a")
    effects = {one.variant: one.effect for one in found.primary.estimates}
    assert effects == {key: c.effect for key, c in plain.treatments.items()}
    assert found.primary.correction == "bonferroni"


def test_crossover__what_lingers__is_warned_of_and_changes_nothing():
    lingering = draw(9, n=300, effect=20.0, orders=THREE, lingers=0.5)

    found = read(plan(THREE), from_values(lingering, THREE))

    check = next(check for check in found.checks if check.name == "carry_over")
    assert (check.passed, check.severity) == (False, "warn")
    assert check.details["effects"]["b"] == pytest.approx(10, abs=2)
    cells = {THREE[key]: Moments.of(("1", "2", "3"), table) for key, table in lingering.items()}
    plain = crossover.estimate(cells, "a")
    assert found.primary.estimates[0].effect == plain.treatments["b"].effect


def test_crossover__two_orders__says_that_washout_must_be_enough():
    found = read(plan(), from_values(draw(10)))

    check = next(check for check in found.checks if check.name == "carry_over")
    assert check.passed
    assert "washout" in check.sentence


def test_crossover__orders_in_uneven_shares__fail_the_sample_ratio():
    values = draw(11, n=400)
    values["order-2"] = values["order-2"][:250]

    found = read(plan(), from_values(values))

    assert found.decision.verdict is Verdict.DO_NOT_USE
    assert "order" in found.decision.reason


def test_crossover__no_effect__is_called_as_often_as_alpha_says():
    called = 0
    for seed in range(400):
        found = read(plan(), from_values(draw(100 + seed, n=8, effect=0.0)))
        estimate = found.primary.estimates[0]
        called += not estimate.low <= 0 <= estimate.high

    assert 2 <= called <= 38  # 20 expected, four standard errors either way


def test_crossover__plan_and_readout__go_to_json_and_back():
    asked = plan(THREE)
    found = read(asked, from_values(draw(12, orders=THREE), THREE))

    assert AnalysisPlan.from_json(json.loads(json.dumps(asked.to_json()))) == asked
    assert Readout.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_crossover__kinds_that_definitions_refuse__are_those_that_readouts_refuse(tmp_path):
    refused = []
    for kind in METRIC_KINDS:
        below = {"denominator_kinds": ("sale",)} if kind.name in ("ratio", "rate") else {}
        metric = replace(SALES, kind=kind.name, quantile=0.5, **below)
        try:
            collect(plan(metrics=(metric,)), write_lake(tmp_path))
        except ValueError as error:
            refused += [kind.name] * ("no outcome by period" in str(error))

    assert sorted(refused) == sorted(NO_OUTCOME_BY_PERIOD)
