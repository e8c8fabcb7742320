import numpy as np
import pytest

from analysis.energize.norms import calibrate
from analysis.learning import outperforming
from analysis.learning.reading.history import read_history
from tests.analysis.lakes import day, description, event, write_lake


def program(root, within=0.0, between=0.0, n_learners=600, seed=4):
    """Two peer groups; ``within``: sales per active day, ``between``: what one group sells more.

    The better-selling group is also the more engaged one: a comparison across groups would take
    that for an advantage of engagement.
    """
    rng = np.random.default_rng(seed)
    events, learners = [], []
    for number in range(n_learners):
        name, strong = f"l{number:04d}", number % 2
        learners.append(description(name, role=("service", "sales")[strong], region="north"))
        n_days = int(rng.integers(1, 12)) + 10 * strong
        days = rng.choice(28, n_days, replace=False)
        events += [event(name, "content_viewed", day(float(d))) for d in days]
        amount = 100 + between * strong + within * n_days + rng.normal(0, 20)
        events.append(event(name, "sale", day(40), float(amount)))
    return write_lake(root, events=events, learners=learners)


def outcome_of(lake):
    norms = calibrate(lake, day(28))
    return outperforming.read_outcome(read_history(lake, norms, day(56)), norms, "sale")


def test_outcome__only_the_groups_differ__fifths_are_alike(tmp_path):
    outcome = outcome_of(program(tmp_path, between=200.0))

    assert outcome.n_groups == 2
    assert outcome.standardised.low < 0 < outcome.standardised.high
    means = [one.mean for one in outcome.quintiles]
    assert max(means) - min(means) < 4 * max(one.se for one in outcome.quintiles)


def test_outcome__the_engaged_sell_more__is_found_inside_groups(tmp_path):
    lake = program(tmp_path, within=4.0, between=200.0)
    outcome = outcome_of(lake)
    answer = outperforming.answer(read_history(lake, calibrate(lake, day(28)), day(56)))

    # Fifths of 1 to 11 days lie about nine days apart, and 4 x 9 is 1.8 times the spread of 20.
    assert outcome.standardised.estimate == pytest.approx(1.8, abs=0.35)
    assert [one.mean for one in outcome.quintiles] == sorted(one.mean for one in outcome.quintiles)
    assert answer.sentence.startswith("Yes, as an association")
    assert "association" in answer.caution


def test_outcome__standardised_difference__is_that_of_plain_numpy(tmp_path):
    """One peer group: Cohen's d of the upper and lower fifth, by hand."""
    rng = np.random.default_rng(8)
    events, amounts = [], []
    for number in range(50):
        name, n_days = f"l{number:02d}", 1 + number // 2
        events += [event(name, "content_viewed", day(d)) for d in range(n_days)]
        amounts.append(float(rng.normal(50 + number, 10)))
        events.append(event(name, "sale", day(40), amounts[-1]))
    lake = write_lake(tmp_path, events=events)
    low, top = np.array(amounts[:10]), np.array(amounts[40:])
    pooled = np.sqrt((low.var(ddof=1) + top.var(ddof=1)) / 2)

    outcome = outcome_of(lake)

    assert [one.n for one in outcome.quintiles] == [10] * 5
    assert outcome.quintiles[0].mean == pytest.approx(low.mean())
    assert outcome.quintiles[0].se == pytest.approx(low.std(ddof=1) / np.sqrt(10))
    assert outcome.standardised.estimate == pytest.approx((top.mean() - low.mean()) / pooled)


def test_outcome__ratings__are_averaged_over_who_has_any(tmp_path):
    events = []
    for number in range(60):
        name = f"l{number:02d}"
        events += [event(name, "content_viewed", day(d)) for d in range(1 + number // 3)]
        if number % 2:
            events += [
                event(name, "call_quality", day(40 + i), rating)
                for i, rating in ((0, 3.0), (1, 5.0))
            ]
    lake = write_lake(tmp_path, events=events)
    norms = calibrate(lake, day(28))

    outcome = outperforming.read_outcome(read_history(lake, norms, day(56)), norms, "call_quality")

    assert outcome.n == 30
    assert outcome.quintiles == ()  # six in each fifth: too few to show


def test_outcome__a_role_that_never_sells__is_left_out(tmp_path):
    events, learners = [], []
    for number in range(120):
        name, sells = f"l{number:03d}", number % 2 == 0
        learners.append(description(name, role="sales" if sells else "support"))
        events += [event(name, "content_viewed", day(d)) for d in range(1 + number // 6)]
        events += [event(name, "sale", day(40), 10.0 + number)] if sells else []
    lake = write_lake(tmp_path, events=events, learners=learners)

    outcome = outcome_of(lake)

    assert (outcome.n, outcome.n_groups) == (60, 1)


def test_answer__no_business_outcomes__says_what_to_send(tmp_path):
    lake = write_lake(tmp_path, events=[event("ada", "content_viewed", day(1))])

    answer = outperforming.answer(read_history(lake, None, day(56)))

    assert "send sale, quota_attainment or call_quality" in answer.sentence
    assert (answer.charts, answer.table) == ((), None)


def test_answer__no_norms__says_to_calibrate(tmp_path):
    answer = outperforming.answer(read_history(program(tmp_path), None, day(56)))

    assert "momentum energize calibrate" in answer.sentence
