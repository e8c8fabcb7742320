"""Sources by API: definitions, what is refused, and what is never shown."""

from dataclasses import replace

import duckdb
import pytest

from experiment_server.sources import service
from tests.factories import make_environment

PLACE = "/api/v1/environments/production/sources"
VARIABLE = "MOMENTUM_SOURCE_TEST"
MAPPING = {
    "exposures": {"table": "met", "learner": "who", "variant": "arm", "exposed_at": "at_time"},
    "events": [
        {
            "table": "sales",
            "learner": "who",
            "occurred_at": "at_time",
            "constant_kind": "sale",
            "value": "amount",
        }
    ],
}
BODY = {"title": "Analytics", "url_variable": VARIABLE, "mapping": MAPPING}
NEW = {"key": "analytics", **BODY}


@pytest.fixture
def manage(keys):
    return keys.manage()


@pytest.fixture
def company(settings, monkeypatch):
    """A company's tables in a file below the folder for sources."""
    folder = settings.data_dir / "sources"
    folder.mkdir()
    path = folder / "company.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE met (who text, arm text, at_time timestamptz)")
        connection.execute("INSERT INTO met VALUES ('ada@example.org', 'A', now())")
        connection.execute("CREATE TABLE sales (who text, at_time timestamptz, amount double)")
        connection.execute("INSERT INTO sales VALUES ('ada@example.org', now(), 3)")
    monkeypatch.setenv(VARIABLE, f"duckdb://{path}")
    return path


@pytest.fixture
def settings(settings):
    return replace(settings, sources_dir=str(settings.data_dir / "sources"))


def test_source__defined_changed_and_listed__has_versions_and_no_address(client, manage, company):
    made = client.post(PLACE, json=NEW, headers=manage)
    changed = client.put(
        f"{PLACE}/analytics", json={**BODY, "title": "New"}, headers={**manage, "If-Match": '"1"'}
    )
    late = client.put(f"{PLACE}/analytics", json=BODY, headers={**manage, "If-Match": '"1"'})
    listed = client.get(PLACE, headers=manage)

    assert (made.status_code, changed.status_code, late.status_code) == (201, 200, 412)
    assert [(each["key"], each["title"], each["version"]) for each in listed.json["items"]] == [
        ("analytics", "New", 2)
    ]
    assert str(company) not in listed.text
    audit = client.get("/api/v1/audit", headers=manage)
    actions = [entry["action"] for entry in audit.json["items"]]
    assert {"source.create", "source.change"} <= set(actions)
    assert str(company) not in audit.text


def test_source__of_a_key_that_is_taken__is_409(client, manage):
    client.post(PLACE, json=NEW, headers=manage)

    assert client.post(PLACE, json=NEW, headers=manage).status_code == 409


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"url_variable": "MOMENTUM_DATABASE_URL"}, "url_variable"),
        ({"url_variable": "PATH"}, "url_variable"),
        ({"url_variable": "postgresql://ada:secret@host/x"}, "url_variable"),
        ({"mapping": {}}, "mapping.events"),
        ({"mapping": {"events": {}}}, "mapping.events"),
        ({"mapping": {"events": [3]}}, "mapping.events[0]"),
        ({"mapping": {"events": [{}]}}, "mapping.events[0].table"),
        ({"mapping": {"others": []}}, "mapping.others"),
        ({"mapping": {"exposures": {"table": "x", "tabel": "x"}}}, "mapping.exposures.tabel"),
        ({"mapping": {"exposures": {"table": "a.b.c.d"}}}, "mapping.exposures.table"),
        (
            {"mapping": {"exposures": {"table": "x", "query": "SELECT 1"}}},
            "mapping.exposures.table",
        ),
        ({"mapping": {"exposures": {"table": "x"}}}, "mapping.exposures.learner"),
        ({"mapping": {"exposures": {"table": 7}}}, "mapping.exposures.table"),
        ({"mapping": {"exposures": {"table": "a\u0007b"}}}, "mapping.exposures.table"),
        (
            {"mapping": {"exposures": {**MAPPING["exposures"], "time_zone": "Mars/Base"}}},
            "mapping.exposures.time_zone",
        ),
        (
            {"mapping": {"exposures": {**MAPPING["exposures"], "time_zone": "/etc/passwd"}}},
            "mapping.exposures.time_zone",
        ),
        (
            {"mapping": {"exposures": {**MAPPING["exposures"], "variants": {"A": 3}}}},
            "mapping.exposures.variants.'A'",
        ),
        (
            {"mapping": {"events": [{**MAPPING["events"][0], "kind": "verb"}]}},
            "mapping.events[0].kind",
        ),
        (
            {"mapping": {"events": [{**MAPPING["events"][0], "constant_kind": "bought"}]}},
            "mapping.events[0].constant_kind",
        ),
        (
            {"mapping": {"outcomes": [{"table": "x", "learner": "a", "day": "b", "value": "c"}]}},
            "mapping.outcomes[0].name",
        ),
    ],
)
def test_source__that_does_not_fit__is_422_and_names_the_field(client, manage, change, field):
    refused = client.post(PLACE, json={**NEW, **change}, headers=manage)

    assert refused.status_code == 422
    assert field in {error["field"] for error in refused.json["errors"]}


