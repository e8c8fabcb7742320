"""OFREP: answers, reasons and error codes as the protocol has them."""

import pytest
import sqlalchemy as sa

from assignment import evaluate, parse_payload
from experiment_server.environments.service import touch_payload
from experiment_server.flags.models import FlagEnvironment
from experiment_server.security import rate_limits
from tests.experiment_server.delivery.definitions import (
    KEYS,
    learners,
    make_flag,
    run_experiment,
    set_flag,
)

ONE = "/ofrep/v1/evaluate/flags/{}"
ALL = "/ofrep/v1/evaluate/flags"


def context_of(attributes):
    rest = {name: value for name, value in attributes.items() if name != "id"}
    unit = {"targetingKey": attributes["id"]} if "id" in attributes else {}
    return {"context": rest | unit}


@pytest.fixture
def ask(client, server_key):
    def ask(key, context, **headers):
        url = ONE.format(key) if key else ALL
        return client.post(url, json={"context": context}, headers={**server_key, **headers})

    return ask


@pytest.mark.usefixtures("defined")
def test_ofrep__each_flag_and_learner__gets_what_the_engine_says(client, server_key):
    whole = parse_payload(client.get("/api/v1/payload", headers=server_key).json)

    for attributes in learners(40):
        bulk = client.post(ALL, json=context_of(attributes), headers=server_key).json["flags"]
        assert sorted(flag["key"] for flag in bulk) == KEYS
        for flag in bulk:
            url = ONE.format(flag["key"])
            assert client.post(url, json=context_of(attributes), headers=server_key).json == flag
            ours = evaluate(whole, flag["key"], attributes)
            if ours.reason == "no_unit":
                assert flag["errorCode"] in ("TARGETING_KEY_MISSING", "INVALID_CONTEXT")
            else:
                assert flag["value"] == ours.value
                assert flag["variant"] == (ours.variant or flag["variant"])
                assert flag["metadata"]["reason"] == ours.reason


def test_ofrep__each_way_to_decide__has_its_reason_and_variant(client, editor, ask):
    rules = [{"condition": {"role": "seller"}, "value": True}]
    make_flag(client, editor, "ruled", rules=rules)
    make_flag(client, editor, "plain", rules=[])
    make_flag(client, editor, "asleep", rules=rules, enabled=False)
    run_experiment(client, editor, "badge", condition={"role": "seller"}, forced={"bob": "badge"})

    seller = {"targetingKey": "ada", "role": "seller"}
    found = {
        (key, name): (answer["reason"], answer["variant"], answer["value"])
        for key, name, context in [
            ("ruled", "fits", seller),
            ("ruled", "fits not", {"targetingKey": "ada"}),
            ("plain", "", {}),
            ("asleep", "", seller),
            ("badge", "forced", {"targetingKey": "bob"}),
            ("badge", "fits not", {"targetingKey": "ada"}),
        ]
        for answer in [ask(key, context).json]
    }
    split = ask("badge", seller).json

    assert found == {
        ("ruled", "fits"): ("TARGETING_MATCH", "rule-0", True),
        ("ruled", "fits not"): ("DEFAULT", "default", False),
        ("plain", ""): ("STATIC", "default", False),
        ("asleep", ""): ("DISABLED", "off", False),
        ("badge", "forced"): ("TARGETING_MATCH", "badge", {"badge": True}),
        ("badge", "fits not"): ("DEFAULT", "control", {"badge": False}),
    }
    assert split["reason"] == "SPLIT"
    assert split["variant"] in ("badge", "control")
    assert split["metadata"]["experiment"] == "badge"
    assert split["metadata"]["in_experiment"] is True


