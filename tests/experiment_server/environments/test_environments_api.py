import pytest
import sqlalchemy as sa

from experiment_server.environments import service
from experiment_server.environments.models import ApiKey
from tests.factories import NOW, make_environment, make_keys, sign_in

KEYS = "/api/v1/environments/production/keys"


def test_environment__created_by_an_admin__has_a_pseudonym_key_that_nobody_sees(client, database):
    headers = {"X-CSRF-Token": sign_in(client, database)}

    answer = client.post("/api/v1/environments", json={"key": "staging"}, headers=headers)

    assert answer.status_code == 201
    assert set(answer.json) == {
        "key",
        "title",
        "payload_version",
        "secret_attributes",
        "secret_salt",
        "created_at",
    }
    assert "pseudonym" not in client.get("/api/v1/audit").text


def test_environment__created_with_a_key_of_another__is_refused(client, database):
    admin = make_keys(database).manage("admin")

    answer = client.post("/api/v1/environments", json={"key": "staging"}, headers=admin)

    assert answer.status_code == 403


def test_environments__asked_by_a_key__are_its_own_only(client, database):
    make_environment(database, "staging")
    viewer = make_keys(database).manage("viewer")

    listed = client.get("/api/v1/environments", headers=viewer).json["items"]

    assert [each["key"] for each in listed] == ["production"]


def test_key__created__shows_its_secret_once_and_stores_only_a_hash(client, database):
    admin = make_keys(database).manage("admin")

    made = client.post(KEYS, json={"kind": "server", "title": "LMS"}, headers=admin).json

    assert made["secret"].startswith("mo_server_")
    assert made["secret"] not in client.get(KEYS, headers=admin).text
    assert made["secret"] not in client.get("/api/v1/audit", headers=admin).text
    with database.read() as session:
        stored = session.execute(sa.select(ApiKey.__table__).where(ApiKey.id == made["id"])).one()
    assert made["secret"] not in repr(stored)


def test_key__revoked__is_refused_after_the_memory_of_it_has_passed(client, database):
    keys = make_keys(database)
    admin, server = keys.manage("admin"), keys.headers("server")

    client.delete(f"{KEYS}/2", headers=admin)  # the second key is the server's

    assert client.get("/api/v1/payload", headers=server).status_code == 401
    assert client.get(KEYS, headers=admin).json["items"][1]["revoked_at"] is not None


def test_key__of_another_environment__cannot_be_revoked_here(client, database):
    make_keys(database, "staging").headers("server")
    admin = make_keys(database).manage("admin")

    assert client.delete(f"{KEYS}/1", headers=admin).status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"kind": "root", "title": "x"}, 422),
        ({"kind": "server", "role": "admin", "title": "x"}, 422),
        ({"kind": "management", "title": "x"}, 422),
        ({"kind": "management", "role": "king", "title": "x"}, 422),
        ({"kind": "management", "role": "viewer", "title": "x"}, 201),
    ],
)
def test_key__kind_and_role__have_to_fit(client, database, body, status):
    admin = make_keys(database).manage("admin")

    assert client.post(KEYS, json=body, headers=admin).status_code == status


def test_first_environment__of_a_fresh_installation__is_made_once(database):
    for _ in range(2):
        with database.write() as session:
            service.ensure_first(session, NOW)

    with database.read() as session:
        assert [each.key for each in service.list_environments(session)] == ["production"]


def test_touch_payload__one_environment__leaves_the_others(database):
    one = make_environment(database, "one")
    make_environment(database, "other")
    with database.write() as session:
        service.touch_payload(session, one.id)
        service.touch_payload(session)

    with database.read() as session:
        versions = {each.key: each.payload_version for each in service.list_environments(session)}
    assert versions == {"one": 3, "other": 2}


SECRETS = "/api/v1/environments/production/secret-attributes"


def test_secret_attributes__set__replace_the_list_and_reach_the_payload_and_the_audit(
    client, database
):
    keys = make_keys(database)
    admin = keys.manage("admin")
    place = "/api/v1/environments/production"
    before = client.get(place, headers=admin).json

    answer = client.put(SECRETS, json={"items": ["phone", "email", "phone"]}, headers=admin)
    again = client.put(SECRETS, json={"items": ["email", "phone"]}, headers=admin)

    assert before["secret_attributes"] == ["email"]
    assert answer.json["secret_attributes"] == ["email", "phone"]
    assert answer.json["payload_version"] == before["payload_version"] + 1
    assert again.json == answer.json == client.get(place, headers=admin).json
    entries = client.get("/api/v1/audit", headers=admin).json["items"]
    changes = [each for each in entries if each["action"] == "environment.secret_attributes"]
    assert [each["after"] for each in changes] == [{"secret_attributes": ["email", "phone"]}]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", ["id", "team", "", "$in", "a\x00b", "x" * 129])
def test_secret_attributes__name_that_cannot_be_one__is_refused(client, database, name):
    admin = make_keys(database).manage("admin")

    answer = client.put(SECRETS, json={"items": [name]}, headers=admin)

    assert answer.status_code in (400, 422)


def test_secret_salt__of_each_environment__is_another_and_stays(client, database):
    keys = make_keys(database)
    admin = {"X-CSRF-Token": sign_in(client, database)}
    make_environment(database, "staging")

    salts = [
        client.get(f"/api/v1/environments/{key}", headers=admin).json["secret_salt"]
        for key in ("production", "staging", "production")
    ]

    assert salts[0] == salts[2] != salts[1]
    assert keys.environment.pseudonym_key not in "".join(salts)
