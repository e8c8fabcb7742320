"""What an LMS sees of a client on a server that works."""

import copy
import inspect
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from momentum_sdk import Momentum, Variant
from momentum_sdk.testing import InMemory

from tests.sdk.fault_server import PAYLOAD

SELLER = {"role": "seller", "region": "emea", "salary": 100_000}
PUBLIC = [name for name in dir(Momentum) if not name.startswith("_")]


def test_variant__targeted_learner__is_split_and_exposed(client, server) -> None:
    variant = client.variant("reward-ladder", "learner-1", SELLER)

    assert variant.in_experiment is True
    assert variant.reason == "split"
    assert client.flush(30)
    (exposure,) = server.of_type("exposure")
    assert exposure["experiment"] == "reward-ladder"
    assert exposure["variant"] == variant.key
    assert exposure["learner"] == "learner-1"
    assert exposure["attributes"] == {"role": "seller", "region": "emea"}
    assert "unit" not in exposure


def test_variant__payload__is_that_of_the_variant(client) -> None:
    variants = {client.variant("reward-ladder", f"l{i}", SELLER).key: i for i in range(50)}

    for key, number in variants.items():
        payload = client.variant("reward-ladder", f"l{number}", SELLER).payload
        assert payload == {"badges": key == "badges"}
    assert set(variants) == {"control", "badges"}


def test_variant__payload_changed_by_the_host__stays_for_the_next_learner(client) -> None:
    client.variant("reward-ladder", "l1", SELLER).payload["badges"] = "broken"

    assert client.variant("reward-ladder", "l1", SELLER).payload["badges"] in (True, False)


def test_variant__asked_again__is_the_same_and_exposed_once(client, server) -> None:
    answers = {client.variant("reward-ladder", "learner-1", SELLER).key for _ in range(100)}

    assert len(answers) == 1
    assert client.flush(30)
    assert len(server.of_type("exposure")) == 1


def test_variant__next_phase__is_exposed_again(client, server) -> None:
    client.variant("reward-ladder", "learner-1", SELLER)
    server.payload = copy.deepcopy(PAYLOAD)
    server.payload["momentum"]["version"] = 2
    server.payload["features"]["reward-ladder"]["rules"][1]["phase"] = "2"
    assert client.refresh(30)

    client.variant("reward-ladder", "learner-1", SELLER)

    assert client.flush(30)
    assert len(server.of_type("exposure")) == 2


@pytest.mark.parametrize(
    ("experiment", "learner", "attributes", "expected"),
    [
        ("reward-ladder", "l1", {"role": "x"}, ("control", {"badges": False}, "not_targeted")),
        ("reward-ladder", "l1", None, ("control", {"badges": False}, "not_targeted")),
        ("reward-ladder", "", SELLER, ("control", {"badges": False}, "no_unit")),
        ("reward-ladder", None, SELLER, ("control", {"badges": False}, "no_unit")),
        ("reward-ladder", "learner-of-the-house", None, ("badges", {"badges": True}, "forced")),
        ("team-quest", "l1", {"team": ""}, ("solo", None, "no_unit")),
        ("team-quest", "l1", None, ("solo", None, "no_unit")),
        ("team-quest", None, {"team": "t1"}, ("solo", None, "no_unit")),
        ("no-such", "l1", None, ("control", None, "unknown_flag")),
    ],
)
def test_variant__outside_the_experiment__is_not_exposed(
    client, server, experiment, learner, attributes, expected
) -> None:
    variant = client.variant(experiment, learner, attributes)

    assert (variant.key, variant.payload, variant.reason) == expected
    assert variant.in_experiment is False
    assert client.counts().handed == 0


def test_variant__unknown_experiment__is_the_default_that_was_asked_for(client) -> None:
    assert client.variant("no-such", "l1", default="blue") == Variant(
        "blue", None, False, "unknown_flag"
    )


def test_variant__team_experiment__follows_the_team_and_names_it(client, server) -> None:
    keys = {client.variant("team-quest", f"l{i}", {"team": "t1"}).key for i in range(20)}

    assert len(keys) == 1
    assert client.flush(30)
    exposures = server.of_type("exposure")
    assert len(exposures) == 20
    assert {exposure["unit"] for exposure in exposures} == {"t1"}


def test_variant__at_a_time__is_exposed_then(client, server) -> None:
    at = datetime(2024, 3, 1, 9, 30, tzinfo=timezone(timedelta(hours=2)))

    client.variant("reward-ladder", "learner-1", SELLER, at=at)

    assert client.flush(30)
    (exposure,) = server.of_type("exposure")
    assert datetime.fromtimestamp(exposure["at"] / 1000, UTC) == at


