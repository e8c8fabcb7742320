"""The page of an experiment shows what each kind of design delivers."""

import pytest

from tests.experiment_server.experiments.designs.test_designs_api import (
    CROSSOVER,
    FACTORS,
    TREATMENTS,
    define,
    start,
)
from tests.factories import sign_in


@pytest.mark.parametrize(
    ("design", "shown"),
    [
        ({"variants": [], "factors": FACTORS}, "bonus + weekly"),
        ({"variants": TREATMENTS, "crossover": CROSSOVER}, "video"),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_page__of_each_design__names_what_learners_get(
    client, app, database, editor, design, shown
):
    define(client, editor, **design)
    start(client, editor)
    browser = app.test_client()
    sign_in(browser, database)

    page = browser.get("/experiments/production/badge")

    assert page.status_code == 200
    assert shown in page.text
