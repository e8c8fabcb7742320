"""Definitions that use each way to decide, and learners whom they tell apart."""

from tests.experiment_server.experiments.test_experiments_api import EXPERIMENT

URL = "/api/v1/environments/production"
CANARY_IDS = [f"canary-learner-{number}" for number in range(40)]
CANARY_EMAILS = [f"canary-{number}@example.org" for number in range(40)]
VARIANTS = [
    {"key": "control", "title": "Nothing at all", "weight": 1, "payload": "plain"},
    {"key": "ladder", "title": "Secret ladder", "weight": 2, "payload": "ladder"},
    {"key": "badges", "title": "Secret badges", "weight": 1, "payload": "badges"},
]
FLAGS = {
    "new-home": {
        "rules": [
            {"condition": {"role": "seller", "region": {"$ne": "apac"}}, "value": True},
            {"coverage": 0.3, "value": True},
        ]
    },
    "greeting": {
        "value_type": "string",
        "default_value": "hello",
        "rules": [
            {"condition": {"email": {"$in": CANARY_EMAILS[:20]}}, "value": "dear tester"},
            {"condition": {"email": CANARY_EMAILS[20]}, "value": "dear friend"},
            {"condition": {"level": {"$gte": 3}}, "value": "welcome back"},
        ],
    },
    "limit": {
        "value_type": "number",
        "default_value": 3,
        "rules": [{"condition": {"$or": [{"region": "emea"}, {"level": 5}]}, "value": 7.5}],
    },
    "panel": {
        "value_type": "json",
        "default_value": {"size": "small"},
        "rules": [
            {"condition": {"id": {"$in": CANARY_IDS[:10]}}, "value": {"size": "large"}},
            {
                "condition": {"id": CANARY_IDS[10], "role": "seller"},
                "value": {"size": "huge"},
            },
        ],
    },
    "mail-pattern": {"rules": [{"condition": {"email": {"$regex": "canary"}}, "value": True}]},
    "not-them": {"rules": [{"condition": {"id": {"$nin": CANARY_IDS[:3]}}, "value": True}]},
    "internal": {"server_only": True, "rules": [{"condition": {}, "value": True}]},
    "asleep": {"enabled": False, "rules": [{"condition": {}, "value": True}]},
}
EXPERIMENTS = {
    "ladder": {
        "variants": VARIANTS,
        "coverage": 0.6,
        "condition": {"role": {"$in": ["seller", "coach"]}},
        "forced": {CANARY_IDS[0]: "badges", CANARY_IDS[1]: "control", "4711": "ladder"},
    },
    "ring": {"variants": VARIANTS, "namespace": {"name": "incentives", "low": 0.2, "high": 0.7}},
    "quest": {
        "variants": VARIANTS,
        "unit_kind": "team",
        "condition": {"email": {"$ne": CANARY_EMAILS[3]}},
        "forced": {"canary-team-1": "badges"},
    },
    "grid": {
        "variants": [],
        "factors": [
            {"key": "reward", "levels": [{"key": "none"}, {"key": "points", "payload": 5}]},
            {"key": "rhythm", "levels": [{"key": "daily"}, {"key": "weekly", "weight": 2}]},
        ],
        "coverage": 0.8,
    },
    "turns": {
        "variants": [{**variant, "weight": 1} for variant in VARIANTS],
        "crossover": {"order": "counterbalanced", "period_days": 30, "washout_days": 2},
    },
    "listed": {
        "variants": VARIANTS,
        "condition": {"role": {"$in": ["seller", "coach"]}},
        "listed": {
            **dict.fromkeys(CANARY_IDS[:20], "badges"),
            **dict.fromkeys(["4711", *CANARY_IDS[20:]], "control"),
        },
    },
}
WITHHELD = {"mail-pattern", "not-them", "internal"}
KEYS = sorted([*FLAGS, *EXPERIMENTS])
FOR_CLIENTS = sorted(set(KEYS) - WITHHELD)


def define(client, editor):
    """Define all of the above in the environment ``production``."""
    for key, flag in FLAGS.items():
        make_flag(client, editor, key, **flag)
    for key, changes in EXPERIMENTS.items():
        run_experiment(client, editor, key, **changes)


def make_flag(client, editor, key, *, rules, enabled=True, **values):
    body = {"key": key, "title": f"Title of {key}", **values}
    assert client.post("/api/v1/flags", json=body, headers=editor).status_code == 201
    set_flag(client, editor, key, 0, enabled=enabled, rules=rules)


def set_flag(client, editor, key, version, *, rules, enabled=True):
    answer = client.put(
        f"/api/v1/flags/{key}/environments/production",
        json={"enabled": enabled, "rules": rules},
        headers={**editor, "If-Match": str(version)},
    )
    assert answer.status_code == 200, answer.text


def run_experiment(client, editor, key, *, listed=None, **changes):
    body = {**EXPERIMENT, "key": key, **changes}
    made = client.post(f"{URL}/experiments", json=body, headers=editor)
    assert made.status_code == 201, made.text
    if listed:
        items = [{"unit": unit, "variant": variant} for unit, variant in listed.items()]
        address, headers = f"{URL}/experiments/{key}/allocation", {**editor, "If-Match": "1"}
        put = client.put(address, json={"items": items}, headers=headers)
        assert put.status_code == 200, put.text
    assert client.post(f"{URL}/experiments/{key}/start", headers=editor).status_code == 200


def learners(n):
    """Attributes of n learners; among them those whom rules name, and one without an id."""
    roles, regions = ("seller", "coach", "clerk"), ("emea", "apac", "amer")
    named = [*CANARY_IDS[:12], "4711", *(f"learner-{number}" for number in range(n - 13))]
    made = [
        {
            "id": unit,
            "role": roles[number % 3],
            "region": regions[number % 7 % 3],
            "team": f"canary-team-{number % 40}",
            "level": number % 6,
            "email": (CANARY_EMAILS + [f"{unit}@example.org"] * 60)[number % 100],
        }
        for number, unit in enumerate(named)
    ]
    return [*made, {"role": "seller", "level": 5}]
