from dataclasses import replace

import pytest

from analysis.results import Verdict
from experiment_server.experiments import service as experiments
from experiment_server.readouts.models import StoredReadout
from tests.dashboards import factories
from tests.experiment_server.experiments.test_experiments_api import EXPERIMENT
from tests.factories import NOW, make_keys

URL = "/api/v1/environments/production/experiments"


@pytest.fixture
def keys(database):
    from experiment_server.metrics.service import ensure_built_in

    with database.write() as session:
        ensure_built_in(session, NOW)
    return make_keys(database)


@pytest.fixture
def stop(client, keys, database):
    """Stops an experiment whose only look came to a verdict."""

    def act(verdict, winner, body=None):
        editor = keys.manage("editor")
        client.post(URL, json=EXPERIMENT, headers=editor)
        client.post(f"{URL}/badge/start", headers=editor)
        found = factories.readout(verdict)
        found = replace(found, decision=replace(found.decision, winner=winner))
        with database.write() as session:
            place = int(keys.environment.id)
            experiment = experiments.load_experiment(session, place, "badge")
            row = StoredReadout(
                experiment_id=experiment.id,
                phase=1,
                look=1,
                as_of=NOW,
                verdict=str(verdict),
                plan={},
                body=found.to_json(),
                created_at=NOW,
            )
            session.add(row)
        answer = client.post(f"{URL}/badge/stop", json=body, headers=editor)
        assert answer.status_code == 200, answer.text
        return answer.json, found

    return act


def test_stop__after_a_look_that_says_ship__suggests_it_and_reverts_all_the_same(stop):
    told, readout = stop(Verdict.SHIP, "badge")

    assert told["suggested_after"] == {
        "rule": "ship",
        "variant": "badge",
        "because": readout.decision.reason,
    }
    assert told["after"] == {"rule": "revert", "variant": None}


@pytest.mark.parametrize(
    ("verdict", "winner"),
    [(Verdict.KEEP_RUNNING, None), (Verdict.ROLL_BACK, None), (Verdict.SHIP, None)],
    ids=["keep running", "roll back", "ship without a winner"],
)
def test_stop__after_any_other_look__suggests_nothing(stop, verdict, winner):
    assert stop(verdict, winner)[0]["suggested_after"] is None
