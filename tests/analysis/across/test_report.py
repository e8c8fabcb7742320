import pytest

from analysis.across.pooled import pool
from analysis.across.report import PastExperiment, pairs_of, summarise
from analysis.across.results import Measure
from analysis.bayes.priors import PastEffect
from analysis.results import NotEstimable

SCORE, SALES = Measure("score", "Score", "points"), Measure("sales", "Sales", "sales")
MOVED = (2.0, -1.0, 3.0, 0.5, 4.0, -2.0, 1.0)


def past(moved=MOVED, slope=0.5, domain=lambda _n: "incentive"):
    return [
        PastExperiment(
            f"e{n}",
            domain(n),
            {"score": {"new": (by, 0.2)}, "sales": {"new": (slope * by, 0.1)}},
        )
        for n, by in enumerate(moved)
    ]


def test_report__domains__are_pooled_apart_and_together():
    found = summarise(past(domain=lambda n: "messaging" if n > 3 else "incentive"), SCORE, ())

    first = [PastEffect(f"e{n}", by, 0.2) for n, by in enumerate(MOVED[:4])]
    assert [each.domain for each in found.domains] == ["incentive", "messaging"]
    assert found.domains[0].found == pool(first)
    assert found.overall.n_experiments == len(MOVED) == len(found.experiments)


def test_report__kpi_that_follows__has_the_planted_slope():
    found = summarise(past(slope=0.5), SCORE, (SALES, SCORE))

    assert [each.kpi for each in found.kpis] == [SALES]
    assert found.kpis[0].found.slope == pytest.approx(0.5, abs=1e-6)
    assert found.kpis[0].found.is_strong


def test_report__few_experiments__refuses_each_question_by_itself():
    found = summarise(past(MOVED[:3]), SCORE, (SALES,))

    assert found.overall.n_experiments == 3
    assert isinstance(found.kpis[0].found, NotEstimable)
    assert "5" in found.kpis[0].found.remedy


def test_pairs__several_treatments__are_one_pair_of_averages():
    both = PastExperiment(
        "e", "other", {"score": {"a": (1, 0.2), "b": (3, 0.4), "c": (9, 1)},
                       "sales": {"a": (2, 0.1), "b": (4, 0.3)}},
    )  # fmt: skip

    (pair,) = pairs_of([both], "score", "sales")

    assert (pair.score, pair.kpi) == (2, 3)
    assert (pair.score_se, pair.kpi_se) == pytest.approx((0.3, 0.2))


def test_pairs__kpi_not_measured__makes_none():
    assert pairs_of(past(), "score", "calls") == []
