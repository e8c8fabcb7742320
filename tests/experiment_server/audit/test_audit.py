from experiment_server.audit.service import list_entries, record
from experiment_server.security.roles import SYSTEM
from tests.factories import make_environment, make_keys, make_member


def test_record__secrets__are_left_out_whatever_the_caller_passes(database):
    with database.write() as session:
        record(session, SYSTEM, "x", "x:1", after={"title": "kept", "password_hash": "$argon2"})

    with database.read() as session:
        assert list_entries(session, limit=1)[0].after == {"title": "kept"}


def test_audit__pages__continue_without_gap_or_repeat(client, database):
    keys = make_keys(database)
    admin = keys.manage("admin")
    for number in range(5):
        client.post("/api/v1/flags", json={"key": f"f{number}", "title": "F"}, headers=admin)

    seen, after = [], ""
    while True:
        page = client.get(f"/api/v1/audit?limit=2{after}", headers=admin).json
        seen += [entry["id"] for entry in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"

    assert seen == sorted(set(seen), reverse=True)
    assert len(seen) == len(client.get("/api/v1/audit", headers=admin).json["items"])


def test_audit__asked_by_a_key__shows_neither_other_environments_nor_members(client, database):
    make_environment(database, "staging")
    make_member(database, "viewer")
    admin = make_keys(database).manage("admin")

    log = client.get("/api/v1/audit", headers=admin)

    assert "staging" not in log.text
    assert "viewer@example.org" not in log.text
    assert "environment:production" in log.text
