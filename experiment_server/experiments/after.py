"""What applies once an experiment is stopped: the control, the variants as they were, or one. Pure.

It is delivered as plain rules without tracking, which every SDK of GrowthBook's specification
follows, until the experiment is archived.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from assignment.bucketing import bucket_ranges
from experiment_server.problems import FieldError, invalid_fields, shown

REVERT: Final = "revert"  # everybody gets the control
KEEP: Final = "keep"  # units keep the variants that they had
SHIP: Final = "ship"  # everybody gets one variant
RULES: Final = (REVERT, KEEP, SHIP)

After = Mapping[str, Any]
Rules = list[dict[str, Any]]


def check_after(wish: After | None, variants: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What applies after a stop, checked; the control when nothing was said.

    Raises:
        Problem: 422, naming every field that does not fit.
    """
    rule, variant = (wish or {}).get("rule") or REVERT, (wish or {}).get("variant")
    keys = [each["key"] for each in variants]
    errors = []
    if rule not in RULES:
        remedy = 'Example: {"rule": "ship", "variant": "badges"}.'
        errors.append(FieldError("after.rule", shown(rule), "one of " + ", ".join(RULES), remedy))
    elif rule == SHIP and variant not in keys:
        remedy = "Name the variant that everybody is to have."
        found = "nothing" if variant is None else shown(variant)
        errors.append(FieldError("after.variant", found, "one of " + ", ".join(keys), remedy))
    elif rule != SHIP and variant is not None:
        remedy = 'Leave it out, or ask for the rule "ship".'
        errors.append(FieldError("after.variant", shown(variant), f"nothing with {rule}", remedy))
    if errors:
        raise invalid_fields(errors)
    return {"rule": rule, "variant": variant}


def after_rules(
    feature: Mapping[str, Any], after: After, variants: Sequence[Mapping[str, Any]]
) -> Rules:
    """The rules that replace those of a running experiment's feature with these variants."""
    if after["rule"] == KEEP:
        return [told for rule in feature["rules"] for told in _kept(rule)]
    if after["rule"] == SHIP:
        return [_shipped(after["variant"], variants)]
    return []


def state_after(after: After) -> str:
    """Where the feature stands, for the reason that our own SDK gives."""
    return {REVERT: "reverted", KEEP: "kept", SHIP: "shipped"}[after["rule"]]


def _kept(rule: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """One plain rule for each variant: the part of the ring that had it."""
    if "variations" not in rule:
        yield {name: value for name, value in rule.items() if name != "tracks"}
        return
    payloads = rule["variations"]
    ranges = rule.get("ranges") or bucket_ranges(
        len(payloads), rule.get("coverage", 1.0), rule.get("weights")
    )
    filters = rule.get("filters") or _namespace_filters(rule)
    for payload, meta, (low, high) in zip(payloads, rule["meta"], ranges, strict=True):
        kept = {
            "force": payload,
            "seed": rule["seed"],
            "hashVersion": rule["hashVersion"],
            "hashAttribute": rule["hashAttribute"],
            "range": [low, high],
            "momentum": {"variant": meta["key"], "reason": "kept"},
        }
        if rule.get("condition"):
            kept["condition"] = rule["condition"]
        if filters:
            kept["filters"] = filters
        yield kept


def _namespace_filters(rule: Mapping[str, Any]) -> Rules:
    """A namespace as a plain rule can have it: the same places of the same ring."""
    if not rule.get("namespace"):
        return []
    name, low, high = rule["namespace"]
    attribute = rule["hashAttribute"]
    ring = {"seed": "__" + name, "ranges": [[low, high]], "hashVersion": 1, "attribute": attribute}
    return [ring]


def _shipped(key: str, variants: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    variant = next(one for one in variants if one["key"] == key)
    return {"force": variant["payload"], "momentum": {"variant": key, "reason": "shipped"}}
