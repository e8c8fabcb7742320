"""Walks the dashboards in a real browser: both widths, both schemes, nothing from elsewhere."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.visit import LOOKS, Visit, shown_charts

pytestmark = [pytest.mark.browser, pytest.mark.slow]

QUESTIONS = (
    "Are learners returning consistently?",
    "Which activities sustain participation?",
    "Where do drop-offs occur?",
    "Which incentives drive engagement?",
    "Are engaged learners outperforming their peers?",
)


@pytest.fixture(params=LOOKS, ids=lambda look: f"{look[0]}-{look[1]}")
def visit(request, browser, base_url):
    width, scheme = request.param
    made = Visit(browser, base_url, viewport={"width": width, "height": 900}, color_scheme=scheme)
    yield made
    made.context.close()


@pytest.fixture
def plain_visit(browser, base_url):
    made = Visit(browser, base_url, viewport={"width": 1440, "height": 900})
    yield made
    made.context.close()


def test_walk__each_page__fits_complains_of_nothing_and_asks_nobody_else(visit, tmp_path):
    page = visit.page
    visit.open("/sign-in")
    visit.check(tmp_path / "sign-in.png")
    visit.sign_in()
    visit.check(tmp_path / "experiments.png")

    page.get_by_role("link", name="Streak badges").click()
    expect(page.locator("#decision .badge")).to_be_visible()
    assert shown_charts(page).count() >= 4
    visit.check(tmp_path / "readout.png")

    visit.open("/experiments/production/new-order")
    visit.check(tmp_path / "draft.png")

    page.get_by_role("navigation", name="Main").get_by_role("link", name="Five questions").click()
    for question in QUESTIONS:
        expect(page.get_by_role("heading", name=question)).to_be_visible()
    assert shown_charts(page).count() >= 4
    visit.check(tmp_path / "questions.png")

    page.get_by_role("navigation", name="Main").get_by_role("link", name="Flags").click()
    expect(page.get_by_role("switch", name="New course page")).to_be_visible()
    visit.check(tmp_path / "flags.png")

    page.get_by_role("navigation", name="Main").get_by_role("link", name="Reports").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Reports")
    visit.check(tmp_path / "reports.png")
    page.locator(".report a").first.click()
    expect(page.locator(".reason")).to_be_visible()
    visit.check(tmp_path / "report.png")


def test_walk__quarantine__is_read_replayed_and_asks_why_to_discard(visit, tmp_path):
    page = visit.page
    visit.sign_in()
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Quarantine").click()
    expect(page.get_by_role("heading", name="kind 'stroll' is unknown")).to_be_visible()
    page.get_by_text("As it was received").click()
    visit.check(tmp_path / "quarantine.png")

    page.get_by_role("button", name="Replay").click()
    expect(page.get_by_role("status")).to_contain_text("the rest still waits")
    page.get_by_text("Discard…").click()
    expect(page.get_by_label("Why nobody needs them")).to_be_visible()
    visit.check()


def test_walk__charts__show_one_width_large_enough_to_read(visit):
    visit.sign_in()
    visit.open("/experiments/production/streak-badge")
    sizes = visit.page.evaluate(
        """() => [...document.querySelectorAll(".chart text")]
            .filter((text) => text.textContent && text.getClientRects().length)
            .map((text) => [text.getCTM(), parseFloat(getComputedStyle(text).fontSize)])
            .map(([matrix, size]) => Math.hypot(matrix.a, matrix.b) * size)"""
    )

    assert len(sizes) > 10
    assert min(sizes) >= 10


def test_walk__chart_colours__follow_the_scheme(browser, base_url):
    found = {}
    for scheme in ("light", "dark"):
        visit = Visit(browser, base_url, color_scheme=scheme)
        visit.sign_in()
        visit.open("/experiments/production/streak-badge")
        text = visit.page.locator(".chart:visible text").first
        found[scheme] = text.evaluate("(node) => getComputedStyle(node).fill")
        visit.context.close()

    assert found["light"] != found["dark"]


def test_walk__mark_under_the_pointer__is_told_in_words(plain_visit):
    page = plain_visit.page
    plain_visit.sign_in()
    plain_visit.open("/experiments/production/streak-badge")
    page.locator("#effects .chart.wide .mark-symbol path").first.hover()

    expect(page.locator(".note")).to_have_text(re.compile(r"Streak badge: .* to "))
    plain_visit.check()


def test_walk__flag__is_switched_on_and_off_again(plain_visit):
    page = plain_visit.page
    plain_visit.sign_in()
    plain_visit.open("/flags/production")
    switch = page.get_by_role("switch", name="New course page")
    expect(switch).not_to_be_checked()

    switch.click()
    expect(page.get_by_role("status")).to_contain_text("The flag is on")
    expect(switch).to_be_checked()

    switch.click()
    expect(page.get_by_role("status")).to_contain_text("The flag is off")
    plain_visit.check()


def test_walk__viewer__cannot_switch_start_or_stop(plain_visit):
    page = plain_visit.page
    plain_visit.sign_in("viewer")
    plain_visit.open("/flags/production")
    expect(page.get_by_role("switch", name="New course page")).to_be_disabled()

    plain_visit.open("/experiments/production/new-order")
    expect(page.get_by_role("button", name="Start the experiment")).to_have_count(0)
    plain_visit.check()


def test_walk__experiment__is_started_after_asking_and_stopped_with_a_reason(plain_visit):
    page = plain_visit.page
    plain_visit.sign_in()
    plain_visit.open("/experiments/production/new-order")
    expect(page.get_by_role("button", name="Start the experiment")).not_to_be_visible()

    page.get_by_text("Start…").click()
    page.get_by_role("button", name="Start the experiment").click()
    expect(page.get_by_role("status")).to_contain_text("The experiment is running")

    page.get_by_text("Stop…").click()
    page.get_by_label("Why").fill("Only a walk.")
    page.get_by_role("button", name="Stop the experiment").click()
    expect(page.get_by_role("status")).to_contain_text("The experiment is stopped")
    expect(page.locator(".phases")).to_contain_text("Only a walk.")
    plain_visit.check()


def test_walk__several_environments__are_switched_between(plain_visit):
    page = plain_visit.page
    plain_visit.sign_in()
    page.locator(".menu summary").click()
    page.get_by_role("link", name="Staging").click()

    expect(page).to_have_url(re.compile("/experiments/staging$"))
    expect(page.get_by_role("heading", name="No experiment yet")).to_be_visible()
    plain_visit.check()


def test_walk__keyboard_only__skips_to_the_content_and_sees_where_it_is(plain_visit):
    page = plain_visit.page
    plain_visit.sign_in()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")

    focused = page.evaluate("document.activeElement.closest('main') !== null")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
    assert focused
    assert outline == "3px"


def test_walk__without_scripts__reads_and_switches_the_same(browser, base_url):
    visit = Visit(browser, base_url, java_script_enabled=False)
    visit.sign_in()
    visit.open("/experiments/production/streak-badge")
    assert shown_charts(visit.page).count() >= 4
    visit.page.locator("#effects summary").first.click()
    expect(visit.page.locator("#effects table").first).to_be_visible()
    visit.context.close()


def test_walk__sign_out__ends_the_session(plain_visit):
    page = plain_visit.page
    plain_visit.sign_in_anew()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("status")).to_have_text("You are signed out.")

    page.goto(f"{plain_visit.base_url}/flags/production")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
