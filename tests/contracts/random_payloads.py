"""Random payloads and learners for the differential tests, in the words of the specification."""

from typing import Any

from hypothesis import strategies as st

LETTERS = st.characters(exclude_categories=["Cs"])
ids = st.text(LETTERS, min_size=1, max_size=24)
seeds = st.text(LETTERS, min_size=1, max_size=12)
roles = st.sampled_from(["sales", "support", "Sales", "", "ops"])
versions = st.sampled_from(["1.2.3", "v1.2.3", "1.2.3-rc.1", "1.10.0", "2.0", "1.2.3+b7", "0", ""])
numbers = st.integers(-20, 20) | st.sampled_from([0.5, 2.5, 1e6])
tags = st.lists(st.sampled_from(["a", "b", "c", 1, 2]), max_size=4)
tags_and_gaps = st.lists(st.sampled_from(["a", "b", "", 1, None]), max_size=4)
like_numbers = st.sampled_from(
    [
        "",
        " ",
        "7",
        "07",
        " 7 ",
        "-2.5",
        "1e1",
        "inf",
        "-inf",
        "infinity",
        "nan",
        "NaN",
        "seven",
        "1_0",
    ]
)
shares = st.integers(0, 100).map(lambda percent: percent / 100)


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


described = {
    "team": ids | st.integers(1, 10**6),
    "role": roles,
    "age": numbers,
    "tags": tags_and_gaps,
    "app": versions,
    "pilot": st.booleans(),
    "course": st.fixed_dictionaries({"level": numbers, "topic": roles}),
    "courses": st.lists(
        st.fixed_dictionaries({"level": numbers, "topic": roles, "tags": tags}),
        min_size=1,
        max_size=3,
    ),
    "score": like_numbers,
}
odd = {
    "app": versions | numbers | st.booleans() | st.none() | st.just([]),
    "pilot": st.booleans() | st.sampled_from(["", "no", 0, 1]) | st.none(),
    "role": roles | st.booleans() | numbers | st.none(),
    "age": numbers | like_numbers | st.booleans() | st.none(),
}
"""Of types that conditions do not expect: JavaScript converts them, the Python SDK does not."""

attributes = st.fixed_dictionaries(
    {"id": ids},
    optional=described | {name: described[name] | other for name, other in odd.items()},
)
complete_attributes = st.fixed_dictionaries({"id": ids} | described)
"""The Python SDK orders nothing that is missing; JavaScript counts it as 0."""

ordering = st.sampled_from(["$lt", "$lte", "$gt", "$gte"])
on_numbers = (
    numbers
    | st.dictionaries(ordering | st.sampled_from(["$eq", "$ne"]), numbers, min_size=1, max_size=2)
    | st.fixed_dictionaries({"$in": st.lists(numbers, max_size=4)})
    | st.fixed_dictionaries({"$nin": st.lists(numbers, max_size=4)})
)
on_texts = (
    roles
    | st.dictionaries(st.sampled_from(["$eq", "$ne"]) | ordering, roles, min_size=1, max_size=2)
    | st.fixed_dictionaries({"$in": st.lists(roles, max_size=3)})
    | st.fixed_dictionaries({"$nini": st.lists(roles, max_size=3)})
    | st.fixed_dictionaries({"$ini": st.lists(roles, max_size=3)})
    | st.fixed_dictionaries({"$regex": st.sampled_from(["^s", "a.e", "s$", "^(ops|sales)$"])})
    | st.fixed_dictionaries({"$regexi": st.sampled_from(["^S", "A.E"])})
    | st.sampled_from([{"$inGroup": "pilots"}, {"$notInGroup": "pilots"}, {"$inGroup": "none"}])
)
on_tag = st.sampled_from(["a", "b", "", 1])
on_one_tag = (
    on_tag
    | st.dictionaries(st.sampled_from(["$eq", "$ne"]), on_tag, min_size=1, max_size=2)
    | st.fixed_dictionaries({"$in": tags})
    | st.fixed_dictionaries({"$exists": st.booleans()})
    | st.fixed_dictionaries({"$type": st.sampled_from(["string", "number", "null"])})
)
on_length = st.integers(0, 4) | st.dictionaries(ordering, st.integers(0, 4), min_size=1)
on_tags = (
    st.fixed_dictionaries({"$in": tags})
    | st.fixed_dictionaries({"$all": tags})
    | st.fixed_dictionaries({"$size": st.integers(0, 4)})
    | st.fixed_dictionaries({"$size": st.fixed_dictionaries({"$gt": st.integers(0, 4)})})
    | st.fixed_dictionaries({"$elemMatch": st.fixed_dictionaries({"$eq": st.sampled_from("ab")})})
    | st.fixed_dictionaries({"$elemMatch": st.fixed_dictionaries({"$not": on_one_tag})})
)
on_courses = st.fixed_dictionaries(
    {
        "$elemMatch": st.fixed_dictionaries(
            {}, optional={"level": on_numbers, "topic": on_texts, "tags.0": on_one_tag}
        )
    }
)
on_versions = st.dictionaries(
    st.sampled_from(["$veq", "$vne", "$vlt", "$vlte", "$vgt", "$vgte"]),
    versions,
    min_size=1,
    max_size=2,
)
exists = st.fixed_dictionaries({"$exists": st.booleans()})
kinds = st.sampled_from(["string", "number", "array", "object", "boolean"])


