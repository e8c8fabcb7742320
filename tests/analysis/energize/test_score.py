from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.energize.norms import COMPONENTS, Norms, existing_weights
from analysis.energize.reference import Happening, saturate, score_components, score_learner
from analysis.energize.score import explain_learner, score_learners, score_window
from analysis.kinds import KINDS
from tests.analysis.lakes import START, day, event, write_lake

KIND_NAMES = [*(kind.name for kind in KINDS), "custom:quiz", "outcome:revenue"]


def norms_of(window_days=28, **half_saturation):
    scale = half_saturation or {
        "active_days": 6.0,
        "challenges": 3.0,
        "course_units": 5.0,
        "claims": 2.0,
        "peer_actions": 4.0,
    }
    return Norms(
        version="test",
        window_days=window_days,
        half_saturation=scale,
        weights=existing_weights(scale),
        calibrated_from="2026-01-01T00:00:00+00:00",
        calibrated_to="2026-01-29T00:00:00+00:00",
    )


happenings = st.lists(
    st.builds(
        Happening,
        day=st.integers(-3, 70),
        kind=st.sampled_from(KIND_NAMES),
        value=st.none() | st.floats(-5, 1e6),
    ),
    max_size=40,
)
scales = st.sampled_from(
    [
        norms_of(),
        norms_of(active_days=6.0),
        norms_of(active_days=6.0, course_units=2.0),
        norms_of(active_days=6.0, challenges=2.0, claims=1.0),
        norms_of(active_days=1.5, peer_actions=9.0),
    ]
)


@given(happenings, scales)
def test_score__whatever_happened__lies_between_0_and_100(them, norms):
    score = score_learner(them, norms)

    assert 0.0 <= score.score <= 100.0
    assert 0.0 <= score.without_incentive <= 100.0 + 1e-9
    assert sum(score.points.values()) == pytest.approx(score.score)


@given(
    st.fixed_dictionaries(
        {
            "active_days": st.integers(0, 28),
            "active_weeks": st.integers(0, 4),
            "challenges": st.integers(0, 50),
            "course_units": st.floats(0, 50),
            "claims": st.integers(0, 50),
            "peer_actions": st.floats(0, 50),
            "judged_claim_days": st.just(4),
            "followed_claim_days": st.integers(0, 4),
        }
    ),
    st.sampled_from(
        [
            "active_days",
            "active_weeks",
            "challenges",
            "course_units",
            "claims",
            "peer_actions",
            "followed_claim_days",
        ]
    ),
    scales,
)
def test_components__more_of_anything__none_falls(facts, more, norms):
    before = score_components(facts, norms, 28)
    after = score_components({**facts, more: facts[more] + 1}, norms, 28)

    assert all(after[name] >= before[name] for name in before)


@given(st.floats(0, 1e9), st.floats(0.5, 1e3))
def test_saturate__at_its_constant__is_one_half(amount, constant):
    assert 0.0 <= saturate(amount, constant) <= 1.0
    assert saturate(constant, constant) == pytest.approx(0.5)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data(), st.sampled_from([5, 7, 28, 30, 60, 120]), scales)
def test_score__the_engine_and_plain_python__agree(tmp_path_factory, data, window_days, norms):
    """Bitmaps over rows against sets of days, in windows shorter and longer than one bitmap."""
    lives = {
        f"learner-{number}": data.draw(
            st.lists(
                st.builds(
                    Happening,
                    day=st.integers(-3, window_days + 3),
                    kind=st.sampled_from(KIND_NAMES),
                    value=st.none() | st.floats(-5, 50),
                ),
                min_size=1,
                max_size=25,
            )
        )
        for number in range(6)
    }
    events = [
        event(
            learner,
            one.kind,
            START + timedelta(days=one.day, hours=data.draw(st.integers(0, 23))),
            one.value,
        )
        for learner, them in lives.items()
        for one in them
    ]
    lake = write_lake(tmp_path_factory.mktemp("lake"), events=events)
    scale = Norms(**{**norms.__dict__, "window_days": window_days})

    rows = score_window(lake, scale, START).to_pyarrow().to_pylist()

    inside = {
        learner
        for learner, them in lives.items()
        if any(0 <= one.day < window_days for one in them)
    }
    assert {row["learner"] for row in rows} == inside
    for row in rows:
        expected = score_learner(lives[row["learner"]], scale)
        assert row["score"] == pytest.approx(expected.score)
        assert row["without_incentive"] == pytest.approx(expected.without_incentive)
        for name in COMPONENTS:
            assert row[name] == pytest.approx(expected.points[name])
        for name, amount in expected.facts.items():
            assert row[name] == pytest.approx(amount)


