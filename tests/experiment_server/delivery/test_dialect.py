"""GrowthBook SDKs are told conditions in operators that all of them know."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assignment.conditions import build_condition
from experiment_server.delivery.dialect import plain_condition
from experiment_server.delivery.protect import plain_growthbook


@pytest.mark.parametrize(
    ("condition", "plain"),
    [
        ({}, {}),
        ({"role": "seller"}, {"role": "seller"}),
        ({"role": {"level": 1}}, {"role": {"level": 1}}),
        ({"role": {"$notRegex": "^a"}}, {"role": {"$not": {"$regex": "^a"}}}),
        ({"role": {"$notRegexi": "^a"}}, {"role": {"$not": {"$regexi": "^a"}}}),
        (
            {"role": {"$ne": "b", "$notRegex": "^a"}, "age": 3},
            {"role": {"$ne": "b", "$not": {"$regex": "^a"}}, "age": 3},
        ),
        (
            {"role": {"$notRegex": "a", "$not": {"$eq": "b"}}, "age": 3},
            {
                "$and": [
                    {"role": {"$not": {"$regex": "a"}}},
                    {"role": {"$not": {"$eq": "b"}}},
                    {"age": 3},
                ]
            },
        ),
        (
            {"$or": [{"role": {"$notRegex": "a"}}], "$not": {"role": {"$notRegexi": "b"}}},
            {
                "$or": [{"role": {"$not": {"$regex": "a"}}}],
                "$not": {"role": {"$not": {"$regexi": "b"}}},
            },
        ),
        (
            {"role": {"$not": {"$notRegex": "a"}}},
            {"role": {"$not": {"$not": {"$regex": "a"}}}},
        ),
        (
            {"tags": {"$elemMatch": {"$notRegex": "a"}}},
            {"tags": {"$elemMatch": {"$not": {"$regex": "a"}}}},
        ),
        (
            {"tags": {"$elemMatch": {"name": {"$notRegex": "a"}}}},
            {"tags": {"$elemMatch": {"name": {"$not": {"$regex": "a"}}}}},
        ),
    ],
)
def test_plain_condition__negated_patterns__are_said_by_not(condition, plain):
    assert plain_condition(condition) == plain


TEXTS = st.sampled_from(["a", "b", "Ab", ""])
ON_TEXT = st.recursive(
    st.dictionaries(
        st.sampled_from(["$regex", "$notRegex", "$notRegexi", "$eq"]), TEXTS, min_size=1
    ),
    lambda inner: st.fixed_dictionaries(
        {"$not": inner}, optional={"$notRegex": TEXTS, "$ne": TEXTS}
    ),
    max_leaves=3,
)
CONDITIONS = st.recursive(
    st.dictionaries(st.sampled_from(["role", "tags.0"]), ON_TEXT | TEXTS)
    | st.fixed_dictionaries({"tags": st.fixed_dictionaries({"$elemMatch": ON_TEXT})}),
    lambda inner: (
        st.dictionaries(st.sampled_from(["$and", "$or", "$nor"]), st.lists(inner, max_size=2))
        | st.fixed_dictionaries({"$not": inner})
    ),
    max_leaves=4,
)
ATTRIBUTES = st.fixed_dictionaries({}, optional={"role": TEXTS, "tags": st.lists(TEXTS)})


@given(CONDITIONS, ATTRIBUTES)
def test_plain_condition__of_any_condition__fits_the_same_learners(condition, attributes):
    plain = plain_condition(condition)

    assert build_condition(plain, {})(attributes) == build_condition(condition, {})(attributes)


def test_growthbook_payload__with_a_negated_pattern__has_none():
    rules = [{"condition": {"role": {"$notRegex": "^a"}}, "force": 1}, {"force": 2}]
    payload = {"features": {"f": {"rules": rules}}, "savedGroups": {}, "dateUpdated": "now"}

    shown = plain_growthbook(payload)

    assert shown["features"]["f"]["rules"][0]["condition"] == {"role": {"$not": {"$regex": "^a"}}}
    assert "$notRegex" not in json.dumps(shown)
