from dashboards import benefit_words as words
from dashboards import render
from tests.dashboards import factories

TITLES = {"streak": "Streak badge"}


def said(**changes):
    return words.benefit_sentence(factories.metric(), factories.benefit(**changes), TITLES)


def test_benefit__no_difference__says_to_read_the_overall_effect():
    assert said() == (
        "Streak badge: no evidence that roles differ (p = 0.400): read the overall effect."
    )


def test_benefit__difference__names_most_and_least_with_intervals():
    text = said(p_adjusted=0.0004)

    assert "roles differ (p under 0.001)" in text
    assert "Most benefits seller (+4.0 points, +2.0 to +6.0)" in text
    assert "least driver (+2.6 points" in text


def test_benefit__less_is_better__turns_the_ranking():
    metric = factories.metric(direction="decrease")

    text = words.benefit_sentence(metric, factories.benefit(p_adjusted=0.01), TITLES)

    assert "Most benefits driver" in text


def test_benefit__cannot_be_told__says_why():
    text = said(levels=(), p_value=None, p_adjusted=None, why_not="too few learners")

    assert text == "Cannot tell whether roles differ: too few learners."


def test_left_out__names_them_or_is_empty():
    assert words.left_out_sentence(factories.benefit()) == "Too few learners to tell: pilot."
    assert words.left_out_sentence(factories.benefit(left_out=())) == ""


def test_chart__each_level__is_there_measured_and_pooled():
    chart = words.benefit_chart(factories.metric(), factories.benefit(), TITLES)

    assert [(row["label"], row["which"]) for row in chart.rows[:2]] == [
        ("driver", words.MEASURED),
        ("driver", words.POOLED),
    ]
    assert len(chart.rows) == 6
    assert "Seller (+4.0 points" in chart.alternative


def test_page__readout_with_segments__has_the_section():
    text = render(factories.readout_view())

    assert '<section id="benefits"' in text
    assert "read the overall effect" in text
    assert '<a href="#benefits">' in text


def test_prior_engagement__sentence_and_chart__say_it_in_words():
    benefit = factories.benefit(segment="prior_engagement")

    chart = words.benefit_chart(factories.metric(), benefit, TITLES)

    assert "levels of prior engagement differ" in said(segment="prior_engagement", p_adjusted=0.01)
    assert chart.title == "Streak badge, by prior engagement"
