"""What a host gets from an experiment that randomises nobody: paused, over, held out, previewed."""

import pytest
from momentum_sdk import Momentum

SPLIT = {
    "key": "ladder",
    "seed": "ladder:1",
    "hashVersion": 2,
    "hashAttribute": "id",
    "variations": [{"steps": 0}, {"steps": 5}],
    "meta": [{"key": "control"}, {"key": "ladder"}],
}


def given(reason, variant="ladder", **more):
    """A plain rule that gives a variant for a reason, as the server compiles it."""
    steps = 5 if variant == "ladder" else 0
    return {"force": {"steps": steps}, "momentum": {"variant": variant, "reason": reason, **more}}


@pytest.fixture
def ask(connect):
    """The variant from such rules in such a state; nothing was logged if nothing may be."""

    def variant(rules, state=None, learner="ada", default_value={"steps": 0}):  # noqa: B006
        about = {"experiment": True, "control": "control", "unit_kind": "learner"}
        if state:
            about["state"] = state
        feature = {"defaultValue": default_value, "rules": rules, "momentum": about}
        client = connect("nowhere", payload={"features": {"ladder": feature}}, offline=True)
        found = client.variant("ladder", learner, default="the host's own")
        assert (client.counts().handed > 0) == found.in_experiment
        return found

    return variant


@pytest.mark.parametrize(
    ("rules", "state", "expected"),
    [
        ([], "paused", ("control", {"steps": 0}, "paused")),
        ([], "reverted", ("control", {"steps": 0}, "reverted")),
        ([given("kept")], "kept", ("ladder", {"steps": 5}, "kept")),
        ([given("shipped")], "shipped", ("ladder", {"steps": 5}, "shipped")),
        (
            [given("held_out", "control", holdout="q4"), SPLIT],
            None,
            ("control", {"steps": 0}, "held_out"),
        ),
        ([given("preview"), SPLIT], None, ("ladder", {"steps": 5}, "preview")),
    ],
    ids=["paused", "reverted", "kept", "shipped", "held out", "preview"],
)
def test_variant__outside_for_a_reason__has_its_payload_and_says_why(ask, rules, state, expected):
    found = ask(rules, state)

    assert (found.key, found.payload, found.reason) == expected
    assert not found.in_experiment


def test_variant__nobody_to_ask_for__still_gets_what_is_shipped(ask):
    assert ask([given("shipped")], "shipped", learner=None).key == "ladder"


def test_variant__draft_that_others_preview__is_as_if_it_were_not_there(ask):
    rule = {**given("preview"), "condition": {"id": {"$in": ["bob"]}}}

    other = ask([rule], "draft", default_value=None)
    previews = ask([rule], "draft", learner="bob", default_value=None)

    assert (other.key, other.payload, other.reason) == ("the host's own", None, "unknown_flag")
    assert (previews.key, previews.reason) == ("ladder", "preview")


def test_variant__running__logs_its_exposure(ask):
    assert ask([SPLIT]).in_experiment


def test_explain__names_the_holdout():
    rules = [given("held_out", "control", holdout="q4"), SPLIT]
    feature = {"defaultValue": 0, "rules": rules, "momentum": {"experiment": True}}
    client = Momentum(
        "nowhere", "mo_server_x", payload={"features": {"ladder": feature}}, offline=True
    )

    assert "The holdout 'q4' keeps the learner out" in client.explain("ladder", "ada")
