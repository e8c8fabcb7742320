"""Walks the pages of metrics and of the score in a real browser, with scripts and without."""

import pytest
from playwright.sync_api import expect

from tests.browser.visit import LOOKS, Visit, shown_charts

DARK = "matchMedia('(prefers-color-scheme: dark)').matches"

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(params=LOOKS, ids=lambda look: f"{look[0]}-{look[1]}")
def visit(request, browser, base_url):
    width, scheme = request.param
    made = Visit(browser, base_url, viewport={"width": width, "height": 900}, color_scheme=scheme)
    yield made
    made.context.close()


def fill_in(page, key):
    """A metric typed into the form, with one mistake."""
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Metrics").click()
    page.get_by_role("link", name="New metric").click()
    page.locator("#key").fill(key)
    page.get_by_label("Title").fill("Comments among peers")
    page.locator("#unit_label").fill("comments")
    page.locator("#event_kinds").fill("peer_coment")
    page.get_by_label("Window, in days").fill("14")
    page.locator("#minimum_effect").fill("0.5")
    page.locator("#cap").fill("6")
    page.get_by_role("button", name="Preview on last month").click()
    expect(page.locator("#event_kinds-error")).to_contain_text("Check its spelling")


def mend_and_save(page):
    page.locator("#event_kinds").fill("peer_comment")
    page.get_by_role("button", name="Preview on last month").click()
    expect(page.locator("#preview .sentences")).to_contain_text("learners had")
    assert shown_charts(page).count() == 1
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("The metric is there")


def forgive_refusal(visit):
    """The browser notes the 422 of a form that was sent with a mistake, as it should."""
    assert len(visit.complaints) == 1
    assert "422" in visit.complaints.pop()


def test_walk__metric__is_made_after_its_preview_and_changed(visit, tmp_path):
    page = visit.page
    looks = f"{page.viewport_size['width']}-{page.evaluate(DARK)}".lower()
    visit.sign_in()
    fill_in(page, f"comments-{looks}")
    forgive_refusal(visit)
    visit.check(tmp_path / "form-wrong.png")
    mend_and_save(page)
    visit.check(tmp_path / "metric.png")

    page.get_by_role("link", name="Change").click()
    page.locator("#cap").fill("9")
    page.get_by_role("button", name="Save as a new version").click()
    expect(page.locator(".versions li").first).to_contain_text("The cap went from 6 to 9")
    visit.check(tmp_path / "changed.png")

    visit.open("/metrics/production/challenges-walked?preview=yes")
    expect(page.locator("#uses")).to_contain_text("Streak badges")
    assert shown_charts(page).count() == 1
    visit.check(tmp_path / "used.png")
    visit.open("/metrics/production")
    visit.check(tmp_path / "metrics.png")
    visit.open("/scores/production")
    visit.check(tmp_path / "scores.png")


def test_walk__fields_of_other_kinds__are_out_of_the_way_until_they_are_needed(browser, base_url):
    visit = Visit(browser, base_url)
    page = visit.page
    visit.sign_in()
    visit.open("/metrics/production/_new")
    expect(page.locator("#quantile")).not_to_be_visible()
    expect(page.locator("#cap")).to_be_visible()

    page.locator("#kind").select_option("quantile")
    expect(page.locator("#quantile")).to_be_visible()
    expect(page.locator("#cap")).not_to_be_visible()
    page.locator("#kind").select_option("ratio")
    expect(page.locator("#denominator_kinds")).to_be_visible()
    visit.check()
    visit.context.close()


def test_walk__without_scripts__a_metric_is_made_the_same(browser, base_url):
    visit = Visit(browser, base_url, java_script_enabled=False)
    visit.sign_in()
    fill_in(visit.page, "comments-plain")
    mend_and_save(visit.page)
    visit.context.close()
