"""A payload without anybody in it: what clients receive, since whoever runs them can read it. Pure.

Four things change on the way from a server's payload to a client's:

- Rules for named units (forced variants, conditions on ``id``) do not name them. A unit is told by
  its place on three rings of 10,000, as the filters of a rule have it; every SDK computes that.
- Units that are assigned by list are told in crowds: each ring's filter has the places of all units
  of the crowd, so that a unit that is on every ring at one of them is in it.
- Values of secret attributes are salted hashes, and the host hashes what it hands in.
- Flags for servers only, flags whose rules cannot be told in these two ways, and titles, stay away.
"""

import hmac
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from typing import Any, Final

from assignment.hashing import build_hasher
from assignment.values import scalar_text
from experiment_server.delivery.dialect import plain_condition

RINGS: Final = 3  # one learner in 10^12 shares its places with another
PLACES: Final = 10_000
HASH_VERSION: Final = 2
MOST_UNITS: Final = 1000  # named by one rule
CROWD: Final = 250  # units told together; they fill a fortieth of a ring
CROWD_RINGS: Final = 7  # one learner in 10^11 is taken for one of a crowd
MOST_LISTED: Final = 5_000  # of one list; about 120 bytes each
LEARNER: Final = "id"

Json = dict[str, Any]

Path = tuple[str, ...]
"""The names that lead to a value, such as ("contact", "email"); places in lists do not count."""


class CannotTell(Exception):  # noqa: N818  (it is an answer: the flag stays with the servers)
    """The rule cannot be told to clients without naming somebody."""


# One definition in an odd shape, from before the door was as strict, must not stop the others.
UNTOLD: Final = (CannotTell, TypeError, ValueError, KeyError, AttributeError)


@dataclass(frozen=True)
class Secrets:
    """What is secret in an environment, and what hides it."""

    attributes: frozenset[str]
    salt: str
    groups: Mapping[str, Sequence[Any]]

    def hides(self, path: Path) -> bool:
        """Whether the value at this path is to be hashed: it is secret, or part of what is."""
        return any(path[: len(secret)] == secret for secret in self._paths)

    def forbids(self, path: Path) -> bool:
        """Whether no value may be told of this path, hashed or not.

        Below other attributes an id, or the name of a secret attribute, is somebody's all the same;
        whether the host hashes it there, nobody has said.
        """
        return LEARNER in path or any(
            path[start : start + len(secret)] == secret
            for secret in self._paths
            for start in range(1, len(path))
        )

    @cached_property
    def _paths(self) -> tuple[Path, ...]:
        return tuple(_further((), attribute) for attribute in self.attributes)

    def hash(self, value: Any) -> str:
        """A value as clients compare it: hexadecimal SHA-256 of the salt and the value."""
        text = scalar_text(value)
        if text is None:
            raise CannotTell
        return sha256((self.salt + text).encode()).hexdigest()

    def rings(self, attribute: str, unit: Any) -> list[Json]:
        """Filters that admit one unit: its places on the rings."""
        text = scalar_text(unit)
        if not text:
            raise CannotTell
        return [self._ring(attribute, text, number) for number in range(RINGS)]

    def crowd(self, attribute: str, units: Sequence[str]) -> list[Json]:
        """Filters that admit these units, and by chance hardly anybody else."""
        return [self._ring_of(attribute, units, number) for number in range(CROWD_RINGS)]

    def _ring(self, attribute: str, unit: str, number: int) -> Json:
        return self._ring_of(attribute, [unit], number)

    def _ring_of(self, attribute: str, units: Sequence[str], number: int) -> Json:
        # The salt alone tells how to hash; the rings' seeds are of another hash of it.
        seed = hmac.digest(self.salt.encode(), f"ring {number}".encode(), "sha256").hex()[:16]
        hasher = build_hasher(seed, HASH_VERSION)
        if hasher is None:
            raise CannotTell
        places = sorted({round(hasher(unit) * PLACES) for unit in units})
        return {
            "seed": seed,
            "ranges": [[place / PLACES, (place + 0.5) / PLACES] for place in places],
            "hashVersion": HASH_VERSION,
            "attribute": attribute,
        }


