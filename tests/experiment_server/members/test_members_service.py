from datetime import timedelta

import pytest

from experiment_server.audit.service import list_entries
from experiment_server.members import service
from experiment_server.members.models import LoginSession, Member
from experiment_server.problems import Problem
from experiment_server.security import sessions
from experiment_server.security.roles import SYSTEM
from tests.factories import NOW, PASSWORD, make_member


def try_sign_in(database, email, password, at=NOW):
    try:
        return service.sign_in(database, email, password, at)
    except Problem as problem:
        return problem


def test_sign_in__right_password__opens_a_session_stored_only_as_hash(database):
    make_member(database, "editor")

    signed = service.sign_in(database, " Editor@Example.org ", PASSWORD, NOW)

    actor, csrf_token = service.actor_of_session(database, signed.token, NOW)
    assert (actor.title, actor.role, csrf_token) == (
        "editor@example.org",
        "editor",
        signed.csrf_token,
    )
    with database.read() as session:
        stored = session.get(LoginSession, sessions.hash_token(signed.token))
        assert signed.token not in repr(stored)
        assert session.get(Member, 1).password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_sign_in__unknown_wrong_and_disabled__get_the_same_answer(database):
    make_member(database)
    disabled = make_member(database, "viewer")
    with database.write() as session:
        service.change_member(
            session, SYSTEM, session.get(Member, disabled.id), {"disabled": True}, NOW
        )

    problems = [
        try_sign_in(database, "nobody@example.org", PASSWORD),
        try_sign_in(database, "admin@example.org", "wrong password"),
        try_sign_in(database, "viewer@example.org", PASSWORD),
    ]

    assert {(problem.status, problem.detail) for problem in problems} == {(401, service.REFUSED)}


def test_sign_in__each_refusal__verifies_one_hash(database, monkeypatch):
    make_member(database)
    verified = []
    real = service.passwords.verify_password
    monkeypatch.setattr(
        service.passwords,
        "verify_password",
        lambda stored, password: verified.append(stored is None) or real(stored, password),
    )

    try_sign_in(database, "nobody@example.org", PASSWORD)
    try_sign_in(database, "admin@example.org", "wrong password")

    assert verified == [True, False]


def test_sign_in__after_repeated_failures__rests_even_for_the_right_password(database):
    make_member(database)
    for _ in range(service.FREE_FAILURES):
        try_sign_in(database, "admin@example.org", "wrong password")

    resting = try_sign_in(database, "admin@example.org", PASSWORD)
    after = try_sign_in(database, "admin@example.org", PASSWORD, NOW + service.FIRST_REST)

    assert resting.status == 401
    assert after.member.failed_logins == 0


def test_sign_in__further_failures__rest_twice_as_long_each_up_to_an_hour(database):
    make_member(database)
    at, rests = NOW, []
    for number in range(service.FREE_FAILURES + 8):
        try_sign_in(database, "admin@example.org", "wrong password", at)
        with database.read() as session:
            until = session.get(Member, 1).locked_until
        if number >= service.FREE_FAILURES - 1:
            rests.append((until - at) // timedelta(minutes=1))
            at = until

    assert rests == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_session__idle_for_eight_hours__is_over(database):
    make_member(database)
    token = service.sign_in(database, "admin@example.org", PASSWORD, NOW).token

    assert service.actor_of_session(database, token, NOW + timedelta(hours=7, minutes=59))
    idle = NOW + timedelta(hours=16)
    assert service.actor_of_session(database, token, idle) is None


def test_session__used_all_the_time__is_over_after_seven_days(database):
    make_member(database)
    token = service.sign_in(database, "admin@example.org", PASSWORD, NOW).token

    alive = [
        service.actor_of_session(database, token, NOW + timedelta(hours=hours)) is not None
        for hours in range(0, 7 * 24 + 6, 6)
    ]

    assert alive == [True] * 28 + [False]


@pytest.mark.parametrize("change", [{"role": "viewer"}, {"disabled": True}, {"password": PASSWORD}])
def test_session__member_changed__is_closed(database, change):
    make_member(database, "admin")
    editor = make_member(database, "editor")
    token = service.sign_in(database, "editor@example.org", PASSWORD, NOW).token
    with database.write() as session:
        service.change_member(session, SYSTEM, session.get(Member, editor.id), change, NOW)

    assert service.actor_of_session(database, token, NOW) is None


def test_session__signed_out__is_closed(database):
    make_member(database)
    token = service.sign_in(database, "admin@example.org", PASSWORD, NOW).token

    service.sign_out(database, token)

    assert service.actor_of_session(database, token, NOW) is None


def test_sign_in__twice__gives_two_different_secrets(database):
    make_member(database)
    first, second = (
        service.sign_in(database, "admin@example.org", PASSWORD, NOW) for _ in range(2)
    )

    assert first.token != second.token
    assert first.csrf_token != second.csrf_token


@pytest.mark.parametrize("change", [{"role": "editor"}, {"disabled": True}])
def test_member__last_admin__cannot_be_lost(database, change):
    admin = make_member(database, "admin")

    with pytest.raises(Problem, match="nobody with the role admin"), database.write() as session:
        service.change_member(session, SYSTEM, session.get(Member, admin.id), change, NOW)

    with database.read() as session:
        assert session.get(Member, admin.id).role == "admin"


@pytest.mark.parametrize(
    ("email", "role", "password", "field"),
    [
        ("no address", "admin", PASSWORD, "email"),
        ("a@b\0.c", "admin", PASSWORD, "email"),
        ("a@b.c", "king", PASSWORD, "role"),
        ("a@b.c", "admin", "short", "password"),
        ("a@b.c", "admin", "a" * 20, "password"),
    ],
)
def test_member__that_does_not_fit__names_the_field(database, email, role, password, field):
    with pytest.raises(Problem) as caught, database.write() as session:
        service.create_member(session, SYSTEM, email, role, password, NOW)

    assert [error.field for error in caught.value.errors] == [field]
    assert password not in caught.value.detail


def test_audit__of_members__holds_no_password_and_no_hash(database):
    member = make_member(database)
    with database.write() as session:
        stored = session.get(Member, member.id)
        service.change_member(session, SYSTEM, stored, {"password": PASSWORD + "!"}, NOW)
    with database.read() as session:
        log = repr(list_entries(session, limit=10))

    assert "member.change" in log
    assert PASSWORD not in log
    assert "argon2" not in log
