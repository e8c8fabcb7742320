"""Runs every case of evaluation.json on an engine; standard library only, so that a bare wheel can.

python run_cases.py PACKAGE PATH...: imports PACKAGE from the paths, prints what fails as JSON.
"""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

CASES = Path(__file__).with_name("evaluation.json")


def run_all(package: str) -> tuple[int, list[str]]:
    """How many cases were run on the package, and a sentence for each that failed."""
    cases = json.loads(CASES.read_text(encoding="utf-8"))
    found = [
        *(check_hash(package, *case) for case in cases["hashes"]),
        *(check_ranges(package, *case) for case in cases["ranges"]),
        *(check_condition(package, case) for case in cases["conditions"]),
        *(check_evaluation(package, case) for case in cases["evaluations"]),
        *(check_remembered(package, case) for case in cases["remembered"]),
    ]
    return len(found), [sentence for sentence in found if sentence]


def check_hash(package: str, seed: str, value: str, version: int, expected: float | None) -> str:
    hasher = importlib.import_module(f"{package}.hashing").build_hasher(seed, version)
    place = None if hasher is None else hasher(value)
    return "" if place == expected else f"hash {seed!r} {value!r}: {place}, not {expected}"


def check_ranges(package: str, name: str, arguments: Any, expected: Any) -> str:
    ranges = importlib.import_module(f"{package}.bucketing").bucket_ranges(*arguments)
    rounded = [[round(edge, 9) for edge in pair] for pair in ranges]
    return "" if rounded == expected else f"ranges {name}: {rounded}, not {expected}"


def check_condition(package: str, case: Any) -> str:
    """A condition is asked through a flag that it targets."""
    engine = importlib.import_module(package)
    flag = {"defaultValue": False, "rules": [{"force": True, "condition": case["condition"]}]}
    groups = case.get("savedGroups", {})
    payload = engine.parse_payload({"features": {"f": flag}, "savedGroups": groups})
    fits = engine.evaluate(payload, "f", case["attributes"]).value
    return "" if fits is case["expected"] else f"condition {case['name']}: {fits}"


def check_evaluation(package: str, case: Any) -> str:
    engine = importlib.import_module(package)
    payload = engine.parse_payload(case)
    evaluation = engine.evaluate(payload, case["key"], case["attributes"])
    found = {name: getattr(evaluation, name) for name in case["expected"]}
    return "" if found == case["expected"] else f"evaluation {case['name']}: {found}"


def check_remembered(package: str, case: Any) -> str:
    """An experiment is asked by a unit of which something is remembered."""
    engine = importlib.import_module(package)
    store, kept = engine.InMemoryStickyStore(), {}
    for attribute, units in case["memory"].items():
        for unit, assignments in units.items():
            store.save(attribute, unit, assignments)
    payload, visit = engine.parse_payload(case), engine.Visit(sticky=store)
    evaluation = engine.evaluate(payload, case["key"], case["attributes"], visit)
    found = {name: getattr(evaluation, name) for name in case["expected"]}
    for attribute, units in case["kept"].items():
        kept[attribute] = {unit: dict(store.get(attribute, unit)) for unit in units}
    if found == case["expected"] and kept == case["kept"]:
        return ""
    return f"remembered {case['name']}: {found}, kept {kept}"


if __name__ == "__main__":
    sys.path[:0] = sys.argv[2:]
    n_run, failures = run_all(sys.argv[1])
    json.dump({"run": n_run, "failures": failures}, sys.stdout)