def test_ofrep__null_value__leaves_the_caller_its_own_default(client, editor, ask):
    make_flag(client, editor, "panel", value_type="json", default_value=None, rules=[])

    answer = ask("panel", {})

    assert answer.status_code == 200
    assert "value" not in answer.json


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "PARSE_ERROR"),
        (b'{"context": NaN}', "PARSE_ERROR"),
        (b"[]", "INVALID_CONTEXT"),
        (b'{"context": "learner"}', "INVALID_CONTEXT"),
        (b'{"context": {"targetingKey": 7}}', "INVALID_CONTEXT"),
        (b'{"context": {"targetingKey": ""}}', "INVALID_CONTEXT"),
        (b'{"context": {"targetingKey": "%s"}}' % (b"x" * 257), "INVALID_CONTEXT"),
        (b'{"context": {"a": %s1%s}}' % (b"[" * 9, b"]" * 9), "INVALID_CONTEXT"),
        (b'{"context": {"a": "%s"}}' % (b"x" * 64_000), "INVALID_CONTEXT"),
        (b'{"context": {%s}}' % b",".join(b'"a%d":1' % n for n in range(201)), "INVALID_CONTEXT"),
        (b'{"context": {"a": 9007199254740993}}', "INVALID_CONTEXT"),
        (b"{}", "TARGETING_KEY_MISSING"),
        (b"", "TARGETING_KEY_MISSING"),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_ofrep__context_that_cannot_be_used__is_400_with_its_code(
    client, editor, server_key, body, code
):
    run_experiment(client, editor, "badge")

    answer = client.post(ONE.format("badge"), data=body, headers=server_key)

    assert (answer.status_code, answer.json["errorCode"]) == (400, code)
    assert answer.json["key"] == "badge"
    assert answer.json["errorDetails"]


def test_ofrep__experiment_by_team_without_team__says_what_to_send(client, editor, ask):
    run_experiment(client, editor, "badge", unit_kind="team")

    answer = ask("badge", {"targetingKey": "ada"})

    assert (answer.status_code, answer.json["errorCode"]) == (400, "INVALID_CONTEXT")
    assert "send team" in answer.json["errorDetails"]


def test_ofrep__unknown_flag__is_404_with_its_code(ask):
    answer = ask("nothing", {"targetingKey": "ada"})

    assert (answer.status_code, answer.json["errorCode"]) == (404, "FLAG_NOT_FOUND")
    assert answer.json["key"] == "nothing"


def test_ofrep__definition_that_cannot_be_read__is_a_general_error(client, editor, database, ask):
    make_flag(client, editor, "even", rules=[])
    make_flag(client, editor, "odd", rules=[])
    with database.write() as session:  # past the door, which refuses such a rule
        place = session.exec(sa.select(FlagEnvironment).order_by(sa.desc("id"))).scalars().first()
        place.rules = [{"condition": 7, "value": True}]
        session.add(place)
        touch_payload(session)

    answer = ask("odd", {"targetingKey": "ada"})
    every = ask(None, {"targetingKey": "ada"})

    assert (answer.status_code, answer.json["errorCode"]) == (400, "GENERAL")
    assert every.status_code == 200
    assert {one["key"]: one.get("errorCode") for one in every.json["flags"]} == {
        "even": None,
        "odd": "GENERAL",
    }


HOSTILE_DEFINITIONS = [
    {"role": {"$regex": "("}},
    {"role": {"$regex": "(?=a)"}},
    {"role": {"$regex": "a" * 100_000}},
    {"role": {"$gt": {}}},
    {"role": {"$inGroup": "none"}},
    {"role": {"$elemMatch": {"$elemMatch": {"$eq": 1}}}},
    {"role": {"$size": {"$gt": "x"}}},
    {"role.0.length": {"$veq": "v" * 90_000}},
    {"role": [[[[[[[[1]]]]]]]]},
    {"$or": [{"$nor": [{"$not": {"role": {"$type": "unknown"}}}]}]},
    {"": {"": 1}},
    {"$savedGroup": {"id": "x"}},
]
HOSTILE_VALUES = [None, True, "inf", "x" * 50_000, 2**53, 1e15, [], [[None]], {"": {"": None}}]


def test_ofrep__whatever_a_caller_may_define_and_send__is_never_a_5xx(client, editor, ask):
    for number, condition in enumerate(HOSTILE_DEFINITIONS):
        body = {"key": f"f{number}", "title": "F"}
        client.post("/api/v1/flags", json=body, headers=editor)
        rules = [{"condition": condition, "value": True}]
        put = client.put(
            f"/api/v1/flags/f{number}/environments/production",
            json={"enabled": True, "rules": rules},
            headers={**editor, "If-Match": "0"},
        )
        assert put.status_code in (200, 400, 422), put.text

    for value in HOSTILE_VALUES:
        answer = ask(None, {"targetingKey": "ada", "role": value})

        assert answer.status_code == 200
        assert [one for one in answer.json["flags"] if "errorCode" in one] == []


