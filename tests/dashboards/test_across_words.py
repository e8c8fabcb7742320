from analysis.across.report import PastExperiment
from dashboards import across_words as words
from tests.dashboards import factories


def report(past=None):
    return factories.across_view(past).report


def test_pooled__clear_effect__gives_its_size_and_the_next():
    past = tuple(
        PastExperiment(f"e{n}", "other", {"energize_score": {"a": (2 + 0.1 * n, 0.2)}})
        for n in range(5)
    )
    found = report(past)

    said = words.pooled_sentence(found.metric, found.overall, "All together")

    assert said.startswith("All together: 5 experiments moved it by +2.2")
    assert "points" in said
    assert "One more such experiment may do" in said


def test_pooled__one_experiment__says_why_not():
    found = report(factories.past_experiments(1))

    assert "Cannot tell. 1 experiment measured" in words.pooled_sentence(
        found.metric, found.overall
    )


def test_slope__kpi_that_followed__says_by_how_much_for_each_point():
    found = report()

    said = words.slope_sentence(found.metric, found.kpis[0])

    assert said.startswith("Sales: over 8 experiments, it rose by 0.")
    assert "for each point more of Energize Score" in said
    assert "do not use" not in said


def test_slope__score_hardly_moved__warns_of_it():
    past = tuple(
        PastExperiment(
            f"e{n}",
            "other",
            {"energize_score": {"a": (0.1 * (n - 3), 0.4)}, "sales": {"a": (0.1, 0.1)}},
        )
        for n in range(8)
    )
    found = report(past)

    said = words.slope_sentence(found.metric, found.kpis[0])

    assert "hardly moved Energize Score" in said
    assert "is not excluded" in said


def test_lines__whole_report__end_with_what_is_assumed():
    lines = words.report_lines(report())

    assert words.POOLED_ASSUMES in lines
    assert lines[-1] == words.SLOPE_ASSUMES


def test_chart__domains_with_an_effect__are_rows_with_their_words():
    chart = words.domain_chart(report())

    assert [row["label"] for row in chart.rows] == ["Incentive", "Messaging", "All together"]
    assert "Incentive: " in chart.alternative
