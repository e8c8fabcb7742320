"""The models that are asked of an experiment's own learners, on small lakes."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.bayes import teams
from analysis.bayes.scores import ScoreSums, compare_scores
from analysis.beliefs.asked import seed_of
from analysis.beliefs.days import novelty
from analysis.beliefs.few_teams import team_beliefs
from analysis.beliefs.score import score_effects
from analysis.collect import collect
from analysis.energize.reference import Happening, score_learner
from analysis.estimate import compare_all
from analysis.plan import BatchPlan, MetricPlan
from analysis.results import NotEstimable
from tests.analysis.lakes import day, event, exposure, write_lake
from tests.analysis.test_collect import BUSY, METRICS, NORMS, plan_of

POSTS = (
    MetricPlan("posts", "Posts", "count", "primary", event_kinds=("peer_post",), window_days=8),
)
PLAN = plan_of(metrics=METRICS[:2])
N = 60


def scored_lake(root):
    """Learner n is active on n % 9 days after its exposure, with the treatment on one more."""
    met = [exposure(f"learner-{n}", ("control", "double")[n % 2], day(10)) for n in range(N)]
    done = [event(f"learner-{n}", kind, day(10.5 + at)) for n in range(N) for at, kind in busy(n)]
    return write_lake(root, exposures=met, events=done)


def busy(n):
    return [(at, BUSY[at % 4]) for at in range(n % 9 + n % 2)]


def fading_lake(root, unit_kind="learner", n=160):
    """Everybody posts about once a day; with the treatment twice more on the first two days."""
    rng = np.random.default_rng(4)
    met, posts, counts = [], [], np.zeros((n, 8), dtype=int)
    for learner in range(n):
        team = learner // 10
        place = team % 2 if unit_kind == "team" else learner % 2
        unit = f"team-{team}" if unit_kind == "team" else None
        met.append(exposure(f"learner-{learner}", ("control", "double")[place], day(10), unit=unit))
        counts[learner] = rng.poisson(np.where(np.arange(8) < 2, 1 + 2 * place, 1))
        posts += [
            event(f"learner-{learner}", "peer_post", day(10 + at + 0.01 * k + 0.1))
            for at in range(8)
            for k in range(counts[learner, at])
        ]
    return write_lake(root, exposures=met, events=posts), counts


# --- the score in two questions


def test_score_effects__a_lake__says_what_the_learners_scores_say(tmp_path):
    lake = scored_lake(tmp_path)

    found = score_effects(PLAN, lake, NORMS)

    scores = [
        score_learner([Happening(at, kind) for at, kind in busy(n)], NORMS).score for n in range(N)
    ]
    sums = {
        variant: ScoreSums.of(np.array(scores[place::2]))
        for place, variant in enumerate(PLAN.variants)
    }
    assert sums["control"].n_zero
    assert not sums["double"].n_zero
    (expected,), (effect,) = compare_scores(sums, seed_of(PLAN)).effects, found.effects
    for part in ("engaged", "if_engaged", "overall"):
        assert vars(getattr(effect, part)) == pytest.approx(vars(getattr(expected, part)), rel=1e-6)


def test_score_effects__learners_with_open_windows__are_not_among_them(tmp_path):
    lake = scored_lake(tmp_path)

    with pytest.raises(ValueError, match="0 learners score strictly between"):
        score_effects(replace(PLAN, as_of=day(23.9)), lake, NORMS)


def test_score_effects__no_score_or_teams__is_refused(tmp_path):
    lake = write_lake(tmp_path)

    with pytest.raises(ValueError, match="metrics: found count, expected a score"):
        score_effects(plan_of(metrics=POSTS), lake, NORMS)
    with pytest.raises(ValueError, match="found teams, expected learners"):
        score_effects(plan_of("team", metrics=METRICS[:1]), lake, NORMS)


# --- novelty


@pytest.mark.parametrize("unit_kind", ["learner", "team"])
def test_novelty__an_effect_of_two_days__fades(tmp_path, unit_kind):
    lake, counts = fading_lake(tmp_path, unit_kind)

    found = novelty(plan_of(unit_kind, metrics=POSTS), lake)

    learners = np.arange(len(counts))
    treated = (learners // 10 if unit_kind == "team" else learners) % 2 == 1
    assert found.measure == "Posts, a day"
    assert found.days.tolist() == list(range(8))
    expected = counts[treated].mean(axis=0) - counts[~treated].mean(axis=0)
    assert found.effects["double"] == pytest.approx(expected, abs=1e-12)
    trend = found.trends["double"]
    assert trend.p_fades > 0.99
    assert trend.first_day.mean > 1.2
    assert abs(trend.long_run.mean) < 0.6


def test_novelty__learners__have_welch_errors(tmp_path):
    lake, counts = fading_lake(tmp_path)

    found = novelty(plan_of(metrics=POSTS), lake)

    arms = counts[1::2], counts[::2]
    expected = np.sqrt(sum(each.var(axis=0, ddof=1) / len(each) for each in arms))
    assert found.ses["double"] == pytest.approx(expected, rel=1e-9)


def test_novelty__teams__count_as_one_each(tmp_path):
    lake, counts = fading_lake(tmp_path, "team")

    found = novelty(plan_of("team", metrics=POSTS), lake)

    means = counts.reshape(16, 10, 8).mean(axis=1)
    expected = np.sqrt(sum(each.var(axis=0, ddof=1) / 8 for each in (means[1::2], means[::2])))
    assert found.ses["double"] == pytest.approx(expected, rel=1e-9)


def test_novelty__long_window_of_a_score__is_cut_into_steps_of_active_days(tmp_path):
    lake, counts = fading_lake(tmp_path)
    score = (MetricPlan("energize", "Energize Score", "score", "primary", window_days=30),)

    found = novelty(plan_of(metrics=score, as_of=day(60)), lake)

    assert found.measure == "active days, a day"
    assert found.days.tolist() == [0.5 + 2 * step for step in range(15)]
    active = (counts > 0).reshape(len(counts), 4, 2).mean(axis=2)
    expected = active[1::2].mean(axis=0) - active[::2].mean(axis=0)
    assert found.effects["double"] == pytest.approx([*expected, *[0.0] * 11], abs=1e-12)
    assert found.trends["double"].p_fades > 0.9


def test_novelty__few_learners_or_days__says_why_not(tmp_path):
    lake, _ = fading_lake(tmp_path, n=30)
    short = (replace(POSTS[0], window_days=3),)

    assert "fewer than 20 learners" in novelty(plan_of(metrics=POSTS), lake).trends["double"].reason
    lake, _ = fading_lake(tmp_path / "more")
    assert isinstance(novelty(plan_of(metrics=short), lake).trends["double"], NotEstimable)


def test_novelty__a_bandit__is_refused(tmp_path):
    batches = (BatchPlan(day(5), day(12), (0.5, 0.5)),)

    with pytest.raises(ValueError, match="found a bandit, expected variants side by side"):
        novelty(plan_of(metrics=POSTS, batches=batches), write_lake(tmp_path))


# --- few teams


def test_team_beliefs__a_lake__says_what_its_teams_say(tmp_path):
    lake, _ = fading_lake(tmp_path, "team")
    plan = plan_of("team", metrics=POSTS)

    found = team_beliefs(plan, lake, None)["double"]

    sums = collect(plan, lake).metrics["posts"]
    prior = compare_all(plan.primary, plan.variants, sums).prior
    expected = teams.estimate(sums["control"], sums["double"], prior)
    assert (found.effect.mean, found.icc, found.n_teams) == (
        expected.effect.mean,
        expected.icc,
        16,
    )


def test_team_beliefs__learners_or_ratios__are_refused(tmp_path):
    lake = write_lake(tmp_path)
    ratio = (replace(METRICS[7], role="primary"),)

    with pytest.raises(ValueError, match="found learners, expected teams"):
        team_beliefs(plan_of(metrics=POSTS), lake, None)
    with pytest.raises(ValueError, match="metric worth: found kind ratio"):
        team_beliefs(plan_of("team", metrics=ratio), lake, None)
