import json

import pytest

from analysis.answers import Answer
from analysis.energize.norms import calibrate
from analysis.learning import QUESTIONS, answer_all
from tests.analysis.lakes import Population, day, population_lake, write_lake

ROWS = {
    "retention_heatmap": {"cohort", "week", "share", "n"},
    "weekly_states": {"week", "state", "n"},
    "stickiness": {"week", "share"},
    "activity_return": {"activity", "reach", "repeat_rate", "difference", "low", "high", "n"},
    "survival": {"week", "survival", "low", "high", "at_risk"},
    "funnel": {"course", "step", "label", "n", "share"},
    "incentive_returns": {"incentive", "within_days", "share", "low", "high", "n"},
    "claim_decay": {"repeat", "share", "low", "high", "n"},
    "quintile_outcomes": {"quintile", "mean", "low", "high", "n"},
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    population = Population(n_learners=300, days=112, sales_per_propensity=8.0)
    lake = population_lake(tmp_path_factory.mktemp("lake"), population)
    return answer_all(lake, calibrate(lake, day(28)), day(112))


def test_answer_all__a_program_with_everything__answers_each_with_charts(answers):
    assert [answer.question for answer in answers] == [
        "returning",
        "sustaining",
        "drop_off",
        "incentives",
        "outperforming",
    ]
    assert {chart.chart for answer in answers for chart in answer.charts} == set(ROWS)


def test_answer_all__each_chart__has_the_rows_that_its_drawing_reads(answers):
    for chart in (chart for answer in answers for chart in answer.charts):
        assert chart.alternative
        assert all(set(row) == ROWS[chart.chart] for row in chart.rows)
        for row in chart.rows:
            inside = [row[name] for name in ("share", "survival", "reach") if name in row]
            assert all(0 <= value <= 1 for value in inside)
            if "low" in row:
                middle = row.get(
                    "share", row.get("survival", row.get("difference", row.get("mean")))
                )
                assert row["low"] <= middle <= row["high"]


def test_answer_all__every_cell__holds_ten_learners_or_more(answers):
    for chart in (chart for answer in answers for chart in answer.charts):
        if chart.chart != "weekly_states":  # its cells add up; the week as a whole is held to ten
            assert all(row.get("n", row.get("at_risk", 10)) >= 10 for row in chart.rows)


def test_answer_all__to_json_and_back__is_the_same(answers):
    for answer in answers:
        text = json.dumps(answer.to_json(), allow_nan=False)
        assert Answer.from_json(json.loads(text)) == answer


def test_answer_all__asked_again__says_the_same(tmp_path):
    lake = population_lake(tmp_path, Population(n_learners=60, days=70))

    assert answer_all(lake, None, day(70)) == answer_all(lake, None, day(70))


def test_answer_all__an_empty_lake__says_five_times_what_to_send(tmp_path):
    answers = answer_all(write_lake(tmp_path), None, day(56))

    assert [answer.title for answer in answers] == [question.title for question in QUESTIONS]
    assert all("send" in answer.sentence for answer in answers)
    assert all(answer.charts == () and answer.table is None for answer in answers)
