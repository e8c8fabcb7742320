"""``momentum bayes score|novelty|teams``, asked of an experiment that learners lived in."""

import json

import pytest
from sqlmodel import select
from typer.testing import CliRunner

from experiment_server.cli import app
from experiment_server.scores.models import ScoreVersion
from tests.lived import KEY, live


@pytest.fixture
def ask(settings, database, request):
    """Run a question of ``momentum bayes`` on a store with an experiment."""
    metric = getattr(request, "param", "challenges")
    lived = live(settings, database, n_learners=160, better=1.5, metric=metric)
    variables = {
        "MOMENTUM_DATA_DIR": str(settings.data_dir),
        "MOMENTUM_LAKE_DIR": settings.lake_dir,
        "MOMENTUM_DATABASE_URL": settings.database_url,
    }
    at = lived.state.clock().isoformat()

    def run(*arguments):
        given = ("--environment", lived.environment.key, "--as-of", at)
        return CliRunner().invoke(app, ["bayes", *arguments, *given], env=variables)

    return run


@pytest.mark.parametrize("ask", ["energy"], indirect=True)
def test_bayes_score__an_experiment__takes_its_score_apart(ask):
    answer = ask("score", KEY)
    found = json.loads(ask("score", KEY, "--json").output)

    assert answer.exit_code == 0
    assert "share who engaged" in answer.output
    assert "Exact on a grid" in answer.output
    part = found["effects"]["bonus"]["overall"]
    assert found["method"] == "grid"
    assert part["low"] < part["mean"] < part["high"]


@pytest.mark.parametrize("ask", ["energy"], indirect=True)
def test_bayes_score__before_the_first_readout__stores_no_scale(ask, database):
    answer = ask("score", KEY)

    with database.read() as session:
        kept = session.exec(select(ScoreVersion)).all()
    assert (answer.exit_code, list(kept)) == (0, [])


def test_bayes_novelty__an_experiment__says_whether_it_fades(ask):
    answer = ask("novelty", KEY)
    found = json.loads(ask("novelty", KEY, "--json").output)

    assert answer.exit_code == 0
    assert "in the long run" in answer.output
    assert found["measure"] == "Challenges, a day"
    assert len(found["days"]) == len(found["variants"]["bonus"]["effects"])
    assert 0 < found["variants"]["bonus"]["p_fades"] < 1


def test_bayes_teams__learners_were_randomised__is_refused_in_one_line(ask):
    answer = ask("teams", KEY)

    assert answer.exit_code == 2
    assert answer.output.strip().endswith("its readout has the posterior")


def test_bayes_score__no_score__is_refused_in_one_line(ask):
    answer = ask("score", KEY)

    assert answer.exit_code == 2
    assert "expected a score among them" in answer.output


def test_bayes_novelty__unknown_experiment__is_refused(ask):
    assert ask("novelty", "nothing").exit_code != 0