def test_ofrep__flag_for_servers_only__is_unknown_to_a_client_key(client, editor, keys, ask):
    make_flag(client, editor, "internal", server_only=True, rules=[])
    header = keys.headers("client")

    single = client.post(ONE.format("internal"), json={}, headers=header)
    bulk = client.post(ALL, json={}, headers=header)

    assert ask("internal", {}).status_code == 200
    assert (single.status_code, single.json["errorCode"]) == (404, "FLAG_NOT_FOUND")
    assert bulk.json["flags"] == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_ofrep__key_in_either_header__opens_and_a_wrong_one_does_not(client, keys):
    for kind in ("server", "client"):
        secret = keys.secret(kind)
        for header in ({"Authorization": f"Bearer {secret}"}, {"X-API-Key": secret}):
            site = {"Origin": "https://lms.example.org"}
            answer = client.post(ALL, json={}, headers={**header, **site})
            assert answer.status_code == 200
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
    for header in ({}, {"X-API-Key": "mo_client_x"}, {"Authorization": "Bearer x"}):
        assert client.post(ALL, json={}, headers=header).status_code == 401
    assert client.post(ALL, json={}, headers=keys.manage("admin")).status_code == 403


def test_ofrep__browser__may_send_its_key_from_another_site(client):
    answer = client.options(ALL, headers={"Origin": "https://lms.example.org"})

    assert answer.status_code == 200
    allowed = answer.headers["Access-Control-Allow-Headers"]
    assert {"Authorization", "X-API-Key", "If-None-Match"} <= set(allowed.split(", "))


def test_bulk__unchanged_answers__are_304_even_after_a_change_elsewhere(
    client, editor, server_key, ask
):
    make_flag(client, editor, "home", rules=[{"condition": {"role": "seller"}, "value": True}])
    etag = ask(None, {"role": "coach"}).headers["ETag"]
    fresh = "?flagConfigEtag=v9"

    def again(role):
        headers = {**server_key, "If-None-Match": etag}
        return client.post(ALL + fresh, json={"context": {"role": role}}, headers=headers)

    assert (again("coach").status_code, again("coach").data) == (304, b"")
    assert again("seller").status_code == 200
    set_flag(client, editor, "home", 1, rules=[{"condition": {"role": "clerk"}, "value": True}])
    assert again("coach").status_code == 304
    set_flag(client, editor, "home", 2, rules=[{"condition": {"role": "coach"}, "value": True}])
    assert again("coach").status_code == 200


def test_bulk__to_a_client_key__says_where_changes_are_told(client, keys, client_key):
    answer = client.post(ALL, json={}, headers={"X-API-Key": client_key})
    to_server = client.post(ALL, json={}, headers=keys.headers("server"))

    (stream,) = answer.json["eventStreams"]
    assert stream["type"] == "sse"
    assert stream["url"].endswith(f"/ofrep/v1/streams/{client_key}")
    opened = client.get(stream["url"])
    assert opened.mimetype == "text/event-stream"
    opened.close()
    assert "eventStreams" not in to_server.json


def test_evaluation__right_after_a_change__follows_it_within_a_moment(client, app, editor, ask):
    make_flag(client, editor, "home", rules=[])
    assert ask("home", {}).json["value"] is False
    set_flag(client, editor, "home", 1, rules=[{"condition": {}, "value": True}])

    app.extensions["momentum.payloads"]._clock = lambda: 1e9

    assert ask("home", {}).json["value"] is True


def test_rate_limit__passed__is_429_with_retry_after(client, app, ask, monkeypatch):
    view = app.view_functions["ofrep.evaluate_one"]
    monkeypatch.setattr(view, rate_limits.MARK, "2/minute")

    codes = [ask("nothing", {}).status_code for _ in range(3)]
    passed = ask("nothing", {})

    assert codes == [404, 404, 429]
    assert 1 <= int(passed.headers["Retry-After"]) <= 60
