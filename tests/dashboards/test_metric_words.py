"""What a metric's preview and a score's validation say."""

from dataclasses import replace

import pytest

from analysis.previewed import Bin
from analysis.results import NotEstimable
from dashboards import metric_words
from dashboards.charts import specification
from dashboards.theme import WIDE
from tests.dashboards import metric_factories as factories

WHY = NotEstimable("at the present pace so many will never come", "look for a larger effect")


def plain(sentence):
    return sentence.replace("\N{NARROW NO-BREAK SPACE}", " ")


def test_spread__count__tells_mean_spread_and_zeros():
    shown = factories.preview_view()

    said = plain(metric_words.spread_sentence(shown, shown.found))

    assert said == (
        "400 learners had 2 challenges on average in the 28 days from 2 Mar 2026, with a standard "
        "deviation of 1.5. 20 % of them had none."
    )


def test_spread__share__is_said_as_one():
    shown = factories.preview_view(yes_or_no=True, mean=0.34)

    said = plain(metric_words.spread_sentence(shown, shown.found))

    assert said == "Of 400 learners, 34.0 % did so in the 28 days from 2 Mar 2026."


def test_past__that_tells_nothing__promises_nothing():
    told = metric_words.past_sentence(factories.preview(variance_reduction=0.004))

    assert "saves no time" in told
    assert "36" in metric_words.past_sentence(factories.preview())


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (
            factories.OWN,
            "takes 260 learners in two variants: 45 days at the present pace (40 to 52)",
        ),
        (factories.SMALL, "(2 % of the mean) takes 38,000 learners in two variants: 410 days"),
        (factories.SMALL, "(380 to never)"),
        (replace(factories.OWN, days=None, why_not=WHY), "variants: at the present pace so many"),
        (replace(factories.OWN, n_learners=None, why_not=WHY), "cannot be planned for"),
        (replace(factories.OWN, relative=None), "matters (0.5 challenges) takes"),
    ],
)
def test_detection__each_case__says_what_it_takes_or_why_not(found, says):
    assert says in plain(metric_words.detection_sentence(factories.preview_view(), found))


def test_limits__cap__says_whom_it_touches_and_what_would_be_without():
    shown = factories.preview_view()

    said = plain(metric_words.limits_sentence(shown.found.limits, shown))

    assert "The cap of 6 challenges touches 3.1 % of learners." in said
    assert "Without limits the mean is 2.2 challenges" in said
    nobody = replace(shown.found.limits, floor=0.0, share_above=0.0)
    assert "touches no learner" in metric_words.limits_sentence(nobody, shown)


def test_teams__none_known__says_nothing():
    assert metric_words.teams_sentence(factories.preview(teams=None)) == ""
    assert "1.6 times as many" in plain(metric_words.teams_sentence(factories.preview()))


def test_brier__worse_than_knowing_nothing__says_so():
    good, bad = factories.validation(), factories.validation(brier_base=0.1)

    assert "less than the 0.210" in metric_words.brier_sentence(good)
    assert "no less than the 0.100" in metric_words.brier_sentence(bad)


def test_calibration__chart__names_the_bin_farthest_from_the_line():
    told = plain(metric_words.calibration_chart(factories.validation()).alternative)

    assert "told 20 %, came back 31 %" in told


def places(chart):
    bars = specification("distribution", chart.rows, WIDE)["layer"][0]
    return [(row["from"], row["to"]) for row in bars["data"]["values"]]


def test_distribution__whole_numbers__stand_over_their_number():
    shown = factories.preview_view()

    first, second = places(metric_words.distribution_chart(shown, shown.found))[:2]

    assert sum(first) / 2 == pytest.approx(0)
    assert sum(second) / 2 == pytest.approx(1)


def test_distribution__steps__reach_from_their_beginning_to_their_end():
    shown = factories.preview_view(bins=(Bin(0, 50, 80), Bin(50, 100, 9), Bin(100, None, 2)))
    chart = metric_words.distribution_chart(shown, shown.found)

    found = places(chart)

    assert found == [(2, 48), (52, 98), (102, 148)]
    assert "holds all above" in chart.alternative
