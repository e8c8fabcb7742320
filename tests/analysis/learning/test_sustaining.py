import numpy as np

from analysis.learning import sustaining
from analysis.learning.reading.history import read_history
from tests.analysis.lakes import day, event, write_lake


def program(root, lift, seed=2, n_learners=900):
    """Each week half of the active learners do the quiz; it lifts the chance to come back.

    Engaged learners come on more days, come back more, and do the quiz more often: a raw comparison
    would credit the quiz with that.
    """
    rng = np.random.default_rng(seed)
    events = []
    for number in range(n_learners):
        engaged = rng.random() < 0.5
        name, active = f"l{number:04d}", True
        for week in range(8):
            if not active:
                active = rng.random() < 0.3
                continue
            days = rng.choice(7, 4 if engaged else 1, replace=False)
            quiz = rng.random() < (0.8 if engaged else 0.2)
            for place, which in enumerate(sorted(days)):
                activity = "quiz" if quiz and place == 0 else "reading"
                at = day(week * 7 + float(which) + 0.5)
                events.append(event(name, "content_viewed", at, activity=activity, topic="all"))
            active = rng.random() < (0.75 if engaged else 0.35) + lift * quiz
    return write_lake(root, events=events)


def quiz_of(lake):
    found = sustaining.follow(read_history(lake, None, day(56)), "activity")
    return next(one for one in found if one.name == "quiz")


def test_follow__the_activity_does_nothing__interval_holds_zero(tmp_path):
    quiz = quiz_of(program(tmp_path, lift=0.0))

    assert quiz.difference.low < 0 < quiz.difference.high


def test_follow__the_activity_lifts_return__finds_it(tmp_path):
    lake = program(tmp_path, lift=0.2)
    quiz = quiz_of(lake)
    answer = sustaining.answer(read_history(lake, None, day(56)))

    assert quiz.difference.low < 0.2 < quiz.difference.high
    assert quiz.difference.low > 0
    assert answer.sentence.startswith("quiz goes with coming back most: +")


def test_follow__reach_and_repeat__are_plain_shares(tmp_path):
    events = [event(f"l{n}", "content_viewed", day(1 + 7 * w)) for n in range(40) for w in range(5)]
    for number in range(20):
        for which in range(2 if number < 5 else 1):
            at = day(15 + which)
            events.append(event(f"l{number}", "challenge_completed", at, activity="sprint"))
    lake = write_lake(tmp_path, events=events)

    found = {
        one.name: one for one in sustaining.follow(read_history(lake, None, day(35)), "activity")
    }

    assert (found["sprint"].n, found["sprint"].reach) == (20, 0.5)
    assert found["sprint"].repeat_rate == 0.25
    assert found["content viewed"].reach == 1.0


def test_answer__everybody_did_it__says_there_is_nobody_to_compare_with(tmp_path):
    events = [event(f"l{n}", "content_viewed", day(1 + 7 * w)) for n in range(40) for w in range(5)]
    lake = write_lake(tmp_path, events=events)

    answer = sustaining.answer(read_history(lake, None, day(35)))

    assert "nobody to compare with" in answer.sentence
    assert answer.charts == ()


def test_answer__nine_learners_did_it__leaves_it_out(tmp_path):
    events = [event(f"l{n}", "content_viewed", day(1 + 7 * w)) for n in range(40) for w in range(5)]
    events += [event(f"l{n}", "challenge_completed", day(15), activity="secret") for n in range(9)]
    lake = write_lake(tmp_path, events=events)

    found = sustaining.follow(read_history(lake, None, day(35)), "activity")

    assert [one.name for one in found] == ["content viewed"]


def test_answer__no_history__says_what_to_send(tmp_path):
    answer = sustaining.answer(read_history(write_lake(tmp_path), None, day(35)))

    assert "with the properties activity and topic" in answer.sentence
