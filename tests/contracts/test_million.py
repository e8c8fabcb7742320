"""A million placements: 20,000 learners in 50 random experiments, by our engine and both SDKs."""

import json
import logging
import os
import random
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from growthbook.common_types import (
    EvaluationContext,
    GlobalContext,
    Options,
    StackContext,
    UserContext,
    features_from_dict,
)
from growthbook.core import eval_feature

from assignment import evaluate, parse_payload
from assignment.rules import unit_of
from tests.contracts.peers import javascript_sdk

N_EXPERIMENTS = 50
N_LEARNERS = 20_000
NODE_S = 300
ROLES = ("sales", "support", "ops", "coach")
CONDITIONS: tuple[dict[str, Any], ...] = (
    {"role": "sales"},
    {"role": {"$in": ["sales", "coach"]}, "age": {"$gte": 4}},
    {"$or": [{"role": {"$ne": "ops"}}, {"age": {"$lt": 3}}]},
    {"tags": {"$elemMatch": {"$eq": "new"}}},
    {"app": {"$vgte": "1.10.0"}},
    {"$not": {"course.level": {"$gt": 2}}},
    {"role": {"$regex": "^(s|c)"}, "pilot": True},
    {"team": {"$inGroup": "pilots"}},
    {"team": {"$notInGroup": "pilots"}, "tags": {"$size": 2}},
)

Answers = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Of one experiment: each learner's value and variant, both by number, and bucket."""


def learners() -> list[dict[str, Any]]:
    """Ids of every kind that an LMS has, and the attributes that conditions ask for."""
    dice = random.Random(11)
    return [_learner(number, dice) for number in range(N_LEARNERS)]


def _learner(number: int, dice: random.Random) -> dict[str, Any]:
    ids = (f"learner-{number}", f"{dice.getrandbits(128):032x}", number, f"\u5b66\u4e60 {number}")
    attributes = {
        "id": ids[number % 4],
        "team": dice.randint(1, 900),
        "role": dice.choice(ROLES),
        "age": dice.randint(0, 9),
        "app": dice.choice(["1.2.3", "1.10.0", "v2.0", "1.10.0-rc.1"]),
        "tags": dice.sample(["new", "vip", "night"], dice.randint(0, 3)),
        "pilot": dice.random() < 0.5,
        "course": {"level": dice.randint(0, 4)},
    }
    if number % 500 == 499:
        del attributes["id"]
    return attributes


def experiments() -> dict[str, Any]:
    """Fifty that use each way to decide who is in, and where."""
    dice = random.Random(7)
    keys = [f"experiment-{number}" for number in range(N_EXPERIMENTS)]
    features = {key: _feature(key, number, dice) for number, key in enumerate(keys)}
    return {"features": features, "savedGroups": {"pilots": list(range(0, 900, 3))}}


def _feature(key: str, number: int, dice: random.Random) -> dict[str, Any]:
    n = dice.randint(2, 5)
    parts = [dice.randint(1, 9) for _ in range(n)]
    rule: dict[str, Any] = {
        "key": key,
        "seed": f"{key}:{dice.randint(0, 99)}",
        "hashVersion": dice.choice([1, 2]),
        "hashAttribute": "team" if number % 6 == 5 else "id",
        "variations": [f"payload-{variant}" for variant in range(n)],
        "meta": [{"key": f"v{variant}"} for variant in range(n)],
        "weights": [part / sum(parts) for part in parts],
        "coverage": dice.choice([1, 0.9, 0.5, 0.1]),
    }
    if number % 2:
        rule["condition"] = dice.choice(CONDITIONS)
    low = dice.randint(0, 50) / 100
    if number % 5 == 0:
        rule["namespace"] = [f"ring-{number % 2}", low, low + 0.4]
    if number % 5 == 1:
        ring = {"seed": f"filter {number}", "ranges": [[0, low], [0.6, 0.9]], "hashVersion": 2}
        rule["filters"] = [ring, {"seed": "teams", "ranges": [[0, 0.8]], "attribute": "team"}]
    if number % 7 == 2:
        rule["ranges"] = [[low + place / 20, low + (place + 0.9) / 20] for place in range(n)]
    if number % 7 == 3:
        value = {"$in": ["payload-0", "payload-2"]}
        rule["parentConditions"] = [{"id": "experiment-0", "condition": {"value": value}}]
    if number % 11 == 4:
        rule["meta"][0]["passthrough"] = True
    return {"defaultValue": "none", "rules": [rule]}


