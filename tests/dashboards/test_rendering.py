"""Every page in each of its shapes: complete, escaped, readable without eyes or scripts."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from analysis.results import ArmVerdict, Verdict
from dashboards import render, words
from tests.dashboards import factories

VIEWS = factories.all_views()
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7 * 7 }}"
VOID = {"meta", "link", "input", "br", "img", "hr"}


class Outline(HTMLParser):
    """What a page is made of."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.open, self.ids, self.unbalanced = [], [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.tags.append((tag, found))
        if "id" in found:
            self.ids.append(found["id"])
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="module")
def pages():
    return {name: render(view) for name, view in VIEWS.items()}


@pytest.fixture(params=VIEWS)
def outline(request, pages):
    return Outline(pages[request.param])


def test_page__each__is_well_formed_with_unique_ids(outline):
    assert outline.unbalanced == []
    assert outline.open == []
    assert len(outline.ids) == len(set(outline.ids))


def test_page__each__has_one_heading_one_main_and_a_skip_link(outline):
    assert len(outline.all("h1")) == 1
    assert [main["id"] for main in outline.all("main")] == ["main"]
    assert {"class": "skip", "href": "#main"} in outline.all("a")
    assert outline.all("html")[0]["lang"] == "en"


def test_page__each__fetches_nothing_from_elsewhere_and_runs_nothing_inline(outline):
    addresses = [
        value
        for _tag, attrs in outline.tags
        for name, value in attrs.items()
        if name in ("href", "src", "action") and value
    ]
    assert addresses
    assert [at for at in addresses if not at.startswith(("/", "#", "?"))] == []
    assert [at for at in addresses if at.startswith("//")] == []
    assert [attrs for _tag, attrs in outline.tags if "style" in attrs] == []
    assert [name for _t, attrs in outline.tags for name in attrs if name.startswith("on")] == []


def test_page__each_form_that_changes_something__carries_the_sessions_token(outline):
    forms = [form for form in outline.all("form") if form.get("method") == "post"]
    tokens = [field for field in outline.all("input") if field.get("name") == "csrf_token"]
    assert len(tokens) == len(forms)


def test_page__each_field__has_a_label(outline):
    labelled = {label["for"] for label in outline.all("label")}
    shown = [field for field in outline.all("input") if field.get("type") != "hidden"]
    assert {field["id"] for field in [*shown, *outline.all("select")]} == labelled


def test_page__each_chart__tells_in_words_what_it_shows(outline):
    charts = [div for div in outline.all("div") if div.get("role") == "img"]
    assert all(len(chart["aria-label"]) > 20 for chart in charts)
    drawn = [svg for svg in outline.all("svg") if svg.get("class") == "marks"]
    assert len(drawn) == len(charts)


def test_page__each_link_within__leads_somewhere(outline):
    targets = {a["href"][1:] for a in outline.all("a") if a["href"].startswith("#")}
    assert targets <= set(outline.ids)


@pytest.mark.parametrize("name", [n for n in VIEWS if not n.startswith(("sign-in", "error"))])
def test_page__signed_in__says_who_and_where(pages, name):
    assert "Mira Okafor" in pages[name]
    assert "Production" in pages[name]


@pytest.mark.parametrize("verdict", list(Verdict))
def test_readout_page__each_verdict__is_told_by_word_and_icon_first(verdict):
    shown = factories.readout(verdict)
    html = render(factories.readout_view(shown))

    decision = html.split('id="decision"')[1].split("</section>")[0]
    assert str(verdict) in decision
    assert "<path" in decision
    assert shown.decision.reason.replace("'", "&#39;") in decision
    assert words.VERDICTS[verdict].meaning in decision
    assert shown.decision.would_change in decision
    assert html.index('id="decision"') < html.index("What it moved")


def test_readout_page__several_treatments__each_has_its_verdict():
    arms = (
        ArmVerdict("streak", "Streak badge", "winner", "It raises the score."),
        ArmVerdict("leaderboard", "Leaderboard", "take out", "It lowers the score."),
    )
    found = factories.three_variant_readout()
    decided = replace(found.decision, arms=arms, take_out=("leaderboard",))
    view = factories.readout_view(
        replace(found, decision=decided), design=factories.three_variant_design()
    )

    decision = render(view).split('id="decision"')[1].split("</section>")[0]

    assert "<strong>Streak badge: winner.</strong> It raises the score." in decision
    assert "<strong>Leaderboard: take out.</strong> It lowers the score." in decision


def test_readout_page__co_primary__stands_beside_the_primary_with_its_own_bar(pages):
    html = pages["readout-co-primary"]

    looks = html.split('id="looks-title"')[1].split("</div>")[0]
    assert "a co-primary: Sales lies +2.95 from zero and passes its bar of 2.45" in looks
    assert "co-primary" in html.split("What it moved")[1]
    assert "the primary and its co-primaries together (Holm)" in html


