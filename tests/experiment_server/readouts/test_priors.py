"""What the environment's past teaches a new experiment."""

from datetime import timedelta

import numpy as np
import pytest
from sqlmodel import select

from analysis.bayes.priors import PastEffect, learn_prior
from experiment_server.experiments.models import Experiment, ExperimentPhase
from experiment_server.readouts import jobs
from experiment_server.readouts.models import StoredReadout
from experiment_server.readouts.service import to_readout
from experiment_server.schedule.run import run_jobs
from tests.lived import DAY, START, live

BEGAN = START - DAY
EFFECTS = (0.4, -0.3, 0.1, 0.6, -0.2, 0.25)


@pytest.fixture
def lived(settings, database):
    return live(settings, database, n_learners=60, better=1.0)


def remember(
    session, lived, effects, ended=BEGAN - DAY, verdict="INCONCLUSIVE", metric="challenges"
):
    """Past experiments with one readout each."""
    for number, effect in enumerate(effects):
        key = f"past-{metric}-{verdict.lower().replace(' ', '-')}-{number}-{ended:%m%d}"
        past = Experiment(
            environment_id=lived.environment.id,
            key=key,
            title=key,
            domain="incentive",
            state="archived",
            variants=[],
            metrics=[],
            phase=1,
            created_at=ended,
            updated_at=ended,
        )
        session.add(past)
        session.flush()
        session.add(
            ExperimentPhase(
                experiment_id=past.id,
                number=1,
                seed=key,
                started_at=ended - timedelta(days=30),
                stopped_at=ended,
                design={},
            )
        )
        estimates = [
            {"variant": "a", "effect": effect, "se": 0.2},
            {"reason": "no unit", "remedy": "wait"},
        ]
        session.add(
            StoredReadout(
                experiment_id=past.id,
                phase=1,
                look=1,
                as_of=ended,
                verdict=verdict,
                plan={},
                body={"metrics": [{"key": metric, "estimates": estimates}]},
                created_at=ended,
            )
        )


def readouts(lived):
    run_jobs(lived.state, jobs.JOBS, BEGAN + 40 * DAY)
    with lived.state.database.read() as session:
        rows = session.exec(
            select(StoredReadout)
            .where(StoredReadout.experiment_id == lived.experiment.id)
            .order_by(StoredReadout.id)
        ).all()
    return [to_readout(row) for row in rows]


def test_readout__six_past_experiments__are_the_prior_of_every_look(lived):
    with lived.state.database.write() as session:
        remember(session, lived, EFFECTS)

    found = [readout.primary.estimates[0].posterior for readout in readouts(lived)]

    expected = learn_prior([PastEffect(f"e{n}", y, 0.2) for n, y in enumerate(EFFECTS)])
    assert len(found) == 3
    for belief in found:
        assert (belief.prior_source, belief.prior_experiments) == ("learned", 6)
        assert belief.prior_sd == pytest.approx(expected.sd, rel=1e-9)
        assert belief.prior_tail == "heavy"


def test_readout__four_past_experiments__keeps_the_weak_prior(lived):
    with lived.state.database.write() as session:
        remember(session, lived, EFFECTS[:4])

    belief = readouts(lived)[0].primary.estimates[0].posterior

    assert (belief.prior_source, belief.prior_experiments) == ("weak", 0)


@pytest.mark.parametrize(
    "past",
    [{"ended": BEGAN + DAY}, {"verdict": "DO NOT USE"}, {"metric": "energy"}],
    ids=["ended later", "not to be used", "of another metric"],
)
def test_readout__past_that_does_not_count__teaches_nothing(lived, past):
    with lived.state.database.write() as session:
        remember(session, lived, EFFECTS, **past)

    assert readouts(lived)[0].primary.estimates[0].posterior.prior_source == "weak"


def test_readout__past_comes_in_between_looks__changes_no_prior(lived):
    run_jobs(lived.state, jobs.JOBS, BEGAN + 15 * DAY)
    with lived.state.database.write() as session:
        remember(session, lived, EFFECTS)

    sources = {each.primary.estimates[0].posterior.prior_source for each in readouts(lived)}

    assert sources == {"weak"}


def test_readout__small_effects_in_the_past__shrink_a_large_one(lived):
    with lived.state.database.write() as session:
        remember(session, lived, np.zeros(12).tolist())

    belief = readouts(lived)[-1].primary.estimates[0]

    assert 0 < belief.posterior.mean < 0.8 * belief.effect
