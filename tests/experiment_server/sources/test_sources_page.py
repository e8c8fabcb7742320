"""The sources page."""

import pytest

from tests.factories import make_environment, sign_in

BODY = {
    "key": "crm",
    "title": "Sales <b>system</b>",
    "url_variable": "MOMENTUM_SOURCE_PAGE",
    "mapping": {
        "events": [
            {"table": "deals", "learner": "rep", "occurred_at": "at", "constant_kind": "sale"}
        ]
    },
}


@pytest.fixture
def token(client, database):
    make_environment(database)
    return sign_in(client, database)


def test_sources_page__without_any__says_how_to_begin(client, token):
    page = client.get("/sources/production")

    assert page.status_code == 200
    assert "No source yet" in page.text


def test_sources_page__after_a_validation__shows_what_was_found(client, token, monkeypatch):
    monkeypatch.setenv("MOMENTUM_SOURCE_PAGE", "duckdb:///etc/passwd")
    headers = {"X-CSRF-Token": token}
    made = client.post("/api/v1/environments/production/sources", json=BODY, headers=headers)
    before = client.get("/sources/production")

    done = client.post(
        "/sources/production/crm/validate",
        data={"csrf_token": token, "experiment": ""},
        follow_redirects=True,
    )

    assert made.status_code == 201
    assert "not validated yet" in before.text
    assert "Sales &lt;b&gt;system&lt;/b&gt;" in done.text
    assert "events[0] from deals" in done.text
    assert "outside the folder for sources" in done.text
    assert "MOMENTUM_SOURCE_PAGE" in done.text
    assert "/etc/passwd" not in done.text


def test_sources_page__validated_without_the_forms_token__is_refused(client, token):
    assert client.post("/sources/production/crm/validate").status_code in (400, 403)


def test_sources_page__validated_for_an_experiment_that_is_not_there__is_404(client, token):
    headers = {"X-CSRF-Token": token}
    client.post("/api/v1/environments/production/sources", json=BODY, headers=headers)

    answer = client.post(
        "/sources/production/crm/validate", data={"csrf_token": token, "experiment": "no"}
    )

    assert answer.status_code == 404
