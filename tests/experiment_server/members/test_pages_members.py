"""Signing in and out through the pages."""

import pytest

from tests.factories import PASSWORD, make_environment, make_member, sign_in

HTML = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"}


def post(client, **form):
    return client.post("/sign-in", data=form, headers=HTML)


def test_sign_in__right_password__opens_a_session_in_a_guarded_cookie(client, database):
    member = make_member(database)
    make_environment(database)

    answer = post(client, email=member.email, password=PASSWORD, next="/flags/production")

    assert (answer.status_code, answer.location) == (303, "/flags/production")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert client.get("/flags/production", headers=HTML).status_code == 200


def test_sign_in__wrong_password__says_so_and_keeps_the_email(client, database):
    member = make_member(database)

    answer = post(client, email=member.email, password="wrong", next="/")

    assert answer.status_code == 401
    assert 'role="alert"' in answer.text
    assert f'value="{member.email}"' in answer.text
    assert "Set-Cookie" not in answer.headers


def test_sign_in__unknown_email__gets_the_same_words(client, database):
    member = make_member(database)

    known = post(client, email=member.email, password="wrong").text
    unknown = post(client, email="nobody@example.org", password="wrong").text

    assert unknown.replace("nobody@example.org", member.email) == known


@pytest.mark.parametrize("email", ["a\x00b@example.org", "x" * 400, "", "\u202e@example.org"])
def test_sign_in__impossible_email__is_refused_like_any_other(client, database, email):
    assert post(client, email=email, password="x").status_code == 401


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/\n//evil.example",
        "///evil.example",
        "http:evil.example",
        "",
    ],
)
def test_sign_in__target_elsewhere__leads_to_the_first_page(client, database, target):
    member = make_member(database)

    assert post(client, email=member.email, password=PASSWORD, next=target).location == "/"


def test_sign_in__from_another_site__is_refused(client, database):
    member = make_member(database)
    foreign = {**HTML, "Origin": "https://evil.example"}

    answer = client.post(
        "/sign-in", data={"email": member.email, "password": PASSWORD}, headers=foreign
    )

    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers


def test_sign_in__signed_in_already__goes_on(client, database):
    sign_in(client, database)

    assert client.get("/sign-in?next=/flags/production").location == "/flags/production"


def test_sign_out__signed_in__closes_the_session(client, database):
    make_environment(database)
    token = sign_in(client, database)

    answer = client.post("/sign-out", data={"csrf_token": token}, headers=HTML)

    assert answer.location == "/sign-in?notice=signed-out"
    assert client.get("/flags/production", headers=HTML).status_code == 302


def test_sign_out__asked_for_by_another_site__keeps_the_session(client, database):
    make_environment(database)
    sign_in(client, database)
    foreign = {**HTML, "Sec-Fetch-Site": "cross-site"}

    assert client.post("/sign-out", headers=foreign).status_code == 403
    assert client.get("/flags/production", headers=HTML).status_code == 200


def test_sign_out__stranger__is_shown_the_form(client, database):
    assert client.post("/sign-out", headers=HTML).location == "/sign-in?notice=signed-out"
