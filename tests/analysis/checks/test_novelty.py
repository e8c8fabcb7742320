from datetime import date, timedelta

import numpy as np
import pytest

from analysis.checks import novelty
from analysis.checks.trust import Trust
from analysis.statistics.moments import Moments
from tests.analysis.collecting import teams

COLUMNS = ("outcome", "covariate")


def trend(rng, effects, a_day=40, variants=("control", "double")):
    """Cumulative moments by day; ``effects``: the treatments' effect on each day's learners."""
    so_far = dict.fromkeys(variants, Moments.empty(COLUMNS))
    found = {}
    for number, effect in enumerate(effects):
        for variant in variants:
            before = rng.normal(50, 10, a_day)
            after = 0.5 * before + rng.normal(0, 8, a_day) + (variant != "control") * effect
            so_far[variant] = so_far[variant] + Moments.of(
                COLUMNS, np.column_stack([after, before])
            )
        found[(date(2026, 3, 1) + timedelta(days=number)).isoformat()] = dict(so_far)
    return found


def trust(by_day, variants=("control", "double")):
    last = by_day[max(by_day)]
    return Trust(
        variants=variants,
        weights=(1 / len(variants),) * len(variants),
        unit_kind="learner",
        n_exposed={v: each.n for v, each in last.items()},
        n_crossed=0,
        primary=last,
        final=False,
        trend=by_day,
    )


def test_without__a_part_taken_out__leaves_the_rest():
    rows = np.random.default_rng(0).normal(1e4, 1, (90, 2))
    found = novelty.without(Moments.of(COLUMNS, rows), Moments.of(COLUMNS, rows[:30]))

    rest = Moments.of(COLUMNS, rows[30:])
    assert found.n == 60
    assert found.mean == pytest.approx(rest.mean, rel=1e-12)
    assert found.m2 == pytest.approx(rest.m2, rel=1e-6)


def test_novelty__an_effect_that_stays__passes():
    found = novelty.run(trust(trend(np.random.default_rng(1), [3.0] * 20)))

    assert found.passed
    assert found.details["complete_until"] == "2026-03-10"
    assert found.details["effects"]["double"]["late"] == pytest.approx(3, abs=2)


def test_novelty__an_effect_that_is_gone_for_late_comers__warns_with_both_numbers():
    found = novelty.run(trust(trend(np.random.default_rng(2), [4.0] * 10 + [0.0] * 10)))

    assert not found.passed
    assert "who came first" in found.sentence
    assert found.details["effects"]["double"]["early"] == pytest.approx(4, abs=2)
    assert found.details["effects"]["double"]["late"] == pytest.approx(0, abs=2)


def test_novelty__no_change__alarms_as_rarely_as_it_says():
    rng = np.random.default_rng(3)
    alarms = [
        not novelty.run(trust(trend(rng, [2.0] * 9, 30, each), each)).passed
        for each in [("control", "double")] * 300 + [("control", "double", "triple")] * 300
    ]

    # 1 %, four standard errors of 600 are 1.6 %.
    assert np.mean(alarms) <= 0.026


@pytest.mark.parametrize(
    ("effects", "a_day"),
    [([3.0] * 6, 100), ([3.0] * 20, 2), ([3.0], 500)],
    ids=["days too close", "too few learners", "one day"],
)
def test_novelty__no_two_halves__does_not_apply(effects, a_day):
    assert novelty.run(trust(trend(np.random.default_rng(4), effects, a_day))) is None


def test_novelty__teams__does_not_apply():
    rng = np.random.default_rng(5)
    by_day = {
        f"2026-03-{day:02d}": {v: teams(rng, 8) for v in ("control", "double")}
        for day in range(1, 20)
    }
    last = by_day["2026-03-19"]
    found = Trust(
        variants=("control", "double"),
        weights=(0.5, 0.5),
        unit_kind="team",
        n_exposed={"control": 8, "double": 8},
        n_crossed=0,
        primary=last,
        final=False,
        trend=by_day,
    )

    assert novelty.run(found) is None
