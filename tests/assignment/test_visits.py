import pytest

from assignment import InMemoryStickyStore, Visit, evaluate, parse_payload
from tests.assignment.test_evaluate import experiment

LEARNER = {"id": "learner-1"}


def decide(visit: Visit, **over: object) -> object:
    return evaluate(parse_payload({"features": {"x": experiment(**over)}}), "x", LEARNER, visit)


@pytest.mark.parametrize("forced", [1, "badges"])
def test_forced__by_number_or_key__gives_the_variant_without_exposure(forced: object) -> None:
    found = decide(Visit(forced={"reward-ladder": forced}), weights=[1, 0], condition={"a": 1})

    assert (found.variant, found.value, found.reason) == ("badges", {"badges": True}, "forced")
    assert found.in_experiment is False


@pytest.mark.parametrize("forced", [-1, 2, "gold"])
def test_forced__variant_that_does_not_exist__keeps_the_learner_out(forced: object) -> None:
    assert decide(Visit(forced={"reward-ladder": forced})).reason == "not_covered"


# in the manner of the published getQueryStringOverride cases
@pytest.mark.parametrize(
    ("url", "variant"),
    [
        ("https://lms.example/home?reward-ladder=1", "badges"),
        ("/home?a=2&reward-ladder=0#top", "control"),
        ("?reward-ladder=1", "badges"),
        ("/home?reward-ladder=2", None),
        ("/home?reward-ladder=-1", None),
        ("/home?reward-ladder=one", None),
        ("/home?reward-ladder=", None),
        ("/home?other=1", None),
        ("/home#?reward-ladder=1", None),
        ("/reward-ladder=1", None),
        ("", None),
        ("http://[broken?reward-ladder=1", "badges"),
    ],
)
def test_url__names_a_variant__forces_it(url: str, variant: str | None) -> None:
    found = decide(Visit(url=url), coverage=0)

    assert (found.variant if found.reason == "forced" else None) == variant


def test_url__and_forced__the_page_wins() -> None:
    visit = Visit(url="/?reward-ladder=1", forced={"reward-ladder": 0})

    assert decide(visit).variant == "badges"


def test_visit__experiments_off__nobody_is_in() -> None:
    assert decide(Visit(experiments_on=False)).in_experiment is False


def test_visit__testing__only_the_forced_get_a_variant_and_nothing_is_remembered() -> None:
    store = InMemoryStickyStore()
    visit = Visit(testing=True, sticky=store, forced={})

    assert decide(visit).in_experiment is False
    assert store.get("id", "learner-1") == {}
    assert decide(Visit(testing=True, forced={"reward-ladder": 1})).reason == "forced"


def test_visit__that_says_nothing__changes_nothing() -> None:
    over = {"coverage": 0.5, "namespace": ["ring", 0, 0.7]}
    payload = parse_payload({"features": {"x": experiment(**over)}})

    for number in range(200):
        learner = {"id": f"learner-{number}"}
        assert evaluate(payload, "x", learner, Visit()) == evaluate(payload, "x", learner)
