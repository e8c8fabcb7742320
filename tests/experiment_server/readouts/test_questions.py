"""The five questions of a running server."""

from datetime import timedelta

import pytest

from experiment_server.readouts import jobs, questions
from experiment_server.readouts.service import latest_look
from experiment_server.schedule.run import run_jobs
from tests.lived import DAY, START, live

AS_OF = START + 35 * DAY


@pytest.fixture
def lived(settings, database):
    lived = live(settings, database, n_learners=120, better=1.0)
    run_jobs(lived.state, jobs.JOBS, AS_OF)
    return lived


def test_questions__of_a_program__are_answered_in_five_sentences(lived):
    found = questions.answer_questions(lived.state, lived.environment, AS_OF)

    assert len(found.answers) == 5
    assert all(answer.sentence for answer in found.answers)
    assert found.lake_version.keys() == {"events", "exposures"}


def test_questions__asked_again_within_a_minute__are_not_computed_again(lived, monkeypatch):
    from analysis import learning

    first = questions.answer_questions(lived.state, lived.environment, AS_OF)
    monkeypatch.setattr(learning, "answer_all", None)  # calling it would fail

    soon = questions.answer_questions(lived.state, lived.environment, AS_OF + timedelta(seconds=30))

    assert soon == first


def test_questions__asked_after_new_events__are_computed_anew(lived):
    from experiment_server.ingest.place import open_lake
    from experiment_server.ingest.service import receive

    first = questions.answer_questions(lived.state, lived.environment, AS_OF)
    event = {
        "type": "event",
        "id": "fresh",
        "kind": "sale",
        "learner": "ann",
        "at": AS_OF.isoformat(),
    }
    receive(
        lived.state.database, lived.environment.id, [event], lived.state.clock(), may_describe=True
    )
    open_lake(lived.state, lived.environment, fresh=True)

    after = questions.answer_questions(lived.state, lived.environment, AS_OF)

    assert after.lake_version["events"] > first.lake_version["events"]


def test_questions__with_experiments__show_what_those_found(lived):
    with lived.state.database.read() as session:
        effects = questions.list_effects(session, lived.environment, AS_OF)

    assert [effect["title"] for effect in effects] == ["Streak bonus"]
    assert effects[0]["low"] < effects[0]["effect"] < effects[0]["high"]
    assert effects[0]["metric"] == "Challenges"


def test_questions__with_an_experiment_that_must_not_be_used__leave_it_out(lived):
    with lived.state.database.write() as session:
        row = latest_look(session, lived.experiment, AS_OF)
        decision = {**row.body["decision"], "verdict": "DO NOT USE"}
        row.body = {**row.body, "decision": decision}

    with lived.state.database.read() as session:
        assert questions.list_effects(session, lived.environment, AS_OF) == []


def test_memory__many_keys__stays_small():
    memory = questions.AnswerMemory()
    found = questions.Answers((), AS_OF, {}, "", None)

    for n in range(100):
        memory.get((str(n),), AS_OF, lambda: found)

    assert len(memory._found) <= questions.MAX_REMEMBERED
    assert len(memory._locks) <= questions.MAX_REMEMBERED
