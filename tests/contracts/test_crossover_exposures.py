"""A learner is logged once in each period of a crossover, by our SDK and by GrowthBook's."""

import json
from datetime import timedelta

import pytest
from growthbook import GrowthBook
from momentum_sdk import Momentum

from experiment_server.experiments.design import compile_experiment
from experiment_server.experiments.designs import kind_of
from experiment_server.experiments.designs.kind import Moment
from tests.sdk import fault_server

TREATMENTS = [
    {"key": key, "title": "", "weight": 1, "payload": key} for key in ("text", "video", "quiz")
]
WISH = {
    "variants": TREATMENTS,
    "unit_kind": "learner",
    "coverage": 1.0,
    "condition": {},
    "crossover": {"order": "counterbalanced", "period_days": 7, "washout_days": 0},
}
PERIODS = (1, 2, 3)


class OfContent(fault_server.Server):
    """Its ETag is of the content, as the real server's is: a new period has no new version."""

    def give_payload(self, _asked):
        body = json.dumps(self.payload).encode()
        return 200, {"ETag": f'"{hash(body)}"'}, body


@pytest.fixture
def feature():
    """The experiment as it is delivered some days after its start."""
    design = kind_of(WISH).complete(WISH)

    def compiled(days):
        moment = Moment(timedelta(days=days), {})
        return compile_experiment("lesson", "Lesson", design, "lesson:1", moment)

    return compiled


def test_growthbook_python__that_lives_through_all_periods__tells_each_once(feature):
    viewed = []

    def remember(experiment, result, **_):
        viewed.append((result.key, result.value))

    growthbook = GrowthBook(attributes={"id": "ann"}, on_experiment_viewed=remember)
    for days in range(0, 24, 3):
        growthbook.set_features({"lesson": feature(days)})
        for _ in range(3):
            growthbook.get_feature_value("lesson", None)
    growthbook.destroy()

    orders = {key.split("/")[0] for key, _ in viewed}
    assert len(orders) == 1
    assert [int(key.split("/")[1]) for key, _ in viewed] == list(PERIODS)
    assert sorted(value for _, value in viewed) == ["quiz", "text", "video"]


def test_momentum_sdk__that_lives_through_all_periods__logs_each_once(feature):
    server = OfContent()
    http = fault_server.start(server)
    with Momentum(
        server.url, "mo_server_secret", poll_interval_s=600, flush_interval_s=0.01
    ) as sdk:
        for days in range(0, 24, 3):
            server.payload = {
                "features": {"lesson": feature(days)},
                "momentum": {"format": 1, "environment": "production", "version": 7},
            }
            assert sdk.refresh(30)
            answers = [sdk.variant("lesson", "ann") for _ in range(3)]
        assert sdk.flush(30)
        logged = [item["variant"] for item in server.of_type("exposure")]
    http.shutdown()
    http.server_close()

    assert [int(variant.split("/")[1]) for variant in logged] == list(PERIODS)
    assert answers[0].reason == "not_covered"