def test_score__business_outcomes_and_offers__do_not_count(tmp_path):
    kinds = ["sale", "quota_attainment", "call_quality", "reward_offered", "message_sent"]
    lake = write_lake(tmp_path, events=[event("ada", kind, day(3), 5.0) for kind in kinds])

    row = score_learners(lake, norms_of(), day(28)).to_pyarrow().to_pylist()[0]

    assert (row["learner"], row["score"], row["active_days"]) == ("ada", 0.0, 0.0)


def test_score__claim_followed_on_the_same_day_only__is_no_return():
    same_day = [Happening(2, "reward_claimed"), Happening(2, "content_viewed")]
    next_day = [Happening(2, "reward_claimed"), Happening(3, "content_viewed")]
    too_late = [Happening(2, "reward_claimed"), Happening(10, "content_viewed")]

    assert score_learner(same_day, norms_of()).facts["followed_claim_days"] == 0
    assert score_learner(next_day, norms_of()).facts["followed_claim_days"] == 1
    assert score_learner(too_late, norms_of()).facts["followed_claim_days"] == 0


def test_score__claim_in_the_last_week__is_not_judged_yet():
    late = [Happening(21, "reward_claimed")]
    early = [Happening(20, "reward_claimed")]

    assert score_learner(late, norms_of()).facts["judged_claim_days"] == 0
    assert score_learner(early, norms_of()).facts["judged_claim_days"] == 1


def test_score_learners__nothing_in_the_window__is_zero(tmp_path):
    lake = write_lake(tmp_path, events=[event("ada", "content_viewed", day(0))])

    rows = score_learners(lake, norms_of(), day(60)).to_pyarrow().to_pylist()

    assert [(row["learner"], row["score"]) for row in rows] == [("ada", 0.0)]


def test_explain_learner__an_active_learner__names_what_was_counted(tmp_path):
    lake = write_lake(
        tmp_path,
        events=[
            event("ada", "challenge_completed", day(1)),
            event("ada", "challenge_completed", day(9)),
            event("ada", "reward_claimed", day(2)),
            event("ada", "session_started", day(4)),
        ],
    )

    explanation = explain_learner(lake, norms_of(), "ada", day(28))
    parts = {part.component: part for part in explanation.components}

    assert parts["activity"].inputs == {"challenges": 2.0, "course_units": 0.0}
    assert parts["retention"].sentence.startswith("Active in 2 of 4 weeks, on 4 days")
    assert "after 1 of 1 claim days" in parts["incentive"].sentence
    assert sum(part.points for part in explanation.components) == pytest.approx(explanation.score)
    for part in explanation.components:
        assert part.points == pytest.approx(100 * part.weight * part.value)


def test_explain_learner__a_component_the_program_lacks__says_so(tmp_path):
    lake = write_lake(tmp_path, events=[event("ada", "peer_post", day(1))])

    explanation = explain_learner(lake, norms_of(active_days=6.0), "ada", day(28))

    community = explanation.components[-1]
    assert (community.component, community.points) == ("community", 0.0)
    assert "no events of this sort" in community.sentence


def test_explain_learner__unknown__is_none(tmp_path):
    lake = write_lake(tmp_path, events=[event("ada", "peer_post", day(1))])

    assert explain_learner(lake, norms_of(), "bo", day(28)) is None
