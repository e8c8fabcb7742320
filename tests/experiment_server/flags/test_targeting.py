import pytest

from assignment.operators import OPERATORS
from experiment_server.flags.targeting import OPERANDS, check_condition
from experiment_server.problems import Problem


def test_operands__every_operator_of_the_engine__has_a_row():
    assert set(OPERANDS) == set(OPERATORS)


@pytest.mark.parametrize(
    "condition",
    [
        {},
        {"role": "seller"},
        {"role": {"$in": ["seller", "coach"]}, "age": {"$gte": 18, "$lt": 99}},
        {"$or": [{"role": "seller"}, {"$not": {"region": {"$regex": "^north"}}}]},
        {"tags": {"$elemMatch": {"$eq": "new"}}},
        {"tags": {"$size": {"$gt": 2}}},
        {"app": {"$vgte": "2.1.0"}, "team": {"$exists": True}},
        {"role": {"$not": {"$in": ["guest"]}}},
        {"address": {"city": "Ghent"}},
    ],
)
def test_condition__that_can_fit_somebody__is_accepted(condition):
    check_condition(condition, "condition")


@pytest.mark.parametrize(
    ("condition", "field"),
    [
        ({"$or": 3}, "condition.$or"),
        ({"$or": []}, "condition.$or"),
        ({"$and": [{"role": {"$in": "seller"}}]}, "condition.$and[0].role.$in"),
        ({"role": {"$in": []}}, "condition.role.$in"),
        ({"role": {"$inn": ["x"]}}, "condition.role.$inn"),
        ({"$role": "seller"}, "condition.$role"),
        ({"role": {"$regex": "("}}, "condition.role.$regex"),
        ({"role": {"$inGroup": "pilots"}}, "condition.role.$inGroup"),
        ({"role": {"$eq": ["seller"]}}, "condition.role.$eq"),
        ({"role": {"$not": {"$in": 1}}}, "condition.role.$not.$in"),
        ({"$not": "seller"}, "condition.$not"),
    ],
)
def test_condition__that_could_fit_nobody__is_refused_by_its_path(condition, field):
    with pytest.raises(Problem) as caught:
        check_condition(condition, "condition")

    assert [error.field for error in caught.value.errors] == [field]


def test_condition__nested_too_deeply__is_refused():
    condition = {"role": "seller"}
    for _ in range(20):
        condition = {"$and": [condition]}

    with pytest.raises(Problem, match="at most 10 levels"):
        check_condition(condition, "condition")
