import numpy as np
import pytest
from statsmodels.duration.survfunc import SurvfuncRight

from analysis.learning import drop_off
from analysis.learning.reading.funnels import read_funnels, worst_loss
from analysis.learning.reading.history import read_history
from tests.analysis.lakes import Population, day, event, population_lake, write_lake
from tests.analysis.learning.test_returning import weeks_of_learners


def test_survival__random_program__is_statsmodels_on_plain_counts(tmp_path):
    lake = population_lake(
        tmp_path, Population(n_learners=150, days=126, mean_propensity=0.2, weekly_hazard=0.1)
    )
    active = weeks_of_learners(lake, 18)
    times, dropped = [], []
    for weeks in active.values():
        watched = 18 - min(weeks) - 4
        lasted = max(weeks) - min(weeks) + 1
        if watched > 0:
            times.append(min(lasted, watched))
            dropped.append(int(lasted <= watched))
    reference = SurvfuncRight(np.array(times), np.array(dropped))

    points = {p.week: p for p in drop_off.read_survival(read_history(lake, None, day(126)))}

    assert sum(dropped) > 50
    for row, week in enumerate(reference.surv_times):
        assert points[week].survival == pytest.approx(reference.surv_prob[row])
        assert points[week].at_risk == reference.n_risk[row]


def course_events(reached, began=5.0):
    """One learner per entry: how many of the five steps it took, 6: finished the course."""
    events = []
    for number, steps in enumerate(reached):
        name = f"l{number}"
        for step in range(1, min(steps, 5) + 1):
            at = day(began + step)
            lesson = {"course": "Safety", "step": step, "activity": f"lesson {step}"}
            events.append(event(name, "course_progressed", at, **lesson))
        if steps == 6:
            events.append(event(name, "course_completed", day(began + 7), course="Safety"))
    return events


def test_funnel__steps__count_who_came_so_far(tmp_path):
    reached = [1] * 10 + [2] * 10 + [3] * 50 + [4] * 10 + [5] * 8 + [6] * 12
    lake = write_lake(tmp_path, events=course_events(reached))

    history = read_history(lake, None, day(60))
    (funnel,) = read_funnels(history)
    worst = worst_loss((funnel,))

    assert [(one.label, one.n) for one in funnel] == [
        ("lesson 1", 100),
        ("lesson 2", 90),
        ("lesson 3", 80),
        ("lesson 4", 30),
        ("lesson 5", 20),
        ("completed", 12),
    ]
    assert (worst.before.label, worst.after.label) == ("lesson 3", "lesson 4")
    assert worst.share == pytest.approx(50 / 80)
    sentence = drop_off.answer(history).sentence
    assert "The step that loses most is lesson 3 to lesson 4 in Safety: 62% of 80" in sentence


def test_funnel__learners_who_just_began__are_not_counted_as_lost(tmp_path):
    early = course_events([6] * 12)
    late = [
        {**row, "learner": f"late-{row['learner']}"} for row in course_events([1] * 30, began=50.0)
    ]
    lake = write_lake(tmp_path, events=early + late)

    (funnel,) = read_funnels(read_history(lake, None, day(60)))

    assert {one.n for one in funnel} == {12}


def test_answer__even_losses__names_no_step(tmp_path):
    reached = [1] * 20 + [2] * 16 + [3] * 13 + [4] * 10 + [5] * 41
    lake = write_lake(tmp_path, events=course_events(reached))

    sentence = drop_off.answer(read_history(lake, None, day(60))).sentence

    assert "no step loses noticeably more learners" in sentence


def test_answer__fewer_than_ten_reached_a_step__leaves_the_cell_out(tmp_path):
    lake = write_lake(tmp_path, events=course_events([2] * 20 + [3] * 9))

    answer = drop_off.answer(read_history(lake, None, day(60)))
    funnel = next(chart for chart in answer.charts if chart.chart == "funnel")

    assert [row["step"] for row in funnel.rows] == [1, 2]


def test_answer__no_history__says_what_to_send(tmp_path):
    answer = drop_off.answer(read_history(write_lake(tmp_path), None, day(60)))

    assert "send course_progressed events with the properties course and step" in answer.sentence
    assert answer.charts == ()
