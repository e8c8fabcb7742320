"""Every route says who may use it, and nobody else can."""

import pytest

from experiment_server.app import create_app
from experiment_server.db import Database
from experiment_server.metrics.service import ensure_built_in
from experiment_server.security.roles import (
    CLIENT,
    KEY_PERMISSIONS,
    PERMISSIONS,
    ROLE_PERMISSIONS,
    ROLES,
    SERVER,
    SIGNED_IN,
)
from experiment_server.settings import Settings
from experiment_server.web import PUBLIC, policy_of
from tests.factories import NOW, make_environment, make_keys, sign_in

# The whole list of what strangers may ask. A new row here is a decision, not a repair.
PUBLIC_ENDPOINTS = {
    # the client key in the path opens these
    "features.read_features",
    "features.subscribe",
    "features.evaluate_remotely",
    "ofrep.subscribe",
    "observe.healthz",
    "observe.readyz",
    "observe.metrics",
    "openapi.spec",
    "static",
    "members.show_sign_in",
    "members.sign_in",
    "members.sign_out",
}
READING = {name for name in PERMISSIONS if name.endswith(".read")}
IMPLIED = {"HEAD", "OPTIONS"}
PLACES = {"env": "production", "key": "thing", "filename": "app.css"}


@pytest.fixture(scope="module")
def routes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("routes")
    database = Database(f"sqlite:///{folder}/unused.db")
    app = create_app(Settings(data_dir=folder), database)
    found = [
        (rule, method, policy_of(app.view_functions[rule.endpoint]))
        for rule in app.url_map.iter_rules()
        for method in sorted(rule.methods - IMPLIED)
    ]
    database.dispose()
    return found


def path_of(rule, **places):
    values = dict.fromkeys(rule.arguments, 1)
    values.update({name: {**PLACES, **places}.get(name, 1) for name in rule.arguments})
    path = rule.rule
    for name, value in values.items():
        for lead in ("", "int:", "path:", "string:"):
            path = path.replace(f"<{lead}{name}>", str(value))
    return path


def send(client, rule, method, headers=None, **places):
    body = None if method in ("GET", "DELETE") else {}
    return client.open(path_of(rule, **places), method=method, json=body, headers=headers)


def test_route__each_rule_and_method__has_a_policy(routes):
    closed = [(rule.rule, method) for rule, method, policy in routes if policy is None]

    assert closed == [], "mark each view with web.authorize(permission) or web.public"


def test_route__each_policy__is_in_the_permission_table(routes):
    assert {policy for *_rest, policy in routes} <= PERMISSIONS | {PUBLIC}


def test_route__that_changes_something__needs_more_than_reading(routes):
    too_open = [
        (rule.rule, method, policy)
        for rule, method, policy in routes
        if method != "GET" and policy in READING
    ]

    assert too_open == []


def test_route__public__is_on_the_list(routes):
    public = {rule.endpoint for rule, _method, policy in routes if policy == PUBLIC}

    assert public <= PUBLIC_ENDPOINTS


def test_route__stranger__gets_401_or_the_sign_in_page(client, routes):
    answers = {
        (rule.rule, method): send(client, rule, method).status_code
        for rule, method, policy in routes
        if policy != PUBLIC
    }

    assert answers
    assert {at: code for at, code in answers.items() if code not in (401, 403)} == {}


@pytest.mark.parametrize("header", ["Bearer nonsense", "Basic YTpi", "Bearer", ""])
def test_route__malformed_key__is_401_everywhere(client, routes, header):
    answers = {
        (rule.rule, method): send(client, rule, method, {"Authorization": header}).status_code
        for rule, method, policy in routes
        if policy != PUBLIC
    }

    assert set(answers.values()) == {401}


def expected_to_pass(policy, *, role=None, kind=None):
    """The table read by hand: not by the code under test."""
    if policy in (PUBLIC, SIGNED_IN):
        return True
    if policy in KEY_PERMISSIONS:
        return kind in KEY_PERMISSIONS[policy]
    return role is not None and ROLES.index(role) >= ROLES.index(ROLE_PERMISSIONS[policy])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("who", [*ROLES, SERVER, CLIENT])
def test_route__role_and_key__are_refused_exactly_where_the_table_says(
    client, database, routes, who
):
    with database.write() as session:
        ensure_built_in(session, NOW)
    keys = make_keys(database)
    headers = keys.manage(who) if who in ROLES else keys.headers(who)
    role, kind = (who, None) if who in ROLES else (None, who)
    wrong = {}
    for rule, method, policy in routes:
        answer = send(client, rule, method, headers)
        refused = answer.status_code == 403 and "needs the permission" in answer.get_data(True)
        if refused == expected_to_pass(policy, role=role, kind=kind):
            wrong[rule.rule, method] = answer.status_code

    assert wrong == {}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_route__key_of_another_environment__is_403_wherever_one_is_named(client, database, routes):
    keys = make_keys(database, "staging")
    make_environment(database, "production")
    headers = keys.manage("admin")
    answers = {
        (rule.rule, method): send(client, rule, method, headers).status_code
        for rule, method, policy in routes
        if "env" in rule.arguments and policy != PUBLIC
    }

    assert answers
    assert set(answers.values()) == {403}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_route__cookie_without_its_token__cannot_change_anything(client, database, routes):
    sign_in(client, database, "admin")
    answers = {
        (rule.rule, method): send(client, rule, method).status_code
        for rule, method, policy in routes
        if method != "GET" and policy != PUBLIC
    }

    assert answers
    assert set(answers.values()) == {403}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "trick",
    [
        "//api/v1/flags",
        "/api//v1/flags",
        "/./api/v1/flags",
        "/x/../api/v1/flags",
        "/api/v1/flags/",
        "/api/v1/flags;x=1",
        "/API/v1/flags",
        "/%2e/api/v1/flags",
        "/api%2fv1/flags",
        "/healthz/../api/v1/flags",
        "/static/../api/v1/flags",
        "/static/%2e%2e/%2e%2e/experiment_server/settings.py",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "TRACE", "PROPFIND"])
def test_route__spelled_with_a_trick__gives_a_stranger_nothing(client, trick, method):
    answer = client.open(trick, method=method, headers={"X-Original-URL": "/healthz"})

    assert answer.status_code in (301, 308, 401, 403, 404, 405)
    assert b"items" not in answer.data


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_route__each_answer__carries_the_security_headers(client, routes):
    for rule, method, _policy in routes:
        found = send(client, rule, method).headers

        assert found["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in found["Content-Security-Policy"]
        assert "unsafe-inline" not in found["Content-Security-Policy"].split("style-src-attr")[0]
        assert "unsafe-eval" not in found["Content-Security-Policy"]
        assert found["Referrer-Policy"] == "same-origin"
        assert found["X-Request-Id"]
