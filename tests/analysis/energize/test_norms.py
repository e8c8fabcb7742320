from statistics import median

import pytest

from analysis.energize.norms import Norms, calibrate, starting_norms
from tests.analysis.lakes import Population, day, event, population_lake, write_lake


def test_calibrate__constants__are_medians_among_active_learners(tmp_path):
    challenges = {"ada": 2, "bo": 3, "cy": 7}
    events = [
        event(learner, "challenge_completed", day(number))
        for learner, n in challenges.items()
        for number in range(n)
    ]
    events.append(event("only offered", "reward_offered", day(1)))
    lake = write_lake(tmp_path, events=events)

    norms = calibrate(lake, day(28))

    assert norms.half_saturation == {"active_days": 3.0, "challenges": 3.0}
    assert norms.half_saturation["challenges"] == median(challenges.values())
    assert norms.n_learners == 3


def test_calibrate__a_kind_most_never_do__has_the_floor(tmp_path):
    events = [event(name, "content_viewed", day(1)) for name in "abcde"]
    lake = write_lake(tmp_path, events=[*events, event("a", "peer_post", day(2))])

    norms = calibrate(lake, day(28))

    assert norms.half_saturation["peer_actions"] == 1.0
    assert "peer_actions" in norms.floored


def test_calibrate__a_program_without_rewards_and_peers__has_no_such_components(tmp_path):
    lake = write_lake(tmp_path, events=[event("a", "course_progressed", day(1))])

    norms = calibrate(lake, day(28))

    assert norms.components == ("retention", "activity")
    assert norms.weights == {"retention": 0.5, "activity": 0.5, "incentive": 0.0, "community": 0.0}


def test_calibrate__events_after_its_end__do_not_move_it(tmp_path):
    lake = population_lake(tmp_path, Population(n_learners=60, days=28))
    before = calibrate(lake, day(28))
    later = [event(f"learner-{n:05d}", "challenge_completed", day(28 + n % 9)) for n in range(60)]

    after = calibrate(write_lake(tmp_path, events=later), day(28))

    assert after == before


def test_calibrate__nobody_active__says_what_to_do(tmp_path):
    with pytest.raises(ValueError, match="no learner was active in the 28 days before 2026-03-30"):
        calibrate(write_lake(tmp_path), day(28))


def test_calibrate__version__names_the_content(tmp_path):
    lake = population_lake(tmp_path, Population(n_learners=60, days=35))

    first, again, other = (calibrate(lake, day(d)) for d in (28, 28, 35))

    assert first.version == again.version
    assert first.version != other.version
    assert calibrate(lake, day(28), version="spring").version == "spring"


def test_norms__to_json_and_back__are_the_same(tmp_path):
    norms = calibrate(population_lake(tmp_path, Population(n_learners=60, days=28)), day(28))

    assert Norms.from_json(norms.to_json()) == norms


def test_norms__another_format__is_refused():
    with pytest.raises(ValueError, match="norms format: found 2, expected 1"):
        Norms.from_json({**starting_norms(day(0)).to_json(), "format": 2})


def test_starting_norms__another_window__keep_the_pace():
    assert starting_norms(day(0), 56).half_saturation["active_days"] == 16.0
    assert starting_norms(day(0)).constant("active_days", 14) == 4.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"window_days": 0}, "window_days: found 0"),
        ({"half_saturation": {"active_days": 0.0}}, "half_saturation.active_days: found 0.0"),
        ({"half_saturation": {"active_days": 3.0}}, "weights.activity: found 0.35, but"),
        ({"weights": {"retention": 1.0}}, "expected one of at least 0 for each of retention"),
        (
            {"weights": dict.fromkeys(("retention", "activity", "incentive", "community"), 0.5)},
            "they add up to 2.0, expected 1",
        ),
    ],
)
def test_norms__an_unsound_scale__is_refused(change, message):
    plain = {**starting_norms(day(0)).to_json(), **change}

    with pytest.raises(ValueError, match=message):
        Norms.from_json(plain)
