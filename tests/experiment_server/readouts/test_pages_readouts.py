"""The experiments list, one experiment's page, the five questions."""

import pytest

from experiment_server.experiments import service as experiments
from experiment_server.readouts import jobs
from experiment_server.schedule.run import run_jobs
from tests.factories import make_environment, sign_in
from tests.lived import DAY, KEY, START, live

HTML = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"}
PAGE = f"/experiments/production/{KEY}"


@pytest.fixture
def lived(settings, database):
    return live(settings, database, n_learners=120, better=2.0)


@pytest.fixture
def read(lived):
    run_jobs(lived.state, jobs.JOBS, START + 40 * DAY)
    return lived


def verdict(lived, look):
    with lived.state.database.read() as session:
        from experiment_server.readouts.service import list_readouts

        return list_readouts(session, lived.experiment)[look - 1].verdict


def test_experiments_page__after_the_looks__shows_decision_effect_and_units(client, database, read):
    sign_in(client, database, "viewer")

    text = client.get("/experiments/production", headers=HTML).text

    assert verdict(read, 3) in text
    assert "120 learners" in text
    assert "Streak bonus" in text


def test_experiment_page__after_the_looks__shows_the_latest_with_its_charts(client, database, read):
    sign_in(client, database, "viewer")

    answer = client.get(PAGE, headers=HTML)

    assert answer.status_code == 200
    assert "look 3 of 3" in answer.text
    assert verdict(read, 3) in answer.text
    assert answer.text.count("<svg xmlns") >= 8  # four charts at two widths
    assert "Bonus" in answer.text


def test_experiment_page__earlier_look__is_shown_when_asked_for(client, database, read):
    sign_in(client, database, "viewer")

    answer = client.get(f"{PAGE}?look=1", headers=HTML)

    assert "look 1 of 3, as of" in answer.text


@pytest.mark.parametrize("look", ["9", "x", "-1", "%00"])
def test_experiment_page__unknown_look__is_not_found(client, database, read, look):
    sign_in(client, database, "viewer")

    assert client.get(f"{PAGE}?look={look}", headers=HTML).status_code == 404


def test_experiment_page__before_the_first_look__says_what_comes(client, database, lived):
    sign_in(client, database, "viewer")

    text = client.get(PAGE, headers=HTML).text

    assert "No look yet" in text
    assert "momentum_sdk" in text


def test_experiment_page__viewer__offers_no_stop(client, database, lived):
    sign_in(client, database, "viewer")

    assert "/stop" not in client.get(PAGE, headers=HTML).text


def test_stop__editor__ends_the_phase_with_the_reason(client, database, lived):
    token = sign_in(client, database, "editor")
    version = str(lived.experiment.version)
    assert f"{PAGE}/stop" in client.get(PAGE, headers=HTML).text

    form = {"csrf_token": token, "version": version, "reason": "It is decided."}
    answer = client.post(f"{PAGE}/stop", data=form, headers=HTML)

    assert answer.location == f"{PAGE}?notice=stopped"
    with database.read() as session:
        found = experiments.load_experiment(session, lived.environment.id, KEY)
        assert found.state == "stopped"
        assert experiments.load_phase(session, found).stop_reason == "It is decided."


def test_stop__with_a_variant_to_ship__delivers_it_to_everybody(client, database, lived):
    token = sign_in(client, database, "editor")
    page = client.get(PAGE, headers=HTML).text
    variant = lived.experiment.variants[1]["key"]
    assert f'value="ship:{variant}"' in page

    form = {"csrf_token": token, "version": str(lived.experiment.version), "reason": "x"}
    client.post(f"{PAGE}/stop", data={**form, "after": f"ship:{variant}"}, headers=HTML)

    with database.read() as session:
        found = experiments.load_experiment(session, lived.environment.id, KEY)
        assert found.after == {"rule": "ship", "variant": variant}
    assert "The experiment is over. Everybody gets" in client.get(PAGE, headers=HTML).text


def test_pause_and_resume__editor__the_page_says_since_when_and_why(client, database, lived):
    token = sign_in(client, database, "editor")
    version = lived.experiment.version
    form = {"csrf_token": token, "version": str(version), "reason": "The quiz is broken."}

    paused = client.post(f"{PAGE}/pause", data=form, headers=HTML)
    page = client.get(PAGE, headers=HTML).text
    listed = client.get("/experiments/production", headers=HTML).text
    form["version"] = str(version + 1)
    resumed = client.post(f"{PAGE}/resume", data=form, headers=HTML)
    after = client.get(PAGE, headers=HTML).text

    assert paused.location == f"{PAGE}?notice=paused"
    assert "Paused since" in page
    assert "The quiz is broken." in page
    assert f"{PAGE}/resume" in page
    assert 'id="state-paused"' in listed
    assert resumed.location == f"{PAGE}?notice=resumed"
    assert "Paused since" not in after
    assert f"{PAGE}/pause" in after


def test_start__after_a_stop__begins_the_second_phase(client, database, lived):
    token = sign_in(client, database, "editor")
    form = {"csrf_token": token, "version": "2", "reason": "x"}
    client.post(f"{PAGE}/stop", data=form, headers=HTML)

    answer = client.post(f"{PAGE}/start", data={**form, "version": "3"}, headers=HTML)

    assert answer.location == f"{PAGE}?notice=started"
    with database.read() as session:
        found = experiments.load_experiment(session, lived.environment.id, KEY)
        assert (found.state, found.phase) == ("running", 2)


def test_stop__older_version__changes_nothing(client, database, lived):
    token = sign_in(client, database, "editor")

    form = {"csrf_token": token, "version": "1", "reason": "x"}
    answer = client.post(f"{PAGE}/stop", data=form, headers=HTML)

    assert answer.location == f"{PAGE}?notice=experiment-stale"
    with database.read() as session:
        assert experiments.load_experiment(session, lived.environment.id, KEY).state == "running"


def test_start__while_it_runs__is_a_409_that_says_what_is_possible(client, database, lived):
    token = sign_in(client, database, "editor")

    form = {"csrf_token": token, "version": str(lived.experiment.version)}
    answer = client.post(f"{PAGE}/start", data=form, headers=HTML)

    assert answer.status_code == 409
    assert "stop" in answer.text


def test_questions_page__empty_lake__says_what_to_send(client, database):
    make_environment(database)
    sign_in(client, database, "viewer")

    text = client.get("/questions/production", headers=HTML).text

    assert "Nothing to answer yet" in text
    assert "momentum.track" in text


def test_questions_page__with_engagement__answers_all_five(client, database, read):
    sign_in(client, database, "viewer")

    text = client.get("/questions/production", headers=HTML).text

    assert text.count('<section class="question"') == 5
    assert "How it was computed" in text
