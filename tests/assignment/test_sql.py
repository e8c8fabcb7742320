import duckdb
import pyarrow as pa
import pytest

from assignment import AssignmentError
from assignment.hashing import build_hasher
from assignment.sql import place_sql

ODD = ["", "léa", "学习者", "a🎓b", "🎓", "é" * 50, "o'brien", '"', "%", "\n", "9" * 40]


@pytest.mark.parametrize(
    ("version", "n"), [(1, 5_000), (2, 5_000), pytest.param(2, 100_000, marks=pytest.mark.slow)]
)
def test_place_sql__many_ids__is_the_scalar_path(version: int, n: int) -> None:
    ids = ODD + [f"learner-{number}" for number in range(n - len(ODD))]
    place = build_hasher("reward's-🎓", version)
    assert place is not None

    expression = place_sql("learner", "reward's-🎓", version)
    with duckdb.connect() as database:
        database.register("learners", pa.table({"learner": ids}))
        sql = f"SELECT {expression} AS place FROM learners"
        found = database.execute(sql).to_arrow_table()["place"].to_pylist()

    assert found == [place(one) for one in ids]


def test_place_sql__seed__cannot_leave_its_place() -> None:
    assert "DROP" not in place_sql("learner", "'); DROP TABLE learners; --")


def test_place_sql__unknown_version__says_what_is_right() -> None:
    with pytest.raises(AssignmentError, match="expected 1 or 2"):
        place_sql("learner", "seed", 3)
