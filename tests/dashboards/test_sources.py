"""Where a readout of a source says that it is from."""

from dataclasses import replace

from dashboards import render
from tests.dashboards import factories

SAID = {
    "key": "crm",
    "title": "Sales & more",
    "version": "3",
    "warehouse": "postgres",
    "read_at": "2026-05-18T06:30:00+00:00",
    "snapshot": "928:931:",
}


def page(**changes):
    view = factories.readout_view()
    return render(replace(view, readout=replace(view.readout, **changes)))


def test_readout_page__of_a_source__names_it_instead_of_a_lake_version():
    shown = page(source=SAID, lake_version={})

    assert "Sales &amp; more</a>, version 3, postgres" in shown
    assert "<code>928:931:</code>" in shown
    assert "as long as the source's rows of then are there" in shown
    assert "Lake version" not in shown


def test_readout_page__of_a_source_beside_the_lake__names_both():
    shown = page(source=SAID, lake_version={"exposures": 7})

    assert "Sales &amp; more" in shown
    assert "exposures 7" in shown


def test_readout_page__of_the_lake__names_no_source():
    assert "<dt>Source</dt>" not in page()
