"""One SDK's decisions, timed in its own process: ``python _decisions.py NAME N_FLAGS N [queued]``.

Run by `sdk_decisions` with an interpreter that has the SDKs. The work is the same for all: flag
flag-0 of N_FLAGS; learners of the role "sales" are split in half, others get "plain". "queued" adds
that each exposure is kept to be sent: by Momentum itself, as JSON; by the others' hook in a queue.
"""

import json
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

Decide = Callable[[str, str], Any]
"""A new learner's id and role to the value of flag-0."""

Kept = Callable[[], int]
"""How many exposures are kept to be sent."""

ROUNDS = 5
SHOWN = "flag-0"


def keys(n_flags: int) -> list[str]:
    return [f"flag-{number}" for number in range(n_flags)]


def growthbook_payload(n_flags: int) -> dict[str, Any]:
    rule = {"variations": ["plain", "bonus"], "hashVersion": 2, "condition": {"role": "sales"}}
    rule |= {"meta": [{"key": "plain"}, {"key": "bonus"}]}
    rules = {key: [rule | {"key": key, "seed": key}] for key in keys(n_flags)}
    return {key: {"defaultValue": "plain", "rules": rules[key]} for key in rules}


def momentum_engine(n_flags: int) -> Decide:
    from assignment import evaluate, parse_payload

    payload = parse_payload({"features": growthbook_payload(n_flags)})
    return lambda learner, role: evaluate(payload, SHOWN, {"id": learner, "role": role}).value


def momentum_compiled(n_flags: int) -> Decide:
    from momentum_sdk import _assignment as engine

    if engine.ENGINE != "compiled":
        raise RuntimeError(f"the engine of the installed SDK is {engine.ENGINE}")
    evaluate = engine.evaluate
    payload = engine.parse_payload({"features": growthbook_payload(n_flags)})
    return lambda learner, role: evaluate(payload, SHOWN, {"id": learner, "role": role}).value


def momentum_queued(n_flags: int) -> tuple[Decide, Kept]:
    """The whole client, as an LMS calls it; the server cannot be reached, and the events wait."""
    from momentum_sdk import Momentum

    client = Momentum(
        "http://127.0.0.1:9",
        "mo_client_bench",
        payload={"features": growthbook_payload(n_flags)},
        queue_size=10_000_000,
        exposure_memory=10_000_000,
        flush_interval_s=3_600,
    )
    return (
        lambda learner, role: client.variant(SHOWN, learner, {"role": role}).payload,
        lambda: client.counts().waiting,
    )


def growthbook(n_flags: int, queue: deque[Any] | None = None) -> Decide:
    from growthbook import GrowthBook

    hook = {} if queue is None else {"on_experiment_viewed": lambda **shown: queue.append(shown)}
    client = GrowthBook(features=growthbook_payload(n_flags), **hook)

    def decide(learner: str, role: str) -> Any:
        client.set_attributes({"id": learner, "role": role})
        return client.get_feature_value(SHOWN, "plain")

    return decide


def launchdarkly(n_flags: int) -> Decide:
    import ldclient
    from ldclient.integrations import Files

    split = {"variations": [{"variation": 0, "weight": 50000}, {"variation": 1, "weight": 50000}]}
    clause = {"attribute": "role", "op": "in", "values": ["sales"], "contextKind": "user"}
    flag = {
        "on": True,
        "version": 1,
        "salt": "salt",
        "variations": ["plain", "bonus"],
        "fallthrough": {"variation": 0},
        "offVariation": 0,
        "rules": [{"id": "r", "clauses": [clause], "rollout": split}],
    }
    file = Path(tempfile.mkdtemp()) / "flags.json"
    file.write_text(json.dumps({"flags": {key: flag | {"key": key} for key in keys(n_flags)}}))
    source = Files.new_data_source(paths=[str(file)])
    config = ldclient.Config("sdk-key", update_processor_class=source, send_events=False)
    client = ldclient.LDClient(config)

    def decide(learner: str, role: str) -> Any:
        who = ldclient.Context.builder(learner).set("role", role).build()
        return client.variation(SHOWN, who, "plain")

    return decide


