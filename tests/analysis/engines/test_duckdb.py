import json

import pyarrow as pa
import pyarrow.parquet as pq

from analysis.engines import connect

EVENTS = pa.schema([("learner", pa.string()), ("kind", pa.string())])


def scanned(plan):
    """The tables that a plan's branch reads."""
    here = plan["extra_info"].get("Table")
    return {here} if here else {"events"} if "PARQUET" in plan["name"] else set().union(
        *(scanned(child) for child in plan["children"])
    )  # fmt: skip


def joins(plan):
    found = [plan] if plan["name"].strip() == "HASH_JOIN" else []
    return found + [each for child in plan["children"] for each in joins(child)]


def test_connect__a_join_with_learners_of_ours__keeps_learners_in_memory(tmp_path):
    path = tmp_path / "day=2026-01-05" / "part.parquet"
    path.parent.mkdir()
    pq.write_table(pa.table({"learner": ["a"], "kind": ["sale"]}, schema=EVENTS), path)
    session = connect({"events": [str(path)]}, {"events": EVENTS})
    session.raw_sql("CREATE TEMP TABLE people AS SELECT range::VARCHAR AS who FROM range(50000)")

    query = "SELECT kind, count(*) FROM events JOIN people ON learner = who GROUP BY kind"
    ((_, plan),) = session.con.execute(f"EXPLAIN (FORMAT json) {query}").fetchall()

    (join,) = [each for root in json.loads(plan) for each in joins(root)]
    kept_in_memory = scanned(join["children"][1])
    assert "events" not in kept_in_memory
    assert len(kept_in_memory) == 1