def negatable(part: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return part | st.fixed_dictionaries({"$not": part})


plain_entries: dict[str, st.SearchStrategy[Any]] = dict(
    role=negatable(on_texts) | exists,
    age=negatable(on_numbers) | exists,
    tags=negatable(on_tags) | exists,
    app=on_versions | st.fixed_dictionaries({"$type": kinds}),
    pilot=st.booleans() | exists,
    courses=negatable(on_courses) | exists,
    score=on_texts | exists,
    **{
        "course.level": on_numbers,
        "course.topic": on_texts,
        "tags.0": negatable(on_one_tag),
        "tags.3": on_one_tag,
        "tags.01": exists,
        "tags.length": on_length,
        "courses.0.level": on_numbers,
        "courses.0.topic": negatable(on_texts),
        "courses.0.tags.1": on_one_tag,
    },
)


def combined(entries: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Conditions of such entries, and their combinations; few entries, so that some hold."""
    one = st.sampled_from(sorted(entries)).flatmap(
        lambda name: st.fixed_dictionaries({name: entries[name]})
    )
    few = st.lists(one, max_size=3).map(
        lambda parts: {k: v for part in parts for k, v in part.items()}
    )
    return st.recursive(
        few,
        lambda inner: (
            st.fixed_dictionaries({"$and": st.lists(inner, max_size=3)})
            | st.fixed_dictionaries({"$or": st.lists(inner, max_size=3)})
            | st.fixed_dictionaries({"$nor": st.lists(inner, max_size=3)})
            | st.fixed_dictionaries({"$not": inner})
        ),
        max_leaves=4,
    )


conditions = combined(plain_entries)
odd_conditions = combined(
    plain_entries
    | {
        "score": negatable(on_numbers | on_texts) | on_versions,
        "age": negatable(on_numbers | on_texts),
        "role": negatable(on_texts | on_numbers | on_versions),
        "app": on_versions | on_numbers,
    }
)

ranges = st.tuples(shares, shares).map(sorted)
filters = st.lists(
    st.fixed_dictionaries(
        {"seed": seeds, "ranges": st.lists(ranges, min_size=1, max_size=2)},
        optional={"hashVersion": st.sampled_from([1, 2]), "attribute": st.just("team")},
    ),
    min_size=1,
    max_size=2,
)
attribute_names = st.sampled_from(["id", "team"])
values = st.sampled_from(["plain", "bonus", "badge", 0, 1, 2.5, True, {"badges": 3}, ["x"]])
parents = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.sampled_from(["f0", "f1", "f2", "f3", "missing"]),
            "condition": st.fixed_dictionaries(
                {
                    "value": st.sampled_from(["plain", "bonus", 1, True]).map(
                        lambda one: {"$eq": one}
                    )
                }
            )
            | st.just({"value": {"$exists": True}}),
        },
        optional={"gate": st.booleans()},
    ),
    min_size=1,
    max_size=2,
)


@st.composite
def experiment_rules(draw: st.DrawFn) -> dict[str, Any]:
    n = draw(st.integers(2, 5))
    parts = draw(st.lists(st.integers(1, 9), min_size=n, max_size=n))
    rule = draw(
        optional(
            key=seeds,
            seed=seeds,
            hashAttribute=attribute_names,
            hashVersion=st.sampled_from([1, 2]),
            coverage=shares,
            condition=conditions,
            namespace=st.tuples(seeds, shares, shares).map(list),
            filters=filters,
            parentConditions=parents,
            phase=st.sampled_from(["0", "1"]),
            weights=st.just([part / sum(parts) for part in parts]),
            ranges=st.lists(ranges, min_size=n, max_size=n),
        )
    )
    metas = [{"key": f"variant-{number}"} for number in range(n)]
    if draw(st.booleans()):
        metas[draw(st.integers(0, n - 1))]["passthrough"] = True
    return rule | {
        "variations": draw(st.lists(values, min_size=n, max_size=n)),
        "meta": metas,
    }


force_rules = st.fixed_dictionaries(
    {"force": values},
    optional={
        "condition": conditions,
        "seed": seeds,
        "range": ranges,
        "hashAttribute": attribute_names,
        "hashVersion": st.sampled_from([1, 2]),
        "filters": filters,
        "parentConditions": parents,
    },
)
features = st.fixed_dictionaries(
    {"defaultValue": values | st.none()},
    optional={"rules": st.lists(force_rules | experiment_rules(), max_size=3)},
)
payloads = st.fixed_dictionaries(
    {
        "features": st.fixed_dictionaries({f"f{number}": features for number in range(4)}),
        "savedGroups": st.fixed_dictionaries({"pilots": st.lists(roles, max_size=3)}),
    }
)
"""Coverage of force rules is left out: see docs/assignment.md on the last bucket."""

sticky_rules = st.fixed_dictionaries(
    {
        "key": st.just("x"),
        "variations": st.just(["plain", "bonus", "badge"]),
        "meta": st.just([{"key": "a"}, {"key": "b"}, {"key": "c"}]),
    },
    optional={
        "coverage": shares,
        "condition": conditions,
        "namespace": st.tuples(seeds, shares, shares).map(list),
        "filters": filters,
        "fallbackAttribute": st.just("team"),
        "disableStickyBucketing": st.booleans(),
        "bucketVersion": st.integers(0, 2),
        "minBucketVersion": st.integers(0, 2),
        "hashVersion": st.sampled_from([1, 2]),
    },
)
slots = st.sampled_from(["x__0", "x__1", "x__2", "y__0"])
memories = st.dictionaries(slots, st.sampled_from(["a", "b", "c", "gone"]), max_size=3)
visitors = optional(id=ids, team=ids, role=roles)
urls = st.sampled_from(["", "", "/?x=1", "/?x=9", "/?y=1&x=2#top"])
forced = st.just({}) | st.fixed_dictionaries({"x": st.integers(-1, 3)})
