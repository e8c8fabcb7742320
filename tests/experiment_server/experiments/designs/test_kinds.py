"""Each kind of design: what its cells, orders and weights are, and what it refuses."""

from collections import Counter
from datetime import timedelta
from itertools import pairwise
from types import SimpleNamespace

import pytest

from experiment_server.experiments.designs import (
    DESIGNS,
    arm_keys,
    delivered_keys,
    kind_of,
    structure_of,
)
from experiment_server.experiments.designs.crossover import orders_of, williams
from experiment_server.experiments.designs.factorial import cells, levels_of


def level(key, weight=1, payload=None):
    return {"key": key, "title": "", "weight": weight, "payload": payload}


FACTORS = [
    {
        "key": "incentive",
        "title": "",
        "levels": [level("none", 1), level("bonus", 3, {"points": 5})],
    },
    {"key": "rhythm", "title": "", "levels": [level("daily", 2, "d"), level("weekly", 2, "w")]},
]
TREATMENTS = [level("text"), level("video"), level("quiz")]
USES = [{"metric": "energize_score", "role": "primary"}]
METRICS = {"energize_score": SimpleNamespace(window_days=14, kind="score")}


def factorial_design():
    return kind_of({"factors": FACTORS}).complete({"factors": FACTORS, "variants": []})


def crossover_design(treatments=TREATMENTS, **changes):
    plan = {"order": "counterbalanced", "period_days": 14, "washout_days": 0, **changes}
    design = {"variants": treatments, "crossover": plan, "metrics": USES}
    return kind_of(design).complete(design)


def test_designs__table__ends_with_the_kind_that_takes_all_others():
    assert [kind.name for kind in DESIGNS] == ["crossover", "factorial", "parallel"]
    assert kind_of({"variants": TREATMENTS}).name == "parallel"


def test_factorial__levels__make_every_combination_with_independent_shares():
    design = factorial_design()

    shares = {variant["key"]: variant["weight"] for variant in design["variants"]}
    assert list(shares) == ["none:daily", "none:weekly", "bonus:daily", "bonus:weekly"]
    assert list(shares.values()) == pytest.approx([0.125, 0.125, 0.375, 0.375])
    assert design["variants"][2]["payload"] == {"incentive": {"points": 5}, "rhythm": "d"}
    assert design["variants"][3]["title"] == "bonus + weekly"


def test_factorial__structure__says_each_variants_levels():
    structure = structure_of(factorial_design())

    assert structure["kind"] == "factorial"
    assert structure["variants"]["bonus:daily"] == {"incentive": "bonus", "rhythm": "daily"}
    assert structure["factors"][0]["shares"] == [0.25, 0.75]


def test_factorial__keys_that_look_joined__cannot_clash():
    """Keys hold no colon, so that a-b with c and a with b-c stay apart."""
    factors = [
        {"key": "f", "title": "", "levels": [level("a-b"), level("a")]},
        {"key": "g", "title": "", "levels": [level("c"), level("b-c")]},
    ]

    assert len({cell["key"] for cell in cells(factors)}) == len(levels_of(factors)) == 4


@pytest.mark.parametrize("n", range(2, 7))
def test_williams__any_number__balances_periods_and_what_came_before(n):
    treatments = [f"t{number}" for number in range(n)]
    orders = williams(treatments)

    places = Counter((period, each) for order in orders for period, each in enumerate(order))
    before = Counter(pair for order in orders for pair in pairwise(order))
    assert all(sorted(order) == treatments for order in orders)
    assert len(orders) == (2 * n if n % 2 else n)
    assert (len(places), len(set(places.values()))) == (n * n, 1)
    assert (len(before), len(set(before.values()))) == (n * (n - 1), 1)


def test_random_orders__of_three__are_all_six():
    assert len({tuple(order) for order in orders_of(["a", "b", "c"], "random")}) == 6


