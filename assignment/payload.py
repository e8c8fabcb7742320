"""Reading a compiled payload. Errors name the JSON path; fields that nobody knows are ignored."""

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NoReturn

from .bucketing import Range, RingFilter, bucket_ranges, namespace_filter
from .conditions import build_condition
from .errors import InvalidPayload
from .evaluation import Evaluation
from .hashing import Hasher, build_hasher
from .rules import ExperimentRule, Flag, ForceRule, Payload, Prerequisite, Rule
from .standing import GIVEN, About, build_answers, read_marker
from .values import text_or

FEWEST_VARIANTS: Final = 2
NAMESPACE_PARTS: Final = 3
MOST_VERSIONS: Final = 1_000
"""Each blocked version is looked up for each learner; nobody restarts an experiment as often."""

Json = Mapping[Any, Any]
Groups = Mapping[str, Sequence[Any]]


def parse_payload(data: Any, *, lenient: bool = False) -> Payload:
    """A payload ready to be evaluated, from the JSON that the server delivers.

    Args:
        data: the decoded JSON, ``{"features": {...}, "savedGroups": {...}, "momentum": {...}}``.
        lenient: keep the good flags when one is broken (an SDK wants that); the broken one
            evaluates to its default with the reason "error" and is listed in `broken`.

    Raises:
        InvalidPayload: the payload (or, unless lenient, one of its flags) makes no sense.

    Example:
        >>> parse_payload({"features": {"new-home": {"defaultValue": False}}}).flags.keys()
        dict_keys(['new-home'])
    """
    whole = _mapping(data, "$", '{"features": {...}}')
    features = _mapping(whole.get("features"), "features", '{"new-home": {"defaultValue": false}}')
    groups = _groups(whole.get("savedGroups"))
    about = whole.get("momentum")
    about = about if isinstance(about, Mapping) else {}
    flags: dict[str, Flag] = {}
    broken: dict[str, str] = {}
    for key, feature in features.items():
        try:
            flags[key] = _Reader(str(key), groups).flag(feature)
        except InvalidPayload as error:
            if not lenient:
                raise
            broken[key] = str(error)
            flags[key] = _broken_flag(str(key), feature)
    return Payload(
        flags=MappingProxyType(flags),
        environment=text_or(about.get("environment"), ""),
        version=about["version"] if type(about.get("version")) is int else 0,
        broken=MappingProxyType(broken),
        groups=groups,
    )


