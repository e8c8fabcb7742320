import pytest

from assignment import REASONS, InMemoryStickyStore, Visit, parse_payload
from assignment.explaining import SENTENCES, explain

RULE = {
    "key": "ladder",
    "seed": "ladder:1",
    "hashVersion": 2,
    "hashAttribute": "id",
    "variations": ["plain", "steps"],
    "weights": [0.5, 0.5],
    "coverage": 1.0,
    "meta": [{"key": "control"}, {"key": "ladder"}],
}
ABOUT = {"experiment": True, "control": "control", "unit_kind": "learner"}


def payload(*rules, groups=None, **about):
    feature = {"defaultValue": "plain", "rules": list(rules), "momentum": {**ABOUT, **about}}
    return parse_payload({"features": {"ladder": feature}, "savedGroups": groups or {}})


def told(read, attributes, visit=None):
    found = explain(read, "ladder", attributes, visit)
    return found.evaluation.reason, " ".join([found.text, *found.details])


def test_sentences__there_is_one_for_each_reason():
    assert set(SENTENCES) == set(REASONS)


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ({"role": "seller"}, "It is for 'role' of \"seller\"; 'role' is \"coach\"."),
        ({"level": {"$gt": 1, "$lt": 3}}, "more than 1 and less than 3; 'level' was not given."),
        ({"team.size": {"$lte": 5}}, "It is for 'team.size' of at most 5; 'team.size' is 9."),
        ({"role": {"$in": list("abcdefg")}}, 'one of "a", "b", "c", "d", "e" and 2 more'),
        ({"role": {"$nin": ["coach"]}}, 'none of "coach"'),
        ({"region": {"$exists": True}}, "It is for 'region' of any value"),
        ({"$or": [{"role": "a"}, {"role": "b"}]}, "None of its alternatives holds"),
        ({"$not": {"role": "coach"}}, "What it excludes holds"),
        ({"$and": [{"role": "coach"}, {"level": 2}]}, "It is for 'level' of 2"),
        ({"id": {"$in": ["canary"]}}, "The learner is not among those it is for."),
        ({"role": {"$inGroup": "pilots"}}, "pilots"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_explain__the_clause_that_does_not_hold__is_named(condition, words):
    read = payload({**RULE, "condition": condition}, groups={"pilots": ["seller"]})

    reason, text = told(read, {"id": "ada", "role": "coach", "team": {"size": 9}})

    assert reason == "not_targeted"
    assert words in text
    assert "canary" not in text


def test_explain__no_id__says_what_is_missing():
    reason, text = told(payload(RULE), {"role": "seller"})

    assert reason == "no_unit"
    assert "It decides by the learner's id, which was not given" in text


def test_explain__filter_of_another_ring__says_where_the_unit_lies():
    ring = {"seed": "season", "ranges": [[0, 0]], "attribute": "id", "hashVersion": 2}

    reason, text = told(payload({**RULE, "filters": [ring]}), {"id": "ada"})

    assert reason == "not_covered"
    assert "of the ring 'season', not in 0 to 0" in text


@pytest.mark.parametrize(
    ("state", "reason", "words"),
    [
        ("paused", "paused", "is paused"),
        ("reverted", "reverted", "The experiment is over"),
        ("draft", "unknown_flag", "no running experiment has this key"),
        ("something newer", "split", "The hash"),
    ],
)
def test_explain__where_the_experiment_stands__is_said(state, reason, words):
    found, text = told(payload(RULE if reason == "split" else {}, state=state), {"id": "ada"})

    assert found == reason
    assert words in text


@pytest.mark.parametrize(
    ("marker", "reason", "words"),
    [
        ({"reason": "preview"}, "preview", "previews the variant 'ladder'"),
        ({"reason": "kept"}, "kept", "keeps the variant 'ladder'"),
        ({"reason": "shipped"}, "shipped", "everybody gets the variant 'ladder'"),
        ({"reason": "held_out", "holdout": "q4"}, "held_out", "The holdout 'q4' keeps the learner"),
        ({"reason": "split"}, "targeting_match", "Rule 1 is for these attributes"),
        ({"reason": ["kept"]}, "targeting_match", "Rule 1 is for these attributes"),
    ],
    ids=["preview", "kept", "shipped", "held out", "not a marker", "nonsense"],
)
def test_explain__what_a_rule_is_for__is_said(marker, reason, words):
    rule = {"force": "steps", "momentum": {"variant": "ladder", **marker}}

    found, text = told(payload(rule, RULE), {"id": "ada"})

    assert found == reason
    assert words in text


def test_explain__remembered_variant__says_so():
    read, store = payload(RULE), InMemoryStickyStore()
    by_hash = explain(read, "ladder", {"id": "ada"})
    other = {"control": "ladder", "ladder": "control"}[by_hash.evaluation.variant]
    store.save("id", "ada", {"ladder__0": other})

    found = explain(read, "ladder", {"id": "ada"}, Visit(sticky=store))

    assert found.evaluation.variant == other
    assert "is remembered for the learner" in found.text
    assert "The hash" in by_hash.text
