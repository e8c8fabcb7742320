from analysis.designed import FactorEffect, OnCompliers
from dashboards import design_words
from dashboards.rendering import render
from tests.dashboards import factories

REWARD = FactorEffect(
    "energize", ("Reward",), ("Points",), ("None",), 3.1, 0.8, 900.0, 1.5, 4.7, 0.0001
)
TOGETHER = FactorEffect(
    "energize",
    ("Reward", "Rhythm"),
    ("Points", "Weekly"),
    ("None", "Daily"),
    0.4,
    1.6,
    900.0,
    -2.7,
    3.5,
    0.8,
)


def test_factor_sentence__clear_main_effect__says_which_level_against_which():
    said = design_words.factor_sentence(factories.metric(), REWARD)

    assert said == "Reward Points instead of None: +3.1 points (interval +1.5 to +4.7)."


def test_factor_sentence__interaction_around_zero__claims_nothing():
    said = design_words.factor_sentence(factories.metric(), TOGETHER)

    assert "Together, Reward Points instead of None and Rhythm Weekly instead of Daily" in said
    assert "nothing says that they do not add up" in said


def test_factor_sentence__not_estimable__says_why():
    unknown = FactorEffect("energize", ("Reward",), ("Points",), ("None",), why_not="no units")

    said = design_words.factor_sentence(factories.metric(), unknown)

    assert said.endswith("cannot tell, because no units.")


def test_page__factorial_experiment__shows_what_each_factor_does():
    shown = factories.readout(factor_effects=(REWARD, TOGETHER))

    html = render(factories.readout_view(shown))

    assert "What each factor does" in html
    assert "Reward Points instead of None: +3.1 points" in html


def test_page__variants_side_by_side__has_no_factors():
    assert "What each factor does" not in render(factories.readout_view())


def test_page__take_up_known__labels_the_effect_on_compliers():
    taken = OnCompliers("energize", "streak", 0.02, 0.5, 6.4, 2.1, 10.7)
    shown = factories.readout(on_compliers=(taken,))

    html = render(factories.readout_view(shown))

    assert "On those who took it up because it was offered: +6.4 points" in html
    assert "puts nobody off" in html


def test_complier_sentence__unbounded__gives_no_interval():
    taken = OnCompliers("energize", "streak", 0.02, 0.03, 6.4)

    said = design_words.complier_sentence(factories.metric(), taken, {})

    assert "too few took it up for an interval" in said
