"""The flags page and its switch."""

import pytest
from sqlmodel import select

from experiment_server.audit.models import AuditEntry
from experiment_server.flags import service
from experiment_server.flags.changes import FlagChange
from experiment_server.security.roles import SYSTEM
from tests.factories import NOW, make_environment, sign_in

HTML = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"}
RULES = [{"title": "Sales", "condition": {"role": "sales"}, "value": True, "coverage": 0.5}]


@pytest.fixture
def environment(database):
    return make_environment(database)


@pytest.fixture
def flag(database, environment):
    values = {
        "title": "New page",
        "description": "",
        "value_type": "boolean",
        "default_value": False,
    }
    with database.write() as session:
        made = service.create_flag(session, SYSTEM, "new-page", values, NOW)
        change = FlagChange(0, False, RULES, NOW)
        service.set_flag_environment(session, SYSTEM, made, environment, change)
    return made


def switch(client, token, enabled="on", version="1"):
    form = {"csrf_token": token, "enabled": enabled, "version": version}
    return client.post("/flags/production/new-page/switch", data=form, headers=HTML)


def place(database, flag, environment):
    with database.read() as session:
        return service.load_flag_environment(session, flag, environment)


def test_switch__editor__turns_the_flag_on_and_keeps_its_rules(client, database, flag, environment):
    token = sign_in(client, database, "editor")

    answer = switch(client, token)

    assert answer.location == "/flags/production?notice=flag-on"
    after = place(database, flag, environment)
    assert after.enabled
    assert after.rules == RULES
    assert "The flag is on." in client.get(answer.location, headers=HTML).text


def test_switch__editor__is_in_the_audit_log_under_their_name(client, database, flag):
    switch(client, sign_in(client, database, "editor"))

    with database.read() as session:
        last = session.exec(select(AuditEntry).order_by(AuditEntry.id)).all()[-1]
    assert (last.action, last.actor_title) == ("flag.set", "editor@example.org")


def test_switch__older_version__changes_nothing_and_says_why(client, database, flag, environment):
    token = sign_in(client, database, "editor")

    answer = switch(client, token, version="0")

    assert answer.location == "/flags/production?notice=flag-stale"
    assert not place(database, flag, environment).enabled


@pytest.mark.parametrize("version", ["", "x", "-1", "1" * 30, "\u0661"])
def test_switch__no_version__is_a_400(client, database, flag, version):
    token = sign_in(client, database, "editor")

    assert switch(client, token, version=version).status_code == 400


def test_switch__viewer__is_refused_and_sees_it_locked(client, database, flag, environment):
    token = sign_in(client, database, "viewer")

    assert switch(client, token).status_code == 403
    assert not place(database, flag, environment).enabled
    assert "disabled>" in client.get("/flags/production", headers=HTML).text


def test_switch__without_the_sessions_token__is_refused(client, database, flag, environment):
    sign_in(client, database, "editor")

    assert switch(client, "").status_code == 403
    assert not place(database, flag, environment).enabled


def test_flags_page__hostile_title__is_shown_as_text(client, database, environment):
    values = {
        "title": "<script>alert(1)</script>",
        "description": "<img src=x onerror=alert(1)>",
        "value_type": "string",
        "default_value": "</code><script>",
    }
    with database.write() as session:
        service.create_flag(session, SYSTEM, "odd", values, NOW)
    sign_in(client, database, "viewer")

    text = client.get("/flags/production", headers=HTML).text

    assert "<script>" not in text
    assert "<img" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