def test_variant__time_without_zone__answers_but_exposes_nothing(client, lines) -> None:
    naive = datetime(2024, 3, 1)  # noqa: DTZ001 - the fault under test

    assert client.variant("reward-ladder", "l1", SELLER, at=naive).in_experiment is True
    assert client.counts().dropped == 1
    assert "no time zone" in lines()[0]


def test_flags__known__have_their_values(client) -> None:
    assert client.is_on("new-home") is True
    assert client.is_on("no-such") is False
    assert client.value("limit", 1) == 5
    assert client.value("no-such", 1) == 1
    assert client.value("limit", None) == 5


@pytest.mark.parametrize("default", ["five", True, [5], {"n": 5}])
def test_value__of_another_type_than_the_default__is_the_default(client, lines, default) -> None:
    assert client.value("limit", default) == default
    assert any("'limit' is of another type" in line for line in lines())


def test_flag__that_is_an_experiment__exposes_too(client, server) -> None:
    client.value("reward-ladder", {}, "learner-1", SELLER)

    assert client.flush(30)
    assert len(server.of_type("exposure")) == 1


def test_track__event__arrives_as_handed_over(client, server) -> None:
    at = datetime(2024, 3, 1, tzinfo=UTC)

    client.track("challenge_completed", "learner-1", 10, {"activity": "quiz-7"}, at)

    assert client.flush(30)
    (event,) = server.of_type("event")
    assert event.pop("id")
    assert event == {
        "type": "event",
        "kind": "challenge_completed",
        "learner": "learner-1",
        "at": 1_709_251_200_000,
        "value": 10,
        "properties": {"activity": "quiz-7"},
    }


def test_identify__learner__sends_only_what_the_analysis_knows(client, server) -> None:
    client.identify("learner-1", SELLER | {"team": 7, "started_on": date(2024, 1, 15)})

    assert client.flush(30)
    (learner,) = server.of_type("learner")
    assert learner["attributes"] == {
        "role": "seller",
        "region": "emea",
        "team": "7",
        "started_on": "2024-01-15",
    }


def test_with__block__delivers_at_its_end(connect, server) -> None:
    with connect(flush_interval_s=60) as client:
        client.track("login", "learner-1")

    assert len(server.of_type("event")) == 1
    assert client.counts().delivered == 1


def test_close__twice__is_harmless_and_later_events_are_counted(client) -> None:
    client.close()
    client.close()

    client.track("login", "learner-1")

    assert client.counts().dropped == 1
    assert client.is_on("new-home") is True


def test_refresh__changed_definition__is_seen_at_once(connect, server) -> None:
    client = connect(poll_interval_s=60)
    assert client.ready(30)
    server.payload = copy.deepcopy(PAYLOAD)
    server.payload["momentum"]["version"] = 2
    server.payload["features"]["limit"]["defaultValue"] = 9

    assert client.refresh(30) is True

    assert client.value("limit", 1) == 9


def test_polling__unchanged_definitions__are_not_sent_again(client, server) -> None:
    for _ in range(3):
        assert client.refresh(30)

    asked = [asked.headers.get("if-none-match") for asked in server.asked]

    assert asked[0] is None
    assert set(asked[1:]) == {'"1"'}


def test_requests__all__carry_the_key_as_bearer(client, server) -> None:
    client.track("login", "l1")
    assert client.flush(30)

    assert {asked.headers["authorization"] for asked in server.asked} == {"Bearer mo_server_secret"}


@pytest.mark.parametrize("name", PUBLIC)
def test_in_memory__each_method__has_the_signature_of_the_client(name: str) -> None:
    assert inspect.signature(getattr(InMemory, name)) == inspect.signature(getattr(Momentum, name))


def test_in_memory__what_was_asked__is_recorded() -> None:
    with InMemory(
        variants={"reward-ladder": "badges"}, values={"limit": 3}, payloads={"reward-ladder": [1]}
    ) as client:
        answers = [client.variant("reward-ladder", "l1", SELLER) for _ in range(2)]
        client.track("login", "l1")
        client.identify("l1", {"role": "seller"})
        client.track("", "l1")

        assert answers == [Variant("badges", [1], True, "split")] * 2
        assert client.variant("reward-ladder", "").reason == "no_unit"
        assert client.variant("other", "l1").reason == "unknown_flag"
        assert client.is_on("limit") is True
        assert client.value("limit", 1) == 3
        assert [exposure["variant"] for exposure in client.exposures] == ["badges"]
        assert [event["kind"] for event in client.events] == ["login"]
        assert [learner["attributes"] for learner in client.learners] == [{"role": "seller"}]
        assert client.counts().dropped == 1
        assert (client.ready(), client.refresh(), client.flush()) == (True, True, True)
