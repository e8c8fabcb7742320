import re

import pytest

from experiment_server.security import csrf
from experiment_server.security.api_keys import LEADS, is_well_formed, make_key
from experiment_server.security.passwords import (
    hash_password,
    make_password,
    needs_new_hash,
    verify_password,
)
from experiment_server.security.roles import (
    KEY_PERMISSIONS,
    ROLE_PERMISSIONS,
    ROLES,
    SYSTEM,
    Actor,
)


@pytest.mark.parametrize("kind", LEADS)
def test_key__made__is_well_formed_and_never_the_same(kind):
    made = [make_key(kind) for _ in range(200)]

    assert all(is_well_formed(key.secret) for key in made)
    assert all(key.secret.startswith(key.prefix) for key in made)
    assert len({key.secret for key in made}) == len({key.secret_hash for key in made}) == 200


def test_key__one_character_mistyped__is_recognised_without_a_look_up():
    secret = make_key("server").secret
    start = len(LEADS["server"])

    for place in range(start, len(secret)):
        other = "a" if secret[place] != "a" else "b"
        assert not is_well_formed(secret[:place] + other + secret[place + 1 :])


def test_roles__each__may_do_whatever_the_one_before_may():
    for permission in ROLE_PERMISSIONS:
        allowed = [Actor("member:1", "x", role=role).may(permission) for role in ROLES]

        assert allowed == sorted(allowed)
        assert allowed[-1]


def test_roles__a_client_key__may_ask_and_tell_but_neither_describe_nor_manage():
    client = Actor("key:1", "x", key_kind="client", environment_id=1)
    may = {name for name in (*ROLE_PERMISSIONS, *KEY_PERMISSIONS) if client.may(name)}

    assert may == {"payload.read", "flags.evaluate", "events.write"}


def test_roles__the_system__may_everything_that_a_role_may():
    assert all(SYSTEM.may(permission) for permission in ROLE_PERMISSIONS)


def test_password__made_for_a_new_member__is_accepted_and_readable():
    password = make_password()

    assert re.fullmatch(r"(?:[a-z]{8}-){3}[a-z]{8}", password)
    assert verify_password(hash_password(password), password)


def test_password__hash__is_salted_and_of_todays_strength():
    first, second = hash_password("quiet otters"), hash_password("quiet otters")

    assert first != second
    assert not needs_new_hash(first)
    assert needs_new_hash(
        "$argon2id$v=19$m=1024,t=1,p=1$c29tZXNhbHRzb21l$QbTmP8pWbOqVdMUpVyVDDmh7TeTHP5bTbqDqPPHTKQI"
    )


@pytest.mark.parametrize("stored", [None, "", "no hash", "$argon2id$broken"])
def test_password__without_a_usable_hash__never_fits(stored):
    assert not verify_password(stored, "quiet otters")


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({}, False),
        ({"Origin": "http://momentum.test"}, False),
        ({"Origin": "https://evil.test"}, True),
        ({"Origin": "null"}, True),
        ({"Origin": "http://momentum.test.evil.test"}, True),
        ({"Sec-Fetch-Site": "same-origin"}, False),
        ({"Sec-Fetch-Site": "same-site"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, True),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://momentum.test"}, True),
    ],
)
def test_origin__only_our_own_pages__pass(headers, refused):
    assert (csrf.check_origin(headers, "momentum.test") is not None) == refused


@pytest.mark.parametrize("sent", [None, "", "x", "tok\u00e9n", "token "])
def test_csrf_token__missing_or_other__is_refused(sent):
    assert csrf.check_token(sent, "token") is not None
    assert csrf.check_token("token", "token") is None
