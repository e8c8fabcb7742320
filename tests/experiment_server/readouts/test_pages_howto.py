"""What docs/howto/product.md tells a newcomer to type works as it stands there."""

import json
from pathlib import Path

import pytest

from experiment_server.metrics.service import ensure_built_in
from tests.factories import NOW, make_keys, sign_in

PAGE = Path(__file__).parents[3] / "docs" / "howto" / "product.md"


@pytest.fixture
def typed():
    return json.loads(PAGE.read_text().split("<<'JSON'\n")[1].split("\nJSON")[0])


def test_howto__the_experiment_as_written__is_accepted_and_shown_as_a_draft(
    client, database, typed
):
    with database.write() as session:
        ensure_built_in(session, NOW)
    keys = make_keys(database)

    answer = client.post(
        "/api/v1/environments/production/experiments", json=typed, headers=keys.manage("editor")
    )

    assert answer.status_code == 201, answer.text
    sign_in(client, database, "editor")
    text = client.get("/experiments/production/streak-badges", headers={"Accept": "text/html"}).text
    assert "Ready to start" in text
    assert "Start the experiment" in text
    assert "No streak" in text
    assert "1.5 points" in text
