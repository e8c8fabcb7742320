from analysis.learning import returning
from analysis.learning.reading.history import read_history
from tests.analysis.lakes import Population, day, event, population_lake, write_lake


def weeks_of_learners(lake, n_weeks):
    """Learner -> the weeks (from 0) in which it was active, read in plain Python."""
    active = {}
    for row in lake.table("events").to_pyarrow().to_pylist():
        week = (row["occurred_at"] - day(0)).days // 7
        if 0 <= week < n_weeks:
            active.setdefault(row["learner"], set()).add(week)
    return active


def test_weeks__random_program__are_what_plain_python_counts(tmp_path):
    lake = population_lake(tmp_path, Population(n_learners=80, days=60, mean_propensity=0.15))
    active = weeks_of_learners(lake, 8)

    weeks = returning.read_weeks(read_history(lake, None, day(60)))

    assert [one.week - weeks[0].week + 1 for one in weeks] == list(range(1, 8))
    for number, found in enumerate(weeks, start=1):
        before = {name for name, them in active.items() if number - 1 in them}
        here = {name for name, them in active.items() if number in them}
        ever = {name for name, them in active.items() if min(them) < number}
        month = {name for name, them in active.items() if them & set(range(number - 3, number + 1))}
        assert found.n == {
            "new": len(here - ever),
            "retained": len(here & before),
            "resurrected": len((here & ever) - before),
            "churned": len(before - here),
        }
        assert found.n_month == len(month)


def test_heatmap__two_cohorts__shows_the_share_still_active(tmp_path):
    events = []
    for number in range(10):
        events += [event(f"early-{number}", "content_viewed", day(1))]
        events += [event(f"late-{number}", "content_viewed", day(8))]
        if number < 4:
            events += [event(f"early-{number}", "content_viewed", day(15))]
    lake = write_lake(tmp_path, events=events)

    answer = returning.answer(read_history(lake, None, day(21)))
    heatmap = next(chart for chart in answer.charts if chart.chart == "retention_heatmap")

    assert [(row["cohort"], row["week"], row["share"]) for row in heatmap.rows] == [
        ("2026-03-02", 0, 1.0),
        ("2026-03-02", 1, 0.0),
        ("2026-03-02", 2, 0.4),
        ("2026-03-09", 0, 1.0),
        ("2026-03-09", 1, 0.0),
    ]


def test_answer__a_week_that_is_not_over__does_not_count(tmp_path):
    lake = population_lake(tmp_path, Population(n_learners=80, days=60))

    full = returning.answer(read_history(lake, None, day(56)))
    midweek = returning.answer(read_history(lake, None, day(59)))

    assert full.sentence == midweek.sentence


def test_answer__returns_fall__says_below(tmp_path):
    events = []
    for number in range(100):
        last = 42 if number < 95 else 49
        last = 35 if number < 3 else last
        events += [event(f"l{number}", "content_viewed", day(d)) for d in range(0, last, 7)]
    lake = write_lake(tmp_path, events=events)

    sentence = returning.answer(read_history(lake, None, day(49))).sentence

    assert sentence.startswith("5% of the 97 learners active in the week before came back")
    assert "below the 99% of the 4 weeks before" in sentence
    assert "92 stayed away" in sentence


def test_answer__fewer_than_ten_learners__gives_no_figure(tmp_path):
    events = [event(f"l{n}", "content_viewed", day(d)) for n in range(9) for d in range(0, 28, 7)]
    lake = write_lake(tmp_path, events=events)

    answer = returning.answer(read_history(lake, None, day(28)))

    assert answer.sentence.startswith("Fewer than 10 learners")
    assert answer.charts == ()
    assert answer.table.rows == ()


def test_answer__no_history__says_what_to_send(tmp_path):
    answer = returning.answer(read_history(write_lake(tmp_path), None, day(28)))

    assert "send session_started" in answer.sentence
    assert (answer.charts, answer.table) == ((), None)