class _Reader:
    """Reads one feature; knows its key and where it stands."""

    def __init__(self, key: str, groups: Groups) -> None:
        self._key = key
        self._groups = groups
        self._path = f"features.{key}"

    def flag(self, feature: Any) -> Flag:
        feature = _mapping(feature, self._path, '{"defaultValue": false, "rules": []}')
        about = About.of(feature)
        rules = feature.get("rules")
        if rules is None:
            rules = ()
        if not isinstance(rules, list | tuple):
            _refuse(f"{self._path}.rules", rules, 'a list of rules, such as [{"force": true}]')
        read = [
            self._rule(_mapping(rule, f"{self._path}.rules[{index}]", '{"force": true}'), index)
            for index, rule in enumerate(rules)
        ]
        return Flag(
            key=self._key,
            rules=tuple(rule for rule in read if rule is not None),
            answers=build_answers(self._key, feature.get("defaultValue"), about),
            enabled=about.enabled,
        )

    def _rule(self, rule: Json, index: int) -> Rule | None:
        if "force" in rule:
            return self._force(rule, index)
        return self._experiment(rule, index) if "variations" in rule else None

    def _common(self, rule: Json, index: int, *, attribute: str, seed: str) -> dict[str, Any]:
        path = f"{self._path}.rules[{index}]"
        condition = rule.get("condition")
        if condition is not None:
            _mapping(condition, f"{path}.condition", '{"role": "seller"}')
        return {
            "index": index,
            "targets": build_condition(condition, self._groups) if condition else None,
            "prerequisites": self._prerequisites(rule.get("parentConditions"), path),
            "attribute": attribute,
            "place": _hasher(rule.get("hashVersion"), seed, f"{path}.hashVersion", default=1),
            "seed": seed,
            "hash_version": rule.get("hashVersion") or 1,
            "fallback": text_or(rule.get("fallbackAttribute"), ""),
            "remembers": rule.get("disableStickyBucketing") is not True,
            "condition": condition or None,
        }

    def _force(self, rule: Json, index: int) -> ForceRule:
        path = f"{self._path}.rules[{index}]"
        common = self._common(
            rule,
            index,
            attribute=text_or(rule.get("hashAttribute"), "") or "id",
            seed=text_or(rule.get("seed"), "") or self._key,
        )
        variant, reason, holdout = read_marker(rule.get("momentum"))
        answer = Evaluation(
            value=rule["force"],
            variant=variant,
            reason=reason,
            rule=index,
            experiment=None if variant is None else self._key,
            unit_attribute=common["attribute"] if reason in GIVEN else "id",
        )
        return ForceRule(
            **common,
            filters=_filters(rule.get("filters"), f"{path}.filters"),
            answer=answer,
            covers=_coverage_test(rule, path),
            holdout=holdout,
        )

    def _experiment(self, rule: Json, index: int) -> ExperimentRule:
        path = f"{self._path}.rules[{index}]"
        variants = rule["variations"]
        if not isinstance(variants, list | tuple):
            _refuse(f"{path}.variations", variants, 'a list of payloads, such as ["a", "b"]')
        experiment = text_or(rule.get("key"), "") or self._key
        attribute = text_or(rule.get("hashAttribute"), "") or "id"
        seed = text_or(rule.get("seed"), "") or experiment
        metas = _metas(rule.get("meta"), len(variants))
        answers = tuple(
            Evaluation(
                value=payload,
                variant=text_or(meta.get("key"), "") or str(number),
                reason="split",
                rule=index,
                in_experiment=True,
                experiment=experiment,
                unit_attribute=attribute,
                phase=str(rule.get("phase", "")),
            )
            for number, (payload, meta) in enumerate(zip(variants, metas, strict=True))
        )
        return ExperimentRule(
            **self._common(rule, index, attribute=attribute, seed=seed),
            filters=_rings(rule, path),
            ranges=_variant_ranges(rule, len(variants), path),
            answers=answers,
            passes_through=frozenset(
                number for number, meta in enumerate(metas) if meta.get("passthrough") is True
            ),
            bucket_version=_whole(rule.get("bucketVersion")),
            min_bucket_version=min(_whole(rule.get("minBucketVersion")), MOST_VERSIONS),
        )

    def _prerequisites(self, parents: Any, path: str) -> tuple[Prerequisite, ...]:
        if parents is None:
            return ()
        if not isinstance(parents, list | tuple):
            _refuse(f"{path}.parentConditions", parents, '[{"id": "flag", "condition": {...}}]')
        return tuple(
            self._prerequisite(parent, f"{path}.parentConditions[{number}]")
            for number, parent in enumerate(parents)
        )

    def _prerequisite(self, parent: Any, path: str) -> Prerequisite:
        parent = _mapping(parent, path, '{"id": "flag", "condition": {"value": true}}')
        flag = parent.get("id")
        if not isinstance(flag, str) or not flag:
            _refuse(f"{path}.id", flag, "the key of another flag, such as new-home")
        return Prerequisite(
            flag=flag,
            fits=build_condition(parent.get("condition", {}), self._groups),
            is_gate=parent.get("gate") is True,
        )


def _broken_flag(key: str, feature: Any) -> Flag:
    known: Json = feature if isinstance(feature, Mapping) else {}
    answers = build_answers(key, known.get("defaultValue"), About.of(known))
    return Flag(key=key, rules=(), answers=MappingProxyType({"default": answers["error"]}))


def _rings(rule: Json, path: str) -> tuple[RingFilter, ...]:
    """Filters, or else the namespace: the specification lets the first win."""
    filters = _filters(rule.get("filters"), f"{path}.filters")
    namespace = rule.get("namespace")
    if filters or namespace is None:
        return filters
    path = f"{path}.namespace"
    if not isinstance(namespace, list | tuple) or len(namespace) != NAMESPACE_PARTS:
        _refuse(path, namespace, 'a name, a start and an end, such as ["onboarding", 0, 0.5]')
    name, low, high = namespace
    if not isinstance(name, str):
        _refuse(f"{path}[0]", name, "a text, such as onboarding")
    return (namespace_filter(name, _number(low, f"{path}[1]"), _number(high, f"{path}[2]")),)


