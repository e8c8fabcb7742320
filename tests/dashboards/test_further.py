"""The commands that a readout's page names for what it does not answer."""

import pytest

from dashboards import further, render
from tests.dashboards import factories


def asked(**changes):
    found = further.questions(factories.readout(**changes), "production")
    return [each.command.split()[2] for each in found]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ["novelty", "score"]),
        ({"component_splits": ()}, ["novelty"]),
        ({"unit_kind": "team"}, ["novelty", "teams"]),
        ({"trend": ()}, []),
        ({"source": {"title": "Warehouse"}}, []),
    ],
    ids=["a score", "no score", "teams", "no days to compare", "a company's tables"],
)
def test_questions__a_readout__names_those_that_fit(changes, expected):
    assert asked(**changes) == expected


def test_page__a_readout__names_the_command_with_its_environment():
    view = factories.readout_view()

    text = render(view)

    command = f"momentum bayes novelty streak-badges -e {view.navigation.environment}"
    assert f'<code class="break">{command}</code>' in text
