import pytest

from analysis.learning import incentives
from analysis.learning.reading.history import read_history
from analysis.learning.reading.randomised import read_estimates
from tests.analysis.lakes import Population, day, event, population_lake, write_lake


def badge_program():
    """20 were offered the badge, 12 claimed it on day 3; 6 came back on day 5, 3 on day 20."""
    events = []
    for number in range(20):
        name = f"l{number:02d}"
        events.append(event(name, "reward_offered", day(2), activity="badge"))
        if number < 12:
            events.append(event(name, "reward_claimed", day(3), 4.0, activity="badge"))
            events.append(event(name, "content_viewed", day(3.5)))
        if number < 6:
            events.append(event(name, "content_viewed", day(5)))
        elif number < 9:
            events.append(event(name, "content_viewed", day(20)))
    return events


def test_incentives__a_small_program__are_plain_counts(tmp_path):
    lake = write_lake(tmp_path, events=badge_program())

    (badge,) = incentives.read_incentives(read_history(lake, None, day(40)))

    assert (badge.n_offered, badge.n_claimed, badge.claim_rate) == (20, 12, 0.6)
    assert badge.watched == {7: 12, 28: 12}
    assert badge.returned == {7: 6, 28: 9}
    assert badge.cost_per_returned() == pytest.approx(12 * 4.0 / 9)


def test_incentives__claims_too_recent__are_not_judged(tmp_path):
    lake = write_lake(tmp_path, events=badge_program())

    (after_ten_days,) = incentives.read_incentives(read_history(lake, None, day(11)))
    (after_a_week,) = incentives.read_incentives(read_history(lake, None, day(10)))

    assert after_ten_days.watched == {7: 12, 28: 0}
    assert after_a_week.watched == {7: 0, 28: 0}


def test_incentives__random_program__returns_are_what_plain_python_counts(tmp_path):
    lake = population_lake(tmp_path, Population(n_learners=120, days=60, mean_propensity=0.2))
    rows = lake.table("events").to_pyarrow().to_pylist()
    active, first = {}, {}
    for row in sorted(rows, key=lambda row: row["occurred_at"]):
        on_day = (row["occurred_at"] - day(0)).days
        active.setdefault(row["learner"], set()).add(on_day)
        if row["kind"] == "reward_claimed":
            first.setdefault((row["activity"], row["learner"]), on_day)

    found = incentives.read_incentives(read_history(lake, None, day(60)))

    assert len(found) == 4
    for one in found:
        claims = [(who, at) for (name, who), at in first.items() if name == one.name]
        assert one.n_claimed == len(claims)
        for span in (7, 28):
            watched = [(who, at) for who, at in claims if at + span < 60]
            back = [who for who, at in watched if active[who] & set(range(at + 1, at + span + 1))]
            assert (one.watched[span], one.returned[span]) == (len(watched), len(back))


def test_answer__an_experiment_was_run__its_effect_stands_beside_marked_as_such(tmp_path):
    lake = write_lake(tmp_path, events=badge_program())
    tested = read_estimates(
        [
            {"title": "Double points", "domain": "incentive", "effect": 2.0, "low": 1, "high": 3},
            {"title": "New quiz", "domain": "challenge_format", "effect": 9, "low": 8, "high": 10},
        ]
    )

    answer = incentives.answer(read_history(lake, None, day(40), tested))

    assert "By experiment, so an effect: Double points +2 points" in answer.sentence
    assert [row[:2] for row in answer.table.rows] == [
        ("observed", "badge"),
        ("experiment", "Double points"),
    ]


def test_answer__repeated_claims_lose_their_pull__says_that_it_fades(tmp_path):
    events = []
    for number in range(60):
        name = f"l{number:02d}"
        events += [event(name, "reward_claimed", day(at), activity="badge") for at in (1, 20)]
        if number < 50:
            events.append(event(name, "content_viewed", day(3)))
        if number < 10:
            events.append(event(name, "content_viewed", day(22)))
    lake = write_lake(tmp_path, events=events)

    sentence = incentives.answer(read_history(lake, None, day(40))).sentence

    assert "83% of 60 learners were active again within a week" in sentence
    assert "The pull fades: 83% after the first claim, 17% after claim 2." in sentence


def test_answer__nine_claimed__gives_no_figure_and_says_what_to_send(tmp_path):
    events = [event(f"l{n}", "reward_claimed", day(1), activity="badge") for n in range(9)]
    lake = write_lake(tmp_path, events=events)

    answer = incentives.answer(read_history(lake, None, day(40)))

    assert "send reward_offered and reward_claimed" in answer.sentence
    assert (answer.charts, answer.table) == ((), None)
