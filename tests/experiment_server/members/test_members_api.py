from tests.factories import make_keys, sign_in


def test_member__added_by_an_admin__can_be_listed_without_secrets(client, database):
    token = sign_in(client, database, "admin")
    body = {"email": "ada@example.org", "role": "editor", "password": "quiet otters read maps"}

    added = client.post("/api/v1/members", json=body, headers={"X-CSRF-Token": token})
    listed = client.get("/api/v1/members")

    assert added.status_code == 201
    assert [member["email"] for member in listed.json["items"]] == [
        "ada@example.org",
        "admin@example.org",
    ]
    assert "password" not in listed.text


def test_members__key_of_one_environment__is_refused(client, database):
    admin = make_keys(database).manage("admin")

    assert client.get("/api/v1/members", headers=admin).status_code == 403


def test_member__changed_by_an_admin__has_the_new_role(client, database):
    token = sign_in(client, database, "admin")
    headers = {"X-CSRF-Token": token}
    body = {"email": "ada@example.org", "role": "editor", "password": "quiet otters read maps"}
    made = client.post("/api/v1/members", json=body, headers=headers).json

    answer = client.patch(f"/api/v1/members/{made['id']}", json={"role": "viewer"}, headers=headers)

    assert answer.json["role"] == "viewer"
