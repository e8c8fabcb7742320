import pytest

from tests.experiment_server.experiments.test_experiments_api import EXPERIMENT

ENVIRONMENT = "/api/v1/environments/production"
URL = f"{ENVIRONMENT}/experiments"


@pytest.fixture
def define(client, editor):
    def make(*acts, **changes):
        answer = client.post(URL, json={**EXPERIMENT, **changes}, headers=editor)
        assert answer.status_code == 201, answer.text
        for act in acts:
            done = client.post(f"{URL}/badge/{act}", headers=editor)
            assert done.status_code == 200, done.text

    return make


@pytest.fixture
def explain(client, keys):
    headers = keys.manage("analyst")

    def ask(learner="learner-1", **attributes):
        body = {"learner": learner, "attributes": attributes}
        answer = client.post(f"{URL}/badge/explain", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        told = answer.json
        return told["reason"], " ".join([told["text"], *told["details"]])

    return ask


@pytest.mark.parametrize(
    ("acts", "reason", "words"),
    [
        ([], "draft", "is a draft"),
        (["start"], "split", "The hash of the learner's id put the learner into the variant"),
        (["start", "pause"], "paused", "The experiment is paused"),
        (["start", "stop"], "reverted", "The experiment is over, and the variant 'control'"),
        (["archive"], "archived", "is archived"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else None,
)
def test_explain__each_state__is_said(define, explain, acts, reason, words):
    define(*acts)

    found, text = explain()

    assert found == reason
    assert words in text


@pytest.mark.parametrize(
    ("changes", "attributes", "reason", "words"),
    [
        (
            {"condition": {"role": "seller", "level": {"$gte": 3}}},
            {"role": "seller", "level": 2},
            "not_targeted",
            "It is for 'level' of at least 3; 'level' is 2.",
        ),
        (
            {"condition": {"$and": [{"region": {"$in": ["emea", "apac"]}}]}},
            {},
            "not_targeted",
            "It is for 'region' of one of \"emea\", \"apac\"; 'region' was not given.",
        ),
        ({"coverage": 0}, {}, "not_covered", "It covers 0 % of the units"),
        (
            {"namespace": {"name": "onboarding", "low": 0, "high": 0.0001}},
            {},
            "not_covered",
            "The namespace 'onboarding' is taken there",
        ),
        ({"unit_kind": "team"}, {}, "no_unit", "It decides by the team, which was not given"),
        ({"forced": {"learner-1": "badge"}}, {}, "forced", "put the learner into the variant"),
    ],
    ids=["clause", "missing attribute", "coverage", "namespace", "no team", "forced"],
)
def test_explain__what_keeps_a_learner_out__is_named(
    define, explain, changes, attributes, reason, words
):
    define("start", **changes)

    found, text = explain(**attributes)

    assert found == reason
    assert words in text


def test_explain__preview_of_a_draft__is_said(define, explain, client, editor):
    define()
    headers = {**editor, "If-Match": "1"}
    client.put(f"{URL}/badge/previews", json={"items": {"learner-1": "badge"}}, headers=headers)

    assert explain()[0] == "preview"
    assert explain("learner-2")[0] == "draft"


def test_explain__held_out__names_the_holdout(define, explain, client, editor):
    body = {"key": "q4", "title": "Fourth quarter", "share": 0.5}
    client.post(f"{ENVIRONMENT}/holdouts", json=body, headers=editor)
    define("start")

    told = [explain(f"learner-{number}") for number in range(40)]

    assert {reason for reason, _ in told} == {"held_out", "split"}
    held_out = next(text for reason, text in told if reason == "held_out")
    assert "The holdout 'q4' keeps the learner out of this experiment" in held_out


def test_explain__unknown_experiment__is_404(client, keys):
    answer = client.post(f"{URL}/nothing/explain", json={}, headers=keys.manage("analyst"))

    assert answer.status_code == 404