def test_crossover__over_time__moves_each_order_to_its_next_treatment():
    design = crossover_design(TREATMENTS[:2])
    kind = kind_of(design)

    met = []
    for days in (0, 13, 14, 27, 28, 400):
        split = kind.split(design, timedelta(days=days))
        met.append({arm: split.variants[index]["key"] for arm, index in split.now.items()})

    first = {"order-1": "order-1/1", "order-2": "order-2/1"}
    second = {"order-1": "order-1/2", "order-2": "order-2/2"}
    assert met == [first, first, second, second, {}, {}]


def test_crossover__weights__keep_a_units_order_whatever_the_period():
    """The current period's variants have the same parts of the ring as the first period's."""
    design = crossover_design()
    kind = kind_of(design)

    for period in range(3):
        weights = kind.split(design, timedelta(days=14 * period)).weights()
        assert weights[6 * period : 6 * period + 6] == [1 / 6] * 6
        assert sum(weights) == pytest.approx(1)


def test_crossover__structure__says_treatment_period_and_what_came_before():
    structure = structure_of(crossover_design(TREATMENTS[:2], washout_days=3))

    assert structure["orders"] == {"order-1": ["text", "video"], "order-2": ["video", "text"]}
    assert structure["variants"]["order-2/2"] == {
        "order": "order-2",
        "period": 2,
        "treatment": "text",
        "before": "video",
    }
    assert structure["washout_days"] == 3


def test_crossover__schedule__has_one_look_when_the_last_period_is_over():
    design = crossover_design()

    assert kind_of(design).schedule(design) == {"looks": 1, "first_after_days": 42}
    assert kind_of(design).turns(design) == tuple(timedelta(days=14 * k) for k in (1, 2, 3))


def test_keys__of_a_crossover__are_orders_for_lists_and_periods_for_exposures():
    design = crossover_design(TREATMENTS[:2])

    assert arm_keys(design) == ("order-1", "order-2")
    assert delivered_keys(design) == ("order-1/1", "order-2/1", "order-1/2", "order-2/2")


def fields_of(design):
    return [error.field for error in kind_of(design).errors(design, METRICS)]


def crossover_wish(treatments=TREATMENTS, **changes):
    plan = {"order": "counterbalanced", "period_days": 14, "washout_days": 0, **changes}
    return {"variants": treatments, "crossover": plan, "metrics": USES}


@pytest.mark.parametrize(
    ("wish", "fields"),
    [
        (crossover_wish(), []),
        (crossover_wish([level("a", 1), level("b", 2)]), ["variants"]),
        (crossover_wish([level(str(n)) for n in range(7)]), ["variants"]),
        (crossover_wish([level(str(n)) for n in range(5)], order="random"), ["variants"]),
        (crossover_wish(washout_days=14), ["crossover.washout_days"]),
        (crossover_wish(washout_days=1), ["metrics[0].metric"]),
        (crossover_wish([level("a")]), ["variants"]),
        (crossover_wish([level("a"), level("a")]), ["variants[1].key"]),
    ],
)
def test_crossover__that_does_not_fit__names_the_field(wish, fields):
    assert fields_of(wish) == fields


@pytest.mark.parametrize(
    ("factors", "variants", "fields"),
    [
        (FACTORS, [], []),
        (FACTORS[:1], [], ["factors"]),
        (FACTORS, TREATMENTS, ["variants"]),
        ([FACTORS[0], FACTORS[0]], [], ["factors[1].key"]),
        (
            [FACTORS[0], {**FACTORS[1], "levels": [level("a"), level("a")]}],
            [],
            ["factors[1].levels[1].key"],
        ),
        (
            [
                {"key": key, "title": "", "levels": [level(str(n)) for n in range(5)]}
                for key in ("a", "b")
            ],
            [],
            ["factors"],
        ),
        (
            [
                {"key": key, "title": "", "levels": [level("x" * 64), level("y" * 64)]}
                for key in ("a", "b")
            ],
            [],
            ["factors"],
        ),
    ],
)
def test_factorial__that_does_not_fit__names_the_field(factors, variants, fields):
    assert fields_of({"factors": factors, "variants": variants}) == fields