def by_ours(payload: dict[str, Any], key: str, everybody: list[dict[str, Any]]) -> Answers:
    parsed = parse_payload(payload)
    rule = parsed.flags[key].rules[0]
    place = rule.place
    assert place is not None
    found = [evaluate(parsed, key, learner) for learner in everybody]
    return (
        _numbers([one.value for one in found]),
        _numbers([one.variant if one.in_experiment else None for one in found]),
        np.array([place(unit_of(learner, rule.attribute)) for learner in everybody]),
    )


def by_python(payload: dict[str, Any], key: str, everybody: list[dict[str, Any]]) -> Answers:
    logging.getLogger("growthbook").setLevel(logging.CRITICAL)
    features = features_from_dict(payload["features"])
    world = GlobalContext(Options(), features=features, saved_groups=payload["savedGroups"])
    found = [
        eval_feature(key, EvaluationContext(UserContext(attributes=one), world, StackContext()))
        for one in everybody
    ]
    results = [answer.experimentResult for answer in found]
    return (
        _numbers([answer.value for answer in found]),
        _numbers([one.key if one is not None and one.hashUsed else None for one in results]),
        np.array([np.nan if one is None or one.bucket is None else one.bucket for one in results]),
    )


def by_javascript(
    payload: dict[str, Any], everybody: list[dict[str, Any]], folder: Path
) -> dict[str, Answers]:
    (folder / "payload.json").write_text(json.dumps(payload))
    (folder / "learners.json").write_text(json.dumps(everybody))
    script = Path(__file__).with_name("growthbook_batch.mjs")
    environment = os.environ | {"NODE_ENV": "production"}
    command = ["node", str(script), str(javascript_sdk()), str(folder)]
    subprocess.run(command, check=True, timeout=NODE_S, env=environment)
    n = len(everybody)
    row = np.dtype([("value", "i1", n), ("variant", "i1", n), ("bucket", "f8", n)])
    rows = np.fromfile(folder / "answers.bin", row)
    named = zip(payload["features"], rows, strict=True)
    return {key: (one["value"], one["variant"], one["bucket"]) for key, one in named}


def _numbers(found: list[Any]) -> np.ndarray:
    """The number in ``payload-2`` and ``v2``; -1 for none."""
    return np.array([int(one[-1]) if one and one != "none" else -1 for one in found], "i1")


def assert_alike(ours: Answers, theirs: Answers, who: str) -> None:
    values, variants, buckets = ours
    assert np.array_equal(values, theirs[0]), who
    assert np.array_equal(variants, theirs[1]), who
    known = ~np.isnan(theirs[2])
    assert np.array_equal(buckets[known], theirs[2][known]), who
    assert known[variants >= 0].all(), who


@pytest.fixture(scope="module")
def ours() -> dict[str, Answers]:
    payload, everybody = experiments(), learners()
    return {key: by_ours(payload, key, everybody) for key in payload["features"]}


@pytest.mark.slow
def test_million_placements__of_the_python_sdk__are_ours(ours: dict[str, Answers]) -> None:
    payload, everybody = experiments(), learners()

    for key, placed in ours.items():
        assert_alike(placed, by_python(payload, key, everybody), key)

    n_inside = sum(int((variants >= 0).sum()) for _, variants, _ in ours.values())
    assert 0.1 < n_inside / (N_EXPERIMENTS * N_LEARNERS) < 0.6


@pytest.mark.slow
def test_million_placements__of_the_javascript_sdk__are_ours(
    ours: dict[str, Answers], tmp_path: Path
) -> None:
    theirs = by_javascript(experiments(), learners(), tmp_path)

    assert len(theirs) == N_EXPERIMENTS
    for key, placed in ours.items():
        assert_alike(placed, theirs[key], key)
