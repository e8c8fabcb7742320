import numpy as np
import pytest
from scipy.stats import rankdata

from analysis.energize.norms import calibrate
from analysis.energize.score import score_window
from analysis.energize.validity import validate
from analysis.results import NotEstimable
from tests.analysis.lakes import Population, day, event, population_lake, write_lake


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    lake = population_lake(tmp_path_factory.mktemp("lake"), Population(n_learners=400))
    norms = calibrate(lake, day(28))
    return lake, norms, validate(lake, norms, day(84))


def people_of(lake, norms):
    """Score, active days and return of each learner, read from the rows in plain Python."""
    scored = score_window(lake, norms, day(28)).to_pyarrow().to_pylist()
    events = lake.table("events").to_pyarrow().to_pylist()
    there = {row["learner"] for row in events if day(77) <= row["occurred_at"] < day(84)}
    scored = [row for row in scored if row["active_days"] > 0]
    returned = np.array([row["learner"] in there for row in scored])
    logins = {row["learner"]: 0 for row in scored}
    for row in events:
        inside = day(28) <= row["occurred_at"] < day(56) and row["kind"] == "session_started"
        if inside and row["learner"] in logins:
            logins[row["learner"]] += 1
    columns = {
        "score": np.array([row["score"] for row in scored]),
        "active_days": np.array([row["active_days"] for row in scored]),
        "logins": np.array([logins[row["learner"]] for row in scored], dtype=float),
    }
    return columns, returned


def mann_whitney(x, returned):
    ranks = rankdata(x)
    n_pos, n_neg = returned.sum(), (~returned).sum()
    return (ranks[returned].sum() - n_pos * (n_pos + 1) / 2) / (n_pos * n_neg)


def test_validate__area__is_that_of_the_rank_formula(program):
    lake, norms, validation = program
    columns, returned = people_of(lake, norms)

    found = {one.name: one.auc for one in (validation.score, *validation.baselines)}

    assert validation.n == len(returned)
    assert validation.base_rate == pytest.approx(returned.mean())
    for name, x in columns.items():
        assert found[name] == pytest.approx(mann_whitney(x, returned))


def test_validate__intervals__match_the_bootstrap(program):
    lake, norms, validation = program
    columns, returned = people_of(lake, norms)
    rng = np.random.default_rng(5)
    draws = []
    for _ in range(400):
        pick = rng.integers(0, len(returned), len(returned))
        areas = {name: mann_whitney(x[pick], returned[pick]) for name, x in columns.items()}
        draws.append((areas["score"], areas["score"] - areas["logins"]))
    spread, spread_ahead = np.std(draws, axis=0, ddof=1)

    against_logins = next(one for one in validation.comparisons if one.against == "logins")
    half = (validation.score.auc_high - validation.score.auc_low) / 2
    half_ahead = (against_logins.high - against_logins.low) / 2

    # 400 draws give the spread to about 4 %.
    assert half == pytest.approx(1.96 * spread, rel=0.15)
    assert half_ahead == pytest.approx(1.96 * spread_ahead, rel=0.15)


def test_validate__chances__beat_the_base_rate_and_are_calibrated(program):
    _, _, validation = program

    assert validation.score.brier < validation.brier_base
    assert sum(one.n for one in validation.calibration) == validation.n
    for one in validation.calibration:
        # Four standard errors of a share of so many learners.
        allowed = 4 * np.sqrt(max(one.predicted * (1 - one.predicted), 0.02) / one.n)
        assert abs(one.predicted - one.observed) < allowed


def test_validate__score_no_better_than_a_baseline__says_so(program):
    _, _, validation = program
    unbeaten = [one.against for one in validation.comparisons if not one.beats]

    # In this made-up program only the number of active days says anything about the learner.
    assert "active_days" in unbeaten
    assert "does not beat active days alone" in validation.sentence


def test_validate__only_the_score_knows__says_that_it_beats_both(tmp_path):
    """All come on two days and log in once; those who answer their peers are the ones who stay."""
    events = []
    for number in range(80):
        stays = number % 2 == 0
        kind = "peer_comment" if stays or number < 6 else "content_viewed"
        name = f"learner-{number}"
        events += [event(name, "session_started", day(3)), event(name, kind, day(10))]
        events += [event(name, "content_viewed", day(50))] if stays else []
    lake = write_lake(tmp_path, events=events)

    validation = validate(lake, calibrate(lake, day(28)), day(56))

    assert [one.auc for one in validation.baselines] == [0.5, 0.5]
    assert all(one.beats for one in validation.comparisons)
    assert validation.sentence.endswith(
        "That beats active days alone (50%) and logins alone (50%)."
    )


def test_validate__too_little_history__says_what_would_help(tmp_path):
    lake = write_lake(tmp_path, events=[event("ada", "content_viewed", day(1))])
    norms = calibrate(lake, day(28))

    found = validate(lake, norms, day(56))

    assert isinstance(found, NotEstimable)
    assert "0 were still active" in found.reason