def test_readout_page__tie__names_all_that_may_ship():
    found = factories.three_variant_readout()
    decided = replace(
        factories.decision(Verdict.SHIP), tied=("streak", "leaderboard"), winner="streak"
    )
    view = factories.readout_view(
        replace(found, decision=decided), design=factories.three_variant_design()
    )

    decision = render(view).split('id="decision"')[1].split("</section>")[0]

    assert "Any of these may ship" in decision
    assert "<strong>Leaderboard</strong>" in decision


def test_readout_page__not_estimable__shows_reason_and_remedy_and_no_number(pages):
    html = pages["readout-empty"]

    assert "No learner has completed the 28-day window." in html
    assert "Wait until 3 Feb 2025." in html
    assert re.search(r"\bnan\b|\bNaN\b|\bNone\b|\binf\b", html) is None
    assert '<svg xmlns="http' not in html


def test_readout_page__failed_check__stands_with_the_decision(pages):
    decision = pages["readout-broken"].split('id="decision"')[1].split("</section>")[0]

    assert "1,604 learners do not fit" in decision
    assert words.UNTRUSTED in pages["readout-broken"]


def test_readout_page__three_variants__names_each_and_the_best(pages):
    html = pages["readout-three"]

    assert "Leaderboard" in html
    assert "Chance to be the best of all" in html


def test_readout_page__provenance__names_what_to_compute_it_again_from(pages):
    html = pages["readout-ship"]

    for part in ("events 118", "5f3a" * 16, "v1-2025-01-05", "/api/v1/readouts/7"):
        assert part in html


def test_experiments_page__do_not_use__shows_no_effect(pages):
    row = pages["experiments"].split("Points for reading")[1]

    assert "DO NOT USE" in row
    assert "+3.2" not in row


def test_flags_page__may_not_switch__disables_every_switch(pages):
    outline = Outline(pages["flags-locked"])
    switches = [button for button in outline.all("button") if button.get("role") == "switch"]

    assert len(switches) == 2
    assert all("disabled" in switch for switch in switches)


def test_flags_page__switch__tells_its_state_and_its_name(pages):
    outline = Outline(pages["flags"])
    switches = [button for button in outline.all("button") if button.get("role") == "switch"]

    assert [(s["aria-label"], s["aria-checked"]) for s in switches] == [
        ("New course page", "true"),
        ("Quiz length", "false"),
    ]


def test_readout_page__hostile_words_everywhere__stay_words():
    view = factories.readout_view(
        factories.readout(
            title=HOSTILE,
            decision=replace(factories.decision(), reason=HOSTILE, would_change=HOSTILE),
            metrics=(factories.metric(title=HOSTILE, unit_label=HOSTILE),),
            checks=tuple(replace(check, sentence=HOSTILE) for check in factories.checks()),
        ),
        design=factories.design(
            title=HOSTILE,
            hypothesis=HOSTILE,
            condition={"role": HOSTILE},
            variants=tuple(
                replace(variant, title=f"{HOSTILE}{variant.key}", payload={"x": HOSTILE})
                for variant in factories.design().variants
            ),
        ),
        navigation=factories.navigation(notice=HOSTILE, csrf_token=HOSTILE),
    )
    outline = Outline(render(view))

    assert outline.unbalanced == []
    assert outline.all("img") == []
    assert [script.get("src", "")[:8] for script in outline.all("script")] == ["/static/"]
    assert "49" not in outline.all("title")


def test_questions_page__hostile_rows__stay_words():
    rows = tuple({**row, "activity": HOSTILE} for row in factories.charts()["activity_return"][:1])
    answer = replace(
        factories.answers()[1],
        title=HOSTILE,
        sentence=HOSTILE,
        charts=(factories.chart("activity_return", HOSTILE, rows=rows, alternative=HOSTILE),),
    )
    outline = Outline(render(factories.questions_view(answers=(answer,))))

    assert outline.unbalanced == []
    assert outline.all("img") == []
    assert len(outline.all("script")) == 1


def test_experiments_page__empty__shows_what_to_do_next(pages):
    assert "momentum.variant(" in pages["experiments-empty"]
    assert "https://momentum.example.com" in pages["experiments-empty"]


def test_static_files__each_address__changes_with_its_file(pages):
    from dashboards.rendering import STATIC_DIR, static_url

    for path in STATIC_DIR.iterdir():
        assert static_url(path.name).startswith(f"/static/{path.name}?v=")
    versions = {static_url(path.name).split("=")[1] for path in STATIC_DIR.iterdir()}
    assert len(versions) == len(list(STATIC_DIR.iterdir()))
