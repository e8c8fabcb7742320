import pytest

from analysis.results import Cost
from dashboards import render
from dashboards.cost_words import cost_sentence
from tests.dashboards import factories


def said(direction="increase", **cost):
    values = {"extra": 3.0, "per_unit": 0.6, "low": 0.5, "high": 0.8}
    metric = factories.metric(currency="EUR", direction=direction)
    return cost_sentence(metric, factories.estimate(cost=Cost(**{**values, **cost})))


def test_cost__without_prices__is_silent():
    assert cost_sentence(factories.metric(), factories.estimate()) == ""


def test_cost__clear_effect__names_the_price_of_a_point():
    assert (
        said() == "It costs 3 EUR more a learner: 0.6 EUR for each point more (0.5 EUR to 0.8 EUR)."
    )


def test_cost__less_is_better__is_the_price_of_less():
    assert "0.6 EUR for each point less" in said("decrease")


def test_cost__effect_may_be_nothing__says_that_no_price_is_excluded():
    assert "no price is too high to be excluded" in said(low=None, high=None)


def test_cost__nothing_gained__names_no_price():
    text = said(per_unit=-0.6, low=None, high=None)

    assert "no unit was gained" in text
    assert "0.6" not in text


def test_cost__cheaper_variant__says_what_it_saves():
    assert said(extra=-2.0, per_unit=-0.4) == "It saves 2 EUR a learner."


@pytest.mark.parametrize(
    ("pays", "words"),
    [(True, "It pays:"), (False, "It does not pay:"), (None, "Whether it pays is open:")],
)
def test_cost__with_a_value__says_what_is_left(pays, words):
    text = said(pays=pays, net_value=4.5, net_low=2.5, net_high=6.5)

    assert words in text
    assert "+4.5 EUR a learner (+2.5 to +6.5)" in text


def test_page__readout_with_prices__says_the_cost():
    cost = Cost(extra=3.0, per_unit=0.6, low=0.5, high=0.8)
    shown = factories.readout(metrics=(factories.metric([factories.estimate(cost=cost)]),))

    assert "It costs 3 more a learner" in render(factories.readout_view(shown))
