"""Remote evaluation beside GrowthBook's own: the same values and exposures, whatever is forced."""

import json
import random
from urllib.request import Request, urlopen

import pytest
from growthbook import GrowthBook
from growthbook.growthbook import feature_repo

from tests.contracts.node_packages import Program, installed
from tests.experiment_server.delivery.definitions import EXPERIMENTS, KEYS, learners

PACKAGES = ("@growthbook/growthbook@1.8.0", "@growthbook/proxy-eval@1.1.2")
VISIBLE = [key for key in KEYS if key != "internal"]
URLS = ["", "https://lms.example.org/home", "/?ladder=1", "/?ring=2&quest=0#top", "/?ladder=9"]
FORCED = [["new-home", True], ["greeting", "hi"], ["limit", 0], ["panel", {"size": "tiny"}]]


def questions(n):
    """Learners, about half of whom are testers who force something."""
    dice = random.Random(3)
    return [
        {
            "attributes": attributes,
            "forcedVariations": {
                key: dice.randint(-1, 3) for key in EXPERIMENTS if dice.random() < 0.2
            },
            "forcedFeatures": [pair for pair in FORCED if dice.random() < 0.2],
            "url": dice.choice(URLS),
        }
        for attributes in learners(n)[:-1]
    ]


def ask(live, question):
    body = json.dumps(question).encode()
    with urlopen(Request(f"{live.url}/api/eval/{live.client_key}", body), timeout=10) as answer:
        return json.load(answer)["features"]


def exposures(features):
    """What an SDK tells its tracking callback: experiment and variant, of who was randomised."""
    tracks = [
        track
        for feature in features.values()
        for rule in feature.get("rules") or ()
        for track in rule.get("tracks") or ()
    ]
    return sorted(
        (one["experiment"]["key"], one["result"]["key"], one["result"]["hashValue"])
        for one in tracks
        if one["result"]["hashUsed"]
    )


def test_remote_evaluation__of_testers_and_others__is_that_of_growthbooks_proxy(live):
    payload = live.get("/api/v1/payload")
    asked = questions(300)

    with Program("proxy_eval.mjs", installed(*PACKAGES)) as node:
        theirs = node.ask(payload=payload, questions=asked)

    met = set()
    for question, their in zip(asked, theirs, strict=True):
        ours = ask(live, question)
        for key in VISIBLE:
            assert ours[key]["defaultValue"] == their[key]["defaultValue"], (key, question)
        # Other tests define experiments of their own on the same server.
        found, expected = (
            exposures({key: features[key] for key in VISIBLE}) for features in (ours, their)
        )
        assert found == expected, question
        met |= {experiment for experiment, _, _ in found}
    assert met == set(EXPERIMENTS)


@pytest.mark.parametrize(
    ("forced", "key", "value"),
    [
        ({"forced_variations": {"ladder": 2}}, "ladder", "badges"),
        ({"url": "https://lms.example.org/?ladder=1"}, "ladder", "ladder"),
        ({"forced_features": {"greeting": "hi"}}, "greeting", "hi"),
        ({}, "greeting", "hello"),
    ],
    ids=["variant", "page", "value", "nothing"],
)
def test_growthbook_python__forces_something__gets_it_by_remote_evaluation(
    live, forced, key, value
):
    growthbook = GrowthBook(
        api_host=live.url,
        client_key=live.client_key,
        remote_eval=True,
        attributes={"id": "learner-3", "role": "clerk"},
        **forced,
    )

    assert growthbook.get_feature_value(key, None) == value
    growthbook.destroy()
    feature_repo.clear_cache()