def protect(payload: Mapping[str, Any], server_only: Collection[str], secrets: Secrets) -> Json:
    """The payload for clients; everybody gets the same from it as from the server's.

    Args:
        payload: as servers receive it.
        server_only: keys of flags that clients do not learn of.
        secrets: what to hide, and how.
    """
    groups = {**(payload.get("savedGroups") or {}), **secrets.groups}
    secrets = replace(secrets, groups=groups)
    features = {}
    for key, feature in payload["features"].items():
        if key in server_only:
            continue
        try:
            features[key] = _feature(feature, secrets)
        except UNTOLD:
            continue  # clients get their own default, or ask the server to evaluate
    features = _with_their_parents(features)
    return {
        **payload,
        "features": features,
        "savedGroups": _groups_in_use(payload, features),
    }


def plain_growthbook(payload: Mapping[str, Any]) -> Json:
    """The payload in the words of GrowthBook alone: nothing there that an SDK might trip over."""
    features = {
        key: {
            **{name: value for name, value in feature.items() if name != "momentum"},
            "rules": [_plain_rule(rule) for rule in feature["rules"]],
        }
        for key, feature in payload["features"].items()
    }
    return {
        "status": 200,
        "features": features,
        "savedGroups": payload["savedGroups"],
        "dateUpdated": payload["dateUpdated"],
    }


def _plain_rule(rule: Json) -> Json:
    plain = {name: value for name, value in rule.items() if name != "momentum"}
    return (
        {**plain, "condition": plain_condition(rule["condition"])} if "condition" in rule else plain
    )


def _feature(feature: Json, secrets: Secrets) -> Json:
    rules = [told for rule in feature["rules"] for told in _rule(rule, secrets)]
    return {**feature, "rules": rules}


def _rule(rule: Json, secrets: Secrets) -> Iterator[Json]:
    told = {name: value for name, value in rule.items() if name != "name"}
    if "meta" in told:
        told["meta"] = [{"key": meta["key"]} for meta in told["meta"]]
    if "parentConditions" in told:
        told["parentConditions"] = [
            {**parent, "condition": _condition(parent.get("condition", {}), secrets)}
            for parent in told["parentConditions"]
        ]
    condition = dict(told.pop("condition", None) or {})
    group, condition = _listed(told, condition)
    if group is not None:
        yield from _crowds(told, group, condition, secrets)
        return
    attribute, units = _named_units(told, condition, secrets)
    if condition:
        told["condition"] = _condition(condition, secrets)
    if attribute is None:
        yield told
        return
    for unit in units:
        yield {**told, "filters": [*told.get("filters", ()), *secrets.rings(attribute, unit)]}


def _listed(rule: Json, condition: Json) -> tuple[str | None, Json]:
    """The saved group of a rule for listed units, and what its condition asks besides."""
    listed, also = condition, {}
    if set(condition) == {"$and"} and len(condition["$and"]) == 2:
        listed, also = condition["$and"]
    part = listed.get(str(rule.get("hashAttribute")))
    if len(listed) != 1 or not isinstance(part, dict) or set(part) != {"$inGroup"}:
        return None, condition
    return part["$inGroup"], also


def _crowds(rule: Json, group: str, also: Json, secrets: Secrets) -> Iterator[Json]:
    """The rule once for each crowd of the group's units."""
    units = secrets.groups.get(group, ())
    if len(units) > MOST_LISTED:
        raise CannotTell
    if also:
        rule = {**rule, "condition": _condition(also, secrets)}
    for start in range(0, len(units), CROWD):
        crowd = secrets.crowd(rule["hashAttribute"], units[start : start + CROWD])
        yield {**rule, "filters": [*rule.get("filters", ()), *crowd]}


