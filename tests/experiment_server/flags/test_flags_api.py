import pytest

from tests.factories import make_environment, make_keys

FLAG = {"key": "new-home", "title": "New home"}
RULE = {"title": "Sellers", "condition": {"role": "seller"}, "value": True, "coverage": 0.5}


@pytest.fixture
def keys(database):
    return make_keys(database)


@pytest.fixture
def editor(keys):
    return keys.manage("editor")


def set_rules(client, editor, version, rules, enabled=True):
    return client.put(
        "/api/v1/flags/new-home/environments/production",
        json={"enabled": enabled, "rules": rules},
        headers={**editor, "If-Match": f'"{version}"'},
    )


def test_flag__created__is_off_everywhere_at_version_0(client, editor):
    answer = client.post("/api/v1/flags", json=FLAG, headers=editor)

    assert answer.status_code == 201
    assert answer.headers["ETag"] == '"1"'
    assert answer.json["environments"] == {
        "production": {"enabled": False, "rules": [], "version": 0}
    }


def test_flag__key_in_use__is_refused(client, editor):
    client.post("/api/v1/flags", json=FLAG, headers=editor)

    assert client.post("/api/v1/flags", json=FLAG, headers=editor).status_code == 409


def test_flag__default_of_another_type__names_the_field(client, editor):
    body = {**FLAG, "value_type": "boolean", "default_value": "yes"}

    answer = client.post("/api/v1/flags", json=body, headers=editor)

    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == "default_value"


def test_flag__a_number__is_no_boolean_and_a_boolean_no_number(client, editor):
    one = client.post("/api/v1/flags", json={**FLAG, "default_value": 1}, headers=editor)
    other = client.post(
        "/api/v1/flags",
        json={**FLAG, "value_type": "number", "default_value": True},
        headers=editor,
    )

    assert (one.status_code, other.status_code) == (422, 422)


def test_flag_rules__set__come_back_with_the_next_version(client, editor):
    client.post("/api/v1/flags", json=FLAG, headers=editor)

    answer = set_rules(client, editor, 0, [RULE])

    assert answer.json == {"enabled": True, "rules": [RULE], "version": 1}
    assert client.get("/api/v1/flags/new-home", headers=editor).json["environments"] == {
        "production": answer.json
    }


def test_flag_rules__condition_that_makes_no_sense__is_refused_by_path(client, editor):
    client.post("/api/v1/flags", json=FLAG, headers=editor)

    answer = set_rules(client, editor, 0, [RULE, {**RULE, "condition": {"role": {"$in": 3}}}])

    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == "rules[1].condition.role.$in"


def test_flag_rules__value_of_another_type__is_refused_by_path(client, editor):
    client.post("/api/v1/flags", json=FLAG, headers=editor)

    answer = set_rules(client, editor, 0, [{**RULE, "value": "on"}])

    assert answer.json["errors"][0]["field"] == "rules[0].value"


def test_flag__edit_without_if_match__is_428_and_stale_is_412(client, editor):
    client.post("/api/v1/flags", json=FLAG, headers=editor)
    change = {"title": "Newer home"}

    missing = client.patch("/api/v1/flags/new-home", json=change, headers=editor)
    stale = client.patch("/api/v1/flags/new-home", json=change, headers={**editor, "If-Match": "7"})

    assert (missing.status_code, stale.status_code) == (428, 412)


def test_flag__patch__changes_only_what_was_sent(client, editor):
    client.post("/api/v1/flags", json={**FLAG, "description": "Kept"}, headers=editor)

    answer = client.patch(
        "/api/v1/flags/new-home", json={"title": "Newer"}, headers={**editor, "If-Match": '"1"'}
    )

    assert (answer.json["title"], answer.json["description"]) == ("Newer", "Kept")
    assert answer.headers["ETag"] == '"2"'


def test_flag__patch_with_null_title__is_refused(client, editor):
    client.post("/api/v1/flags", json=FLAG, headers=editor)

    answer = client.patch(
        "/api/v1/flags/new-home", json={"title": None}, headers={**editor, "If-Match": '"1"'}
    )

    assert answer.status_code == 422


def test_flag__archived__cannot_be_changed_and_leaves_the_list(client, editor):
    client.post("/api/v1/flags", json=FLAG, headers=editor)

    client.post("/api/v1/flags/new-home/archive", headers=editor)

    assert client.get("/api/v1/flags", headers=editor).json["items"] == []
    assert set_rules(client, editor, 0, []).status_code == 409


def test_flag__key_of_one_environment__cannot_set_another(client, database, editor):
    make_environment(database, "staging")
    client.post("/api/v1/flags", json=FLAG, headers=editor)

    answer = client.put(
        "/api/v1/flags/new-home/environments/staging",
        json={"enabled": True},
        headers={**editor, "If-Match": "0"},
    )

    assert answer.status_code == 403


def test_flag__unknown_field__is_refused_and_not_dropped(client, editor):
    answer = client.post("/api/v1/flags", json={**FLAG, "version": 9}, headers=editor)

    assert answer.json["errors"][0] == {
        "field": "version",
        "found": "9",
        "expected": "no such field",
        "remedy": "Remove it, or check its spelling in /openapi.json.",
    }


def test_flag__for_servers_only__is_so_from_the_start_or_by_a_change(client, database):
    editor = make_keys(database).manage("editor")
    made = client.post(
        "/api/v1/flags", json={"key": "a", "title": "A", "server_only": True}, headers=editor
    )
    other = client.post("/api/v1/flags", json={"key": "b", "title": "B"}, headers=editor)
    edit = {**editor, "If-Match": "1"}
    changed = client.patch("/api/v1/flags/b", json={"server_only": True}, headers=edit)
    unclear = client.patch("/api/v1/flags/a", json={"server_only": None}, headers=edit)

    assert [each.json["server_only"] for each in (made, other, changed)] == [True, False, True]
    assert unclear.status_code == 422


def test_flag__on_in_another_environment__is_not_changed_there_by_this_key(
    client, database, editor
):
    staging = make_keys(database, "staging").manage("admin")
    client.post("/api/v1/flags", json=FLAG, headers=editor)
    matching = {**staging, "If-Match": '"1"'}

    def change(**values):
        return client.patch("/api/v1/flags/new-home", json=values, headers=matching)

    assert set_rules(client, editor, 0, [RULE]).status_code == 200
    refused = [
        change(default_value=True),
        change(server_only=True),
        client.post("/api/v1/flags/new-home/archive", headers=staging),
    ]
    titled = change(title="Our home")
    before = client.get("/api/v1/flags/new-home", headers=editor).json
    assert set_rules(client, editor, 1, [RULE], enabled=False).status_code == 200
    archived = client.post("/api/v1/flags/new-home/archive", headers=staging)

    assert [answer.status_code for answer in refused] == [403, 403, 403]
    assert "another environment" in refused[0].json["detail"]
    assert titled.status_code == 200
    assert (before["default_value"], before["server_only"], before["archived"]) == (
        False,
        False,
        False,
    )
    assert archived.status_code == 200