def unleash(n_flags: int) -> Decide:
    from UnleashClient import UnleashClient
    from UnleashClient.cache import FileCache

    strategy = {
        "name": "flexibleRollout",
        "parameters": {"rollout": "100", "stickiness": "userId", "groupId": "g"},
        "constraints": [{"contextName": "role", "operator": "IN", "values": ["sales"]}],
        "variants": [
            {"name": name, "weight": 500, "stickiness": "userId", "weightType": "variable"}
            for name in ("plain", "bonus")
        ],
    }
    features = [
        {"name": key, "enabled": True, "type": "experiment", "strategies": [strategy]}
        for key in keys(n_flags)
    ]
    cache = FileCache("bench", directory=tempfile.mkdtemp())
    cache.bootstrap_from_dict({"version": 2, "features": features})
    client = UnleashClient(
        "http://127.0.0.1:9",
        "bench",
        cache=cache,
        disable_metrics=True,
        disable_registration=True,
    )
    client.initialize_client(fetch_toggles=False)

    def decide(learner: str, role: str) -> Any:
        found = client.get_variant(SHOWN, {"userId": learner, "properties": {"role": role}})
        return found["name"] if found["enabled"] else "plain"

    return decide


def posthog(n_flags: int) -> Decide:
    from posthog import Posthog

    client = Posthog("key", host="http://127.0.0.1:9", disable_geoip=True, sync_mode=True)
    condition = {"key": "role", "value": ["sales"], "operator": "exact", "type": "person"}
    variants = [{"key": key, "rollout_percentage": 50} for key in ("plain", "bonus")]
    client.feature_flags = [
        {
            "id": number,
            "key": key,
            "active": True,
            "filters": {
                "groups": [{"properties": [condition], "rollout_percentage": 100}],
                "multivariate": {"variants": variants},
            },
        }
        for number, key in enumerate(keys(n_flags))
    ]

    def decide(learner: str, role: str) -> Any:
        found = client.get_feature_flag(
            SHOWN,
            learner,
            person_properties={"role": role},
            only_evaluate_locally=True,
            send_feature_flag_events=False,
        )
        return found or "plain"

    return decide


def optimizely(n_flags: int) -> Decide:
    from optimizely import optimizely as sdk

    leaf = {"name": "role", "type": "custom_attribute", "match": "exact", "value": "sales"}
    halves = [{"entityId": "v0", "endOfRange": 5000}, {"entityId": "v1", "endOfRange": 10000}]
    variants = [{"id": f"v{n}", "key": key} for n, key in enumerate(("plain", "bonus"))]
    variants = [one | {"featureEnabled": True, "variables": []} for one in variants]
    experiments = [
        {
            "id": f"e-{key}",
            "key": f"e-{key}",
            "layerId": key,
            "status": "Running",
            "audienceIds": ["a"],
            "audienceConditions": ["or", "a"],
            "forcedVariations": {},
            "trafficAllocation": halves,
            "variations": variants,
        }
        for key in keys(n_flags)
    ]
    flags = [
        {"id": key, "key": key, "rolloutId": "", "experimentIds": [f"e-{key}"], "variables": []}
        for key in keys(n_flags)
    ]
    datafile = {
        "version": "4",
        "accountId": "1",
        "projectId": "1",
        "revision": "1",
        "anonymizeIP": True,
        "attributes": [{"id": "role", "key": "role"}],
        "audiences": [{"id": "a", "name": "a", "conditions": "[]"}],
        "typedAudiences": [{"id": "a", "name": "a", "conditions": ["or", leaf]}],
        "events": [],
        "experiments": experiments,
        "featureFlags": flags,
        "groups": [],
        "rollouts": [],
        "variables": [],
    }
    client = sdk.Optimizely(json.dumps(datafile))
    quiet = ["DISABLE_DECISION_EVENT"]

    def decide(learner: str, role: str) -> Any:
        user = client.create_user_context(learner, {"role": role})
        return user.decide(SHOWN, quiet).variation_key or "plain"

    return decide


def flagsmith(n_flags: int) -> Decide:
    from flag_engine.engine import get_evaluation_result

    variants = [
        {"value": value, "weight": 50, "key": value, "priority": number}
        for number, value in enumerate(("plain", "bonus"))
    ]
    split = {
        key: {"key": key, "name": key, "enabled": True, "value": "plain", "variants": variants}
        for key in keys(n_flags)
    }
    conditions = [{"property": "role", "operator": "EQUAL", "value": "sales"}]
    segment = {
        "key": "s",
        "name": "s",
        "rules": [{"type": "ALL", "conditions": conditions, "rules": []}],
        "overrides": list(split.values()),
    }
    plain = {key: {k: v for k, v in one.items() if k != "variants"} for key, one in split.items()}
    world = {
        "environment": {"key": "e", "name": "e"},
        "features": plain,
        "segments": {"s": segment},
    }

    def decide(learner: str, role: str) -> Any:
        who = {"identifier": learner, "key": learner, "traits": {"role": role}}
        return get_evaluation_result(world | {"identity": who})["flags"][SHOWN]["value"]

    return decide