def _filters(filters: Any, path: str) -> tuple[RingFilter, ...]:
    if filters is None:
        return ()
    if not isinstance(filters, list | tuple):
        _refuse(path, filters, 'a list such as [{"seed": "onboarding", "ranges": [[0, 0.5]]}]')
    return tuple(_filter(item, f"{path}[{number}]") for number, item in enumerate(filters))


def _filter(item: Any, path: str) -> RingFilter:
    item = _mapping(item, path, '{"seed": "onboarding", "ranges": [[0, 0.5]]}')
    seed = item.get("seed")
    if not isinstance(seed, str):
        _refuse(f"{path}.seed", seed, "a text, such as onboarding")
    place = _hasher(item.get("hashVersion"), seed, f"{path}.hashVersion", default=2)
    ranges = _ranges(item.get("ranges"), f"{path}.ranges")
    return RingFilter(
        place=place or (lambda _unit: -1.0),  # outside every range: nobody is admitted
        ranges=ranges,
        attribute=text_or(item.get("attribute"), "") or "id",
        seed=seed,
        hash_version=item.get("hashVersion") or 2,
    )


def _variant_ranges(rule: Json, n_variants: int, path: str) -> tuple[Range, ...]:
    if n_variants < FEWEST_VARIANTS:
        return ()  # nothing to compare: nobody is in the experiment
    if rule.get("ranges") is not None:
        ranges = _ranges(rule["ranges"], f"{path}.ranges")
        if len(ranges) > n_variants:
            _refuse(f"{path}.ranges", rule["ranges"], f"at most {n_variants} ranges")
        return ranges
    coverage = rule.get("coverage")
    weights = rule.get("weights")
    if weights is not None:
        if not isinstance(weights, list | tuple):
            _refuse(f"{path}.weights", weights, "a list of shares, such as [0.5, 0.5]")
        weights = [_number(item, f"{path}.weights[{n}]") for n, item in enumerate(weights)]
    share = 1.0 if coverage is None else _number(coverage, f"{path}.coverage")
    return bucket_ranges(n_variants, share, weights)


def _ranges(ranges: Any, path: str) -> tuple[Range, ...]:
    if not isinstance(ranges, list | tuple):
        _refuse(path, ranges, "a list of ranges, such as [[0, 0.5], [0.5, 1]]")
    return tuple(_range(item, f"{path}[{number}]") for number, item in enumerate(ranges))


def _range(item: Any, path: str) -> Range:
    if not isinstance(item, list | tuple) or len(item) != 2:
        _refuse(path, item, "a start and an end, such as [0, 0.5]")
    return _number(item[0], f"{path}[0]"), _number(item[1], f"{path}[1]")


def _coverage_test(rule: Json, path: str) -> Callable[[float], bool] | None:
    if rule.get("range") is not None:
        low, high = _range(rule["range"], f"{path}.range")
        return lambda place: low <= place < high
    if rule.get("coverage") is None:
        return None
    coverage = _number(rule["coverage"], f"{path}.coverage")
    if coverage <= 0:
        return lambda _place: False  # a place of exactly 0 must not slip in
    return lambda place: place <= coverage


def _metas(metas: Any, n_variants: int) -> list[Json]:
    given = metas if isinstance(metas, list | tuple) else ()
    known = [meta if isinstance(meta, Mapping) else {} for meta in given[:n_variants]]
    return known + [{}] * (n_variants - len(known))


def _hasher(version: Any, seed: str, path: str, *, default: int) -> Hasher | None:
    if version is None:
        version = default
    if isinstance(version, bool) or not isinstance(version, int):
        _refuse(path, version, "1 or 2")
    return build_hasher(seed, version or default)


def _groups(groups: Any) -> Groups:
    if groups is None:
        return {}
    named = _mapping(groups, "savedGroups", '{"pilot": ["learner-1"]}')
    for name, members in named.items():
        if not isinstance(members, list | tuple):
            _refuse(f"savedGroups.{name}", members, 'a list, such as ["learner-1"]')
    return named


def _mapping(value: Any, path: str, example: str) -> Json:
    if not isinstance(value, Mapping):
        _refuse(path, value, f"an object, such as {example}")
    return value


def _number(value: Any, path: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        _refuse(path, value, "a number from 0 to 1, such as 0.4 for 40 %")
    return value


def _whole(value: Any) -> int:
    return value if type(value) is int else 0


def _refuse(path: str, found: Any, expected: str) -> NoReturn:
    raise InvalidPayload(path, found, expected)