def _named_units(rule: Json, condition: Json, secrets: Secrets) -> tuple[str | None, Sequence[Any]]:
    """The units that a force rule is for by name, which are taken out of its condition."""
    if "force" not in rule:
        return None, ()
    forced = "forced_variant" in rule.get("momentum", {})
    for attribute in condition:
        if attribute == LEARNER or (forced and not attribute.startswith("$")):
            units = _members(condition.pop(attribute), secrets)
            return attribute, units
    return None, ()


def _members(part: Any, secrets: Secrets) -> Sequence[Any]:
    if isinstance(part, str | int | float):
        return [part]
    if not isinstance(part, dict) or len(part) != 1:
        raise CannotTell
    ((name, operand),) = part.items()
    if name == "$eq":
        return [operand]
    members = secrets.groups.get(operand, ()) if name == "$inGroup" else operand
    if name not in ("$in", "$inGroup") or len(members) > MOST_UNITS:
        raise CannotTell
    return list(members)


def _condition(condition: Any, secrets: Secrets) -> Any:
    if not isinstance(condition, dict):
        raise CannotTell
    return _told(condition, (), secrets)


def _told(part: Any, path: Path, secrets: Secrets) -> Any:
    """What a condition says of the value at a path, with each secret below it hashed."""
    if path[:1] != (LEARNER,) and secrets.hides(path):
        return _hidden(part, secrets)
    if secrets.forbids(path):
        raise CannotTell
    if isinstance(part, list):
        return [_told(member, path, secrets) for member in part]
    if not isinstance(part, dict):
        return part
    return {name: _told(below, _further(path, name), secrets) for name, below in part.items()}


def _further(path: Path, name: str) -> Path:
    """The path below a name in a condition or a literal; an operator leads nowhere else."""
    if name.startswith("$"):
        return path
    first, *steps = *path, *name.split(".")
    return (first, *(step for step in steps if not step.isdigit()))


def _hidden(part: Any, secrets: Secrets) -> Any:
    if not isinstance(part, dict):
        return None if part is None else secrets.hash(part)
    told: Json = {}
    for name, operand in part.items():
        told |= _hidden_operator(name, operand, secrets)
    return told


def _hidden_operator(name: str, operand: Any, secrets: Secrets) -> Json:
    if name in ("$eq", "$ne"):
        return {name: None if operand is None else secrets.hash(operand)}
    if name in ("$in", "$nin"):
        return {name: [secrets.hash(member) for member in operand]}
    if name in ("$all", "$not", "$elemMatch"):
        return {name: _nested(operand, secrets)}
    if name in ("$inGroup", "$notInGroup"):
        members = secrets.groups.get(operand, ())
        listed = {"$inGroup": "$in", "$notInGroup": "$nin"}[name]
        return {listed: [secrets.hash(member) for member in members]}
    if name in ("$exists", "$size"):
        return {name: operand}
    raise CannotTell  # an order or a pattern, of which no hash is left


def _nested(operand: Any, secrets: Secrets) -> Any:
    if isinstance(operand, list):
        return [_hidden(member, secrets) for member in operand]
    if isinstance(operand, dict) and all(name.startswith("$") for name in operand):
        return _hidden(operand, secrets)
    raise CannotTell


def _groups_in_use(payload: Mapping[str, Any], features: Json) -> Json:
    """The saved groups that a client's conditions still name."""
    rules = [rule for feature in features.values() for rule in feature["rules"]]
    named = set(_group_names([rule.get("condition") for rule in rules]))
    groups = payload.get("savedGroups") or {}
    return {name: members for name, members in groups.items() if name in named}


def _group_names(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, part in value.items():
            if name in ("$inGroup", "$notInGroup"):
                yield str(part)
            else:
                yield from _group_names(part)
    elif isinstance(value, list):
        for part in value:
            yield from _group_names(part)


def _with_their_parents(features: Json) -> Json:
    """Without those flags that wait for one that clients do not get, or for such a flag."""
    kept = {
        key: feature
        for key, feature in features.items()
        if all(
            parent["id"] in features
            for rule in feature["rules"]
            for parent in rule.get("parentConditions") or ()
        )
    }
    return kept if len(kept) == len(features) else _with_their_parents(kept)
