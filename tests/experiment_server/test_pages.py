"""The frame around every page, and what people see when something goes wrong."""

import pytest

from tests.factories import make_environment, make_keys, sign_in

HTML = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"}
PAGES = ("experiments", "questions", "flags", "reports")


@pytest.mark.parametrize("page", PAGES)
def test_page__signed_in__is_html_with_its_title_and_navigation(client, database, page):
    make_environment(database)
    sign_in(client, database, "viewer")

    answer = client.get(f"/{page}/production", headers=HTML)

    assert answer.status_code == 200
    assert answer.mimetype == "text/html"
    assert f'<a href="/{page}/production" aria-current="page">' in answer.text
    assert "viewer@example.org" in answer.text


@pytest.mark.parametrize("page", PAGES)
def test_page__stranger__is_sent_to_sign_in_and_back(client, database, page):
    make_environment(database)

    answer = client.get(f"/{page}/production?look=1", headers=HTML)

    assert answer.status_code == 302
    assert answer.location == f"/sign-in?next=/{page}/production%3Flook%3D1"


@pytest.mark.parametrize("page", PAGES)
def test_page__unknown_environment__is_a_page_that_says_so(client, database, page):
    sign_in(client, database, "viewer")

    answer = client.get(f"/{page}/nowhere", headers=HTML)

    assert answer.status_code == 404
    assert "nowhere" in answer.text
    assert "<h1>Not Found</h1>" in answer.text


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/json, text/html;q=0.5"])
def test_page__program_that_does_not_ask_for_html__gets_a_problem_as_json(client, database, accept):
    answer = client.get("/flags/production", headers={"Accept": accept})

    assert answer.status_code == 401
    assert answer.mimetype == "application/problem+json"


def test_page__several_environments__are_offered_in_a_switcher(client, database):
    make_environment(database, "production")
    make_environment(database, "staging")
    sign_in(client, database, "viewer")

    text = client.get("/flags/production", headers=HTML).text

    assert '<a href="/flags/staging">Staging</a>' in text


def test_page__one_environment__has_no_switcher(client, database):
    make_environment(database)
    sign_in(client, database, "viewer")

    assert 'class="menu"' not in client.get("/flags/production", headers=HTML).text


def test_page__key_of_one_environment__sees_no_other(client, database):
    make_environment(database, "staging")
    keys = make_keys(database)

    text = client.get("/flags/production", headers={**keys.manage("viewer"), **HTML}).text

    assert "staging" not in text


def test_first_page__signed_in__leads_to_the_experiments(client, database):
    make_environment(database)
    sign_in(client, database, "viewer")

    assert client.get("/", headers=HTML).location == "/experiments/production"


def test_first_page__no_environment__says_how_to_add_one(client, database):
    sign_in(client, database, "viewer")

    answer = client.get("/", headers=HTML)

    assert answer.status_code == 404
    assert "momentum environment add" in answer.text


def test_notice__unknown_word__is_not_repeated(client, database):
    make_environment(database)
    sign_in(client, database, "viewer")

    text = client.get("/flags/production?notice=Your+account+is+locked", headers=HTML).text

    assert "Your account is locked" not in text


def test_static_file__fingerprinted_address__may_be_kept_for_a_year(client, database):
    page = client.get("/sign-in", headers=HTML).text
    address = page.split('<link rel="stylesheet" href="')[1].split('"')[0]

    with client.get(address) as answer:
        assert answer.status_code == 200
        assert answer.mimetype == "text/css"
        assert answer.cache_control.max_age == 31_536_000


def test_page__content_security_policy__needs_no_inline_script_or_style(client, database):
    text = client.get("/sign-in", headers=HTML).text

    assert " style=" not in text
    assert "<style" not in text
    assert text.count("<script") == text.count('<script src="/static/') == 1