def eppo(n_flags: int, queue: deque[Any] | None = None) -> Decide:
    import eppo_client
    from eppo_client import AssignmentLogger, ClientConfig

    whole = {"salt": "s", "totalShards": 10000}
    splits = [
        {
            "variationKey": key,
            "shards": [whole | {"ranges": [{"start": number * 5000, "end": number * 5000 + 5000}]}],
        }
        for number, key in enumerate(("plain", "bonus"))
    ]
    condition = {"attribute": "role", "operator": "ONE_OF", "value": ["sales"]}
    flag = {
        "enabled": True,
        "variationType": "STRING",
        "variations": {key: {"key": key, "value": key} for key in ("plain", "bonus")},
        "allocations": [
            {
                "key": "a",
                "rules": [{"conditions": [condition]}],
                "splits": splits,
                "doLog": queue is not None,
            }
        ],
        "totalShards": 10000,
    }
    ufc = {
        "createdAt": "2024-04-17T19:40:53.716Z",
        "format": "SERVER",
        "environment": {"name": "bench"},
        "flags": {key: flag | {"key": key} for key in keys(n_flags)},
    }
    keep = (lambda _event: None) if queue is None else queue.append
    logger = type(
        "Logger", (AssignmentLogger,), {"log_assignment": lambda _self, event: keep(event)}
    )()
    client = eppo_client.init(
        ClientConfig(
            api_key="key",
            base_url="http://127.0.0.1:9",
            assignment_logger=logger,
            initial_configuration=eppo_client.Configuration(
                flags_configuration=json.dumps(ufc).encode()
            ),
            poll_interval_seconds=None,
        )
    )
    return lambda learner, role: client.get_string_assignment(
        SHOWN, learner, {"role": role}, "plain"
    )


CONTENDERS: dict[str, Callable[[int], Decide]] = {
    "momentum": momentum_engine,
    "momentum, compiled": momentum_compiled,
    "eppo-server-sdk": eppo,
    "growthbook": growthbook,
    "launchdarkly-server-sdk": launchdarkly,
    "UnleashClient": unleash,
    "posthog": posthog,
    "optimizely-sdk": optimizely,
    "flagsmith-flag-engine": flagsmith,
}


def with_hook(build: Callable[[int, deque[Any]], Decide]) -> Callable[[int], tuple[Decide, Kept]]:
    queue: deque[Any] = deque()
    return lambda n_flags: (build(n_flags, queue), lambda: len(queue))


QUEUED: dict[str, Callable[[int], tuple[Decide, Kept]]] = {
    "momentum": momentum_queued,
    "momentum, compiled": momentum_queued,
    "eppo-server-sdk": with_hook(eppo),
    "growthbook": with_hook(growthbook),
}
"""Those whose exposures can be kept by a hook, and ours."""


def check(decide: Decide) -> str:
    """Why the work is not the same as the others'; "" when it is."""
    values = [decide(f"learner-{number:06d}", "sales") for number in range(400)]
    others = {decide(f"learner-{number:06d}", "ops") for number in range(50)}
    if set(values) != {"plain", "bonus"} or not 140 < values.count("bonus") < 260:
        return f"not a split in half: {values.count('bonus')} of 400 get the bonus, {values[:3]}"
    return "" if others == {"plain"} else f"who is not targeted gets {others}"


def build(name: str, n_flags: int, queued: bool) -> tuple[Decide, str]:
    """What is to be timed, and why it cannot be."""
    if not queued:
        decide = CONTENDERS[name](n_flags)
        return decide, check(decide)
    decide, kept = QUEUED[name](n_flags)
    problem = check(decide)
    return decide, problem or ("" if kept() == 400 else f"{kept()} of 400 exposures are kept")


def measure(decide: Decide, n: int) -> float:
    """Nanoseconds of the processor for each decision, the best of several rounds of new learners.

    It is the calling thread's time: whoever else is busy on the machine takes little of it, and a
    thread that sends takes none.
    """
    best = float("inf")
    for one_round in range(ROUNDS):
        learners = [f"learner-{one_round}{number:05d}" for number in range(n)]
        begin = time.thread_time()
        for learner in learners:
            decide(learner, "sales")
        best = min(best, time.thread_time() - begin)
    return best / n * 1e9


if __name__ == "__main__":
    name, n_flags, n = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    try:
        chosen, problem = build(name, n_flags, "queued" in sys.argv)
        answer: dict[str, Any] = {"problem": problem}
        if not problem:
            answer["ns"] = measure(chosen, n)
    except Exception as error:  # a peer that cannot be measured must not hide the others
        answer = {"problem": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
    sys.stdout.flush()
    __import__("os")._exit(0)  # peers leave threads behind that would wait for their servers
