from dataclasses import replace

import pytest
import structlog

from experiment_server import strict_json
from experiment_server.app import create_app
from experiment_server.security import rate_limits
from tests.factories import make_environment, make_keys, sign_in

FLAG = {"key": "home", "title": "Home"}


def test_session__on_the_api__needs_the_csrf_header(client, database):
    token = sign_in(client, database, "editor")

    bare = client.post("/api/v1/flags", json=FLAG)
    other = client.post("/api/v1/flags", json=FLAG, headers={"X-CSRF-Token": "x" * 43})
    right = client.post("/api/v1/flags", json=FLAG, headers={"X-CSRF-Token": token})

    assert [bare.status_code, other.status_code, right.status_code] == [403, 403, 201]


def test_session__right_token_from_another_site__is_refused(client, database):
    token = sign_in(client, database, "editor")
    headers = {"X-CSRF-Token": token, "Origin": "https://evil.test"}

    assert client.post("/api/v1/flags", json=FLAG, headers=headers).status_code == 403


def test_session__reading__needs_no_token(client, database):
    sign_in(client, database, "viewer")

    assert client.get("/api/v1/flags").status_code == 200


def test_stranger__asking_for_a_page__is_sent_to_sign_in_and_back(client):
    answer = client.get("/experiments?x=1", headers={"Accept": "text/html"})

    if answer.status_code == 404:  # no such page: nothing to protect
        answer = client.get("/", headers={"Accept": "text/html"})
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/sign-in?next=/")


def test_answer__to_somebody_known__is_never_stored_by_a_cache(client, database):
    sign_in(client, database, "viewer")

    found = client.get("/api/v1/flags").headers

    assert found["Cache-Control"] == "no-store"
    assert {"Cookie", "Authorization"} <= {name.strip() for name in found["Vary"].split(",")}


def test_key__on_an_undefined_address__is_404_and_method_405(client, database):
    admin = make_keys(database).manage("admin")

    missing = client.get("/api/v1/nothing", headers=admin)
    method = client.delete("/api/v1/flags", headers=admin)

    assert (missing.status_code, method.status_code) == (404, 405)
    assert "POST" in method.headers["Allow"]
    assert missing.content_type == method.content_type == "application/problem+json"


def test_rate_limit__passed__is_429_with_the_time_to_wait(app, database, monkeypatch):
    admin = make_keys(database).manage("admin")
    view = app.view_functions["flags.list_flags"]
    monkeypatch.setattr(view, rate_limits.MARK, "3/minute", raising=False)
    client = app.test_client()

    answers = [client.get("/api/v1/flags", headers=admin) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert answers[-1].content_type == "application/problem+json"
    assert "Retry-After" not in answers[0].headers


def test_secure_cookies__on__binds_the_cookie_to_the_host_and_asks_for_tls(settings, database):
    client = create_app(replace(settings, secure_cookies=True), database).test_client()

    assert "max-age" in client.get("/healthz").headers["Strict-Transport-Security"]


def test_health__with_a_foreign_authorization__answers_all_the_same(client):
    answer = client.get("/healthz", headers={"Authorization": "Basic YTpi"})

    assert (answer.status_code, answer.json) == (200, {"status": "alive"})


def test_ready__database_gone__is_503_while_alive(client, database, monkeypatch):
    from sqlalchemy.exc import OperationalError

    def broken():
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    monkeypatch.setattr(type(database), "read", lambda _self: broken())

    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200


def test_metrics__count_requests_by_route_and_name_nobody(client, database):
    admin = make_keys(database).manage("admin")
    client.get("/api/v1/flags/secret-flag", headers=admin)

    text = client.get("/metrics").get_data(as_text=True)

    labels = 'method="GET",route="/api/v1/flags/<key>",status="404"'
    assert f"momentum_requests_total{{{labels}}} 1.0" in text
    assert "secret-flag" not in text


def test_log__of_a_request__names_route_status_and_actor_but_no_path(client, database):
    admin = make_keys(database).manage("admin")

    with structlog.testing.capture_logs() as lines:
        client.get("/api/v1/flags/ada@example.org", headers=admin)

    line = next(line for line in lines if line["event"] == "request")
    assert (line["route"], line["status"], line["actor"]) == ("/api/v1/flags/<key>", 404, "key:1")
    assert "ada@example.org" not in repr(lines)


def test_openapi__served__is_valid_3_1(client):
    from openapi_spec_validator import OpenAPIV31SpecValidator

    answer = client.get("/openapi.json")

    OpenAPIV31SpecValidator(answer.json).validate()
    assert answer.json["openapi"].startswith("3.1")
    assert "/api/v1/environments/{env}/experiments" in answer.json["paths"]


def test_json__dumped_and_loaded__is_the_same():
    value = {"text": "é\u202e\u2028", "numbers": [0, -1, 2**53, 1.5, 1e15], "nothing": None}

    assert strict_json.loads(strict_json.dumps(value)) == value


@pytest.mark.parametrize("environment", ["staging", "nowhere"])
def test_key__below_another_environment__is_403_whether_or_not_it_exists(
    client, database, environment
):
    make_environment(database, "staging")
    admin = make_keys(database).manage("admin")

    answer = client.get(f"/api/v1/environments/{environment}/experiments", headers=admin)

    assert answer.status_code == 403