def test_source__validated__says_what_was_found_and_keeps_it(client, manage, company):
    client.post(PLACE, json=NEW, headers=manage)

    found = client.post(f"{PLACE}/analytics/validate", headers=manage)
    kept = client.get(f"{PLACE}/analytics", headers=manage)

    assert found.status_code == 200
    assert {each["severity"] for each in found.json["findings"]} == {"note"}
    assert kept.json["validation"] == found.json
    assert kept.json["version"] == 1


def test_source__previewed__masks_learners(client, manage, company):
    client.post(PLACE, json=NEW, headers=manage)

    shown = client.post(f"{PLACE}/analytics/preview", headers=manage)

    assert shown.status_code == 200
    assert shown.json["events"][0]["value"] == 3
    assert shown.json["events"][0]["learner"] == shown.json["exposures"][0]["learner"]
    assert "ada" not in shown.text


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("", "no_variable"),
        ("duckdb:///etc/passwd", "outside_folder"),
        ("postgresql://ada:hunter2@127.0.0.1:1/x", "no_connection"),
        ("gopher://hunter2", "bad_url"),
    ],
)
def test_source__that_nobody_answers_for__is_a_finding_and_a_422_without_its_secrets(
    client, manage, monkeypatch, address, code
):
    monkeypatch.setenv(VARIABLE, address)
    client.post(PLACE, json=NEW, headers=manage)

    found = client.post(f"{PLACE}/analytics/validate", headers=manage)
    preview = client.post(f"{PLACE}/analytics/preview", headers=manage)

    assert [each["code"] for each in found.json["findings"]] == [code]
    assert preview.status_code == 422
    assert preview.json["errors"][0]["found"] == code
    assert "hunter2" not in found.text + preview.text


def test_source__whose_query_fails_while_it_runs__is_no_failure_of_ours(client, manage, company):
    query = "SELECT who, at_time, CAST(who AS double) AS amount FROM sales"
    sales = {**MAPPING["events"][0], "query": query}
    del sales["table"]
    mapping = {**MAPPING, "events": [sales]}
    assert client.post(PLACE, json={**NEW, "mapping": mapping}, headers=manage).status_code == 201

    found = client.post(f"{PLACE}/analytics/validate", headers=manage)
    preview = client.post(f"{PLACE}/analytics/preview", headers=manage)

    assert "failed_query" in {each["code"] for each in found.json["findings"]}
    assert preview.status_code == 422
    assert preview.json["errors"][0]["found"] == "failed_query"
    assert "ada@" not in found.text + preview.text


def test_source__that_takes_too_long__is_a_finding_and_a_422(client, manage, company, monkeypatch):
    monkeypatch.setattr(service, "LOOK_SECONDS", 0.3)
    many = "range(1, 3000000)"
    query = f"SELECT a.range::text AS who, now() AS at_time, 1.0 AS amount FROM {many} a, {many} b "
    sales = {**MAPPING["events"][0], "query": query + "WHERE a.range * b.range % 7 = -1"}
    del sales["table"]
    client.post(PLACE, json={**NEW, "mapping": {**MAPPING, "events": [sales]}}, headers=manage)

    found = client.post(f"{PLACE}/analytics/validate", headers=manage)
    preview = client.post(f"{PLACE}/analytics/preview", headers=manage)

    assert "out_of_time" in {each["code"] for each in found.json["findings"]}
    assert preview.status_code == 422
    assert preview.json["errors"][0]["found"] == "out_of_time"


@pytest.mark.parametrize("path", ["validate", "preview"])
def test_source__looked_at_for_an_experiment_that_is_not_there__is_404(client, manage, path):
    client.post(PLACE, json=NEW, headers=manage)

    answer = client.post(f"{PLACE}/analytics/{path}", json={"experiment": "no"}, headers=manage)

    assert answer.status_code == 404
    assert client.post(f"{PLACE}/nowhere/{path}", headers=manage).status_code == 404


def test_source__of_another_environment__is_closed_to_this_ones_key(client, manage, database):
    make_environment(database, "staging")

    answer = client.get("/api/v1/environments/staging/sources", headers=manage)

    assert answer.status_code == 403


@pytest.mark.parametrize(("role", "status"), [("editor", 403), ("admin", 201)])
def test_source__defined__needs_an_administrator(client, keys, role, status):
    assert client.post(PLACE, json=NEW, headers=keys.manage(role)).status_code == status
