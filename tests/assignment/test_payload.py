import pytest
from hypothesis import given

from assignment import InvalidPayload, evaluate, parse_payload
from tests.assignment.test_values import json_values


def flag(**rule: object) -> dict:
    return {"features": {"new-home": {"defaultValue": 1, "rules": [rule]}}}


@pytest.mark.parametrize(
    ("data", "path"),
    [
        (None, "$"),
        ([], "$"),
        ({}, "features"),
        ({"features": []}, "features"),
        ({"features": {"f": 3}}, "features.f"),
        ({"features": {"f": {"rules": 3}}}, "features.f.rules"),
        ({"features": {"f": {"rules": [3]}}}, "features.f.rules[0]"),
        ({"features": {}, "savedGroups": 3}, "savedGroups"),
        ({"features": {}, "savedGroups": {"g": 3}}, "savedGroups.g"),
        (flag(force=1, condition=3), "features.new-home.rules[0].condition"),
        (flag(force=1, coverage="much"), "features.new-home.rules[0].coverage"),
        (flag(force=1, coverage=True), "features.new-home.rules[0].coverage"),
        (flag(force=1, coverage=float("nan")), "features.new-home.rules[0].coverage"),
        (flag(force=1, range=[0]), "features.new-home.rules[0].range"),
        (flag(force=1, range=[0, "x"]), "features.new-home.rules[0].range[1]"),
        (flag(force=1, hashVersion="2"), "features.new-home.rules[0].hashVersion"),
        (flag(force=1, filters={}), "features.new-home.rules[0].filters"),
        (flag(force=1, filters=[3]), "features.new-home.rules[0].filters[0]"),
        (flag(force=1, filters=[{}]), "features.new-home.rules[0].filters[0].seed"),
        (flag(force=1, filters=[{"seed": "s"}]), "features.new-home.rules[0].filters[0].ranges"),
        (flag(force=1, parentConditions={}), "features.new-home.rules[0].parentConditions"),
        (flag(force=1, parentConditions=[{}]), "features.new-home.rules[0].parentConditions[0].id"),
        (flag(variations=3), "features.new-home.rules[0].variations"),
        (flag(variations=[1, 2], weights=3), "features.new-home.rules[0].weights"),
        (flag(variations=[1, 2], weights=[1, "x"]), "features.new-home.rules[0].weights[1]"),
        (flag(variations=[1, 2], coverage=[]), "features.new-home.rules[0].coverage"),
        (flag(variations=[1, 2], ranges=[[0, 1]] * 3), "features.new-home.rules[0].ranges"),
        (flag(variations=[1, 2], namespace=["n"]), "features.new-home.rules[0].namespace"),
        (flag(variations=[1, 2], namespace=[1, 0, 1]), "features.new-home.rules[0].namespace[0]"),
        (
            flag(variations=[1, 2], namespace=["n", "", 1]),
            "features.new-home.rules[0].namespace[1]",
        ),
    ],
)
def test_parse_payload__wrong_somewhere__names_the_path(data: object, path: str) -> None:
    with pytest.raises(InvalidPayload) as caught:
        parse_payload(data)

    assert caught.value.path == path
    assert (
        "such as" in str(caught.value)
        or "at most" in str(caught.value)
        or "[{" in str(caught.value)
        or "1 or 2" in str(caught.value)
    )


def test_parse_payload__fields_nobody_knows__are_ignored() -> None:
    data = {"features": {"f": {"defaultValue": 1, "x": 1, "rules": [{"force": 2, "y": 1}]}}, "z": 1}

    assert evaluate(parse_payload(data), "f", {}).value == 2


def test_parse_payload__momentum_object__gives_environment_and_version() -> None:
    about = {"format": 1, "environment": "production", "version": 7}

    payload = parse_payload({"features": {}, "momentum": about})

    assert (payload.environment, payload.version) == ("production", 7)


@pytest.mark.parametrize("about", [None, 3, {"environment": 3, "version": "7"}])
def test_parse_payload__other_servers_payload__has_neither(about: object) -> None:
    payload = parse_payload({"features": {}, "momentum": about})

    assert (payload.environment, payload.version) == ("", 0)


def test_parse_payload__lenient__keeps_the_good_and_names_the_broken() -> None:
    good = {"defaultValue": 1}
    broken = {"defaultValue": 2, "rules": 3}

    payload = parse_payload({"features": {"good": good, "broken": broken}}, lenient=True)

    assert evaluate(payload, "good", {}).value == 1
    assert evaluate(payload, "broken", {}).value == 2
    assert evaluate(payload, "broken", {}).reason == "error"
    assert "features.broken.rules" in payload.broken["broken"]


def test_parse_payload__lenient__still_needs_features() -> None:
    with pytest.raises(InvalidPayload):
        parse_payload({}, lenient=True)


def test_payload__flags__cannot_be_changed() -> None:
    payload = parse_payload(flag(force=2))

    with pytest.raises(TypeError):
        payload.flags["other"] = payload.flags["new-home"]  # type: ignore[index]


@given(json_values, json_values)
def test_parse_payload__any_feature__is_read_or_named(feature: object, rule: object) -> None:
    data = {"features": {"f": feature, "g": {"rules": [rule]}}}

    payload = parse_payload(data, lenient=True)

    assert {"f", "g"} == set(payload.flags)
    assert evaluate(payload, "g", {"id": "l1"}).reason != "unknown_flag"


def test_invalid_payload__value_whose_repr_raises__is_still_described() -> None:
    class Unspeakable(dict):
        def __repr__(self) -> str:
            raise RuntimeError

    error = InvalidPayload("features", Unspeakable(), "an object")

    assert str(error) == "features: found a Unspeakable; expected an object"


def test_invalid_payload__long_value__is_shortened() -> None:
    error = InvalidPayload("features", "x" * 10_000, "an object")

    assert len(str(error)) < 120
