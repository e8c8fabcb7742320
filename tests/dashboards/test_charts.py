"""Every chart draws at both widths, in both schemes, from valid specifications."""

import re
from xml.etree import ElementTree as ET

import pytest

from dashboards import benefit_words, drawing, readout_charts
from dashboards.charts import CHARTS, specification
from dashboards.theme import LAYOUTS
from tests.dashboards import factories, metric_factories

TITLES = {"control": "No streak", "streak": "Streak badge", "leaderboard": "Leaderboard"}


def readout_samples():
    shown = factories.three_variant_readout()
    return {
        "forest": readout_charts.effect_chart(shown.primary, TITLES),
        "posterior": readout_charts.posterior_chart(shown.primary, TITLES),
        "trend": readout_charts.trend_chart(shown, TITLES),
        "component_split": readout_charts.split_chart(shown.component_splits[0], TITLES),
        "segments": benefit_words.benefit_chart(shown.primary, factories.benefit(), TITLES),
        "look_history": readout_charts.looks_chart(factories.readout_view(shown).history),
    }


SAMPLES = {
    **{name: factories.chart(name) for name in factories.charts()},
    **readout_samples(),
    **metric_factories.charts(),
}


def texts(svg):
    return [node.text or "" for node in ET.fromstring(svg).iter() if node.tag.endswith("text")]


def labels(svg):
    root = ET.fromstring(svg)
    return [node.get("aria-label") for node in root.iter() if node.get("aria-label")]


def test_samples__all_charts__have_one():
    assert set(SAMPLES) == set(CHARTS)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
@pytest.mark.parametrize("name", CHARTS)
def test_specification__each_chart__is_valid_vega_lite_without_any_address(name, layout):
    spec = specification(name, SAMPLES[name].rows, layout, check=True)

    assert "url" not in str(spec.get("layer", spec))
    assert spec["config"]["background"] is None


@pytest.mark.parametrize("name", CHARTS)
def test_drawing__each_chart__has_both_widths_and_words_for_its_marks(name):
    drawn = drawing.draw(SAMPLES[name])

    assert set(drawn) == {"wide", "narrow"}
    for layout in LAYOUTS:
        svg = drawn[layout.name]
        width = float(re.search(r'viewBox="0 0 ([\d.]+)', svg)[1])
        assert width <= layout.width + 40
        assert len(labels(svg)) >= 2
        assert texts(svg)


@pytest.mark.parametrize("name", CHARTS)
def test_drawing__each_chart__takes_all_colours_from_the_page(name):
    for svg in drawing.draw(SAMPLES[name]).values():
        colours = re.findall(r'(?:fill|stroke)="([^"]+)"', svg)
        fixed = {c for c in colours if not c.startswith("var(")} - {"none", "transparent"}
        assert fixed == set()
        assert " style=" not in svg


@pytest.mark.parametrize("name", CHARTS)
def test_drawing__each_chart__has_a_text_alternative(name):
    assert len(SAMPLES[name].alternative) > 10


def test_drawing__no_rows__is_nothing():
    assert drawing.draw(factories.chart("survival", rows=())) == {}


@pytest.mark.parametrize("name", CHARTS)
def test_drawing__one_row_only__still_draws(name):
    drawn = drawing.draw(factories.chart("survival", chart=name, rows=SAMPLES[name].rows[:1]))

    assert texts(drawn["wide"])


def test_forest__values__are_told_with_sign_and_interval():
    svg = drawing.draw(SAMPLES["forest"])["wide"]

    assert "Streak badge: +3.2 (+1.1 to +5.3)" in labels(svg)
    assert "Leaderboard: −1.4 (−3.3 to +0.5)" in labels(svg)


def test_forest__effect_that_lowers_what_should_be_low__is_good():
    row = {"label": "A", "effect": -2.0, "low": -3.0, "high": -1.0, "unit": "days"}
    good = factories.chart("survival", chart="forest", rows=({**row, "increase_is_good": False},))
    bad = factories.chart("survival", chart="forest", rows=({**row, "increase_is_good": True},))

    assert "var(--chart-good)" in drawing.draw(good)["wide"]
    assert "var(--chart-bad)" in drawing.draw(bad)["wide"]


def test_funnel__many_courses__shows_each_with_its_own_steps_only():
    rows = tuple(
        {"course": course, "step": step, "label": f"{course}-{step}", "n": 9, "share": 1 / step}
        for course in ("A", "B", "C", "D", "E", "F", "G")
        for step in range(1, 9)
    )
    drawn = drawing.draw(factories.chart("funnel", rows=rows))

    for svg in drawn.values():
        height = float(re.search(r'viewBox="0 0 [\d.]+ ([\d.]+)', svg)[1])
        assert height < 700
        assert len([label for label in labels(svg) if "of those who began" in label]) == len(rows)
        assert set("ABCDEFG") <= set(texts(svg))


def test_weekly_states__churned__hang_below_the_line():
    rows = [
        {"week": "2025-01-06", "state": state, "n": n}
        for state, n in (("retained", 10), ("new", 5), ("resurrected", 1), ("churned", 4))
    ]
    spec = specification("weekly_states", rows, LAYOUTS[0])
    values = next(iter(layer["data"]["values"] for layer in spec["layer"]))

    assert {row["state"]: row["signed"] for row in values}["churned"] == -4


def test_heatmap__share_at_the_edges__falls_into_a_class():
    rows = tuple(
        {"cohort": "2025-01-06", "week": week, "share": share, "n": 10}
        for week, share in enumerate((0.0, 0.2, 0.999, 1.0))
    )
    spec = specification("retention_heatmap", rows, LAYOUTS[0])
    values = spec["data"]["values"]

    assert [row["class"] for row in values] == ["0–20 %", "20–40 %", "80–100 %", "80–100 %"]


def test_drawing__names_inside__differ_between_charts():
    ids = [
        re.findall(r' id="([^"]+)"', svg)
        for sample in SAMPLES.values()
        for svg in drawing.draw(sample).values()
    ]
    flat = [name for found in ids for name in found]

    assert len(flat) == len(set(flat))
