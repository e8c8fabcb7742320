import numpy as np
import pytest
from scipy import stats

from analysis.methods import crossover
from analysis.results import NotEstimable
from analysis.statistics.moments import Moments

LATIN = (("a", "b", "c"), ("b", "c", "a"), ("c", "a", "b"))
WILLIAMS = (*LATIN, ("a", "c", "b"), ("b", "a", "c"), ("c", "b", "a"))
EFFECTS = {"a": 0.0, "b": 2.0, "c": -1.0}


def world(seed, orders=LATIN, sizes=None, drift=1.5, lingers=0.0):
    rng = np.random.default_rng(seed)
    rows = {}
    for number, order in enumerate(orders):
        n = (sizes or [20 + 7 * i for i in range(len(orders))])[number]
        level = rng.normal(50, 8, n)[:, None]
        effects = np.array([EFFECTS[t] for t in order])
        before = np.array([0.0, *(EFFECTS[t] for t in order[:-1])])
        periods = drift * np.arange(len(order))
        noise = rng.normal(0, 2 + number, (n, len(order)))
        rows[order] = level + effects + lingers * before + periods + noise
    return rows


def cells_of(rows):
    n_periods = len(next(iter(rows)))
    columns = tuple(f"period_{period + 1}" for period in range(n_periods))
    return {order: Moments.of(columns, values) for order, values in rows.items()}


def by_rows(rows, lingering=False):
    """Least squares on every learner-period with a dummy per learner, solved by numpy."""
    others = ["b", "c"]
    learners = [(order, values) for order, table in rows.items() for values in table]
    design, outcome = [], []
    for number, (order, values) in enumerate(learners):
        for period, now in enumerate(order):
            line = np.zeros(len(learners))
            line[number] = 1
            before = order[period - 1] if period else None
            own = [float(now == t) for t in others]
            own += [float(period == p) for p in range(1, len(order))]
            own += [float(before == t) for t in others] if lingering else []
            design.append(np.concatenate([own, line]))
            outcome.append(values[period])
    pull = np.linalg.pinv(np.array(design))[:2]
    n_periods = len(learners[0][0])
    parts = (pull * np.array(outcome)).reshape(2, len(learners), n_periods).sum(axis=2)
    variance = np.zeros(2)
    for order in rows:
        of_order = parts[:, [one == order for one, _ in learners]]
        variance += of_order.var(axis=1, ddof=1) * of_order.shape[1]
    return pull @ np.array(outcome), variance**0.5


def test_two_orders__two_periods__is_welch_on_the_differences():
    rng = np.random.default_rng(1)
    ab = rng.normal([50, 53], 4, (30, 2))
    ba = rng.normal([52, 51], 7, (45, 2))

    found = crossover.estimate(cells_of({("a", "b"): ab, ("b", "a"): ba}), "a")

    test = stats.ttest_ind(ab[:, 1] - ab[:, 0], ba[:, 1] - ba[:, 0], equal_var=False)
    contrast = found.treatments["b"]
    gap = (ab[:, 1] - ab[:, 0]).mean() - (ba[:, 1] - ba[:, 0]).mean()
    assert contrast.effect == pytest.approx(gap / 2, rel=1e-10)
    assert contrast.p_value == pytest.approx(test.pvalue, rel=1e-8)
    assert contrast.df == pytest.approx(test.df, rel=1e-10)


@pytest.mark.parametrize(
    ("orders", "lingering"), [(LATIN, False), (WILLIAMS, False), (WILLIAMS, True)]
)
def test_three_treatments__agree_with_least_squares_on_the_rows(orders, lingering):
    rows = world(2, orders)

    found = crossover.estimate(cells_of(rows), "a", carry_over=lingering)

    effects, errors = by_rows(rows, lingering)
    contrasts = [found.treatments[t] for t in ("b", "c")]
    assert [one.effect for one in contrasts] == pytest.approx(effects, rel=1e-8)
    assert [one.se for one in contrasts] == pytest.approx(errors, rel=1e-8)


def test_periods__drift__is_told_from_the_treatments():
    found = crossover.estimate(cells_of(world(3, sizes=[400] * 3)), "a")

    assert [one.effect for one in found.periods] == pytest.approx([1.5, 3.0], abs=0.8)
    assert found.treatments["b"].effect == pytest.approx(2.0, abs=0.8)


def test_carry_over__lingers_by_half__is_found_and_taken_out():
    cells = cells_of(world(4, WILLIAMS, sizes=[500] * 6, lingers=0.5))

    plain = crossover.estimate(cells, "a").treatments["b"]
    adjusted = crossover.estimate(cells, "a", carry_over=True)

    assert adjusted.carry_over["b"].effect == pytest.approx(1.0, abs=0.6)
    assert adjusted.treatments["b"].effect == pytest.approx(2.0, abs=0.5)
    assert adjusted.treatments["b"].se > plain.se


def test_carry_over__two_periods__cannot_be_told():
    rng = np.random.default_rng(5)
    cells = cells_of({("a", "b"): rng.normal(0, 1, (9, 2)), ("b", "a"): rng.normal(0, 1, (9, 2))})

    found = crossover.estimate(cells, "a", carry_over=True)

    assert isinstance(found.carry_over["b"], NotEstimable)
    assert found.treatments == crossover.estimate(cells, "a").treatments


def test_mean__of_the_reference__is_what_it_had_with_balanced_orders():
    rows = world(6, (("a", "b"), ("b", "a")), sizes=[50, 50], drift=0.0)

    found = crossover.estimate(cells_of(rows), "a").treatments["b"]

    of_a = np.concatenate([rows["a", "b"][:, 0], rows["b", "a"][:, 1]])
    assert found.mean_control == pytest.approx(of_a.mean(), rel=1e-10)
    assert found.se == pytest.approx(
        (found.variance + found.variance_control - 2 * found.covariance) ** 0.5
    )


def test_interval__covers_what_was_planted():
    rng = np.random.default_rng(7)
    covered = 0
    for _ in range(600):
        rows = world(int(rng.integers(1 << 31)), sizes=[6, 9, 7])
        one = crossover.estimate(cells_of(rows), "a").treatments["b"]
        covered += abs(one.effect - 2.0) <= stats.t.isf(0.025, one.df) * one.se

    assert 548 <= covered <= 592


@pytest.mark.parametrize(
    "orders", [(("a", "b"),), (("a", "a"),), (("b", "c"), ("c", "b"))], ids=["one", "same", "no a"]
)
def test_crossover__orders_that_tell_nothing__are_refused(orders):
    rng = np.random.default_rng(8)
    cells = cells_of({order: rng.normal(0, 1, (9, len(order))) for order in orders})

    assert isinstance(crossover.estimate(cells, "a"), NotEstimable)


def test_crossover__an_order_with_one_learner__is_refused():
    rows = world(9, sizes=[1, 5, 5])

    assert isinstance(crossover.estimate(cells_of(rows), "a"), NotEstimable)
