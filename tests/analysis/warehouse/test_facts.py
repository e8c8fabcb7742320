"""A company's facts beside the lake's exposures."""

from dataclasses import replace

import pytest

from analysis.collect import collect
from analysis.lake.reader import Lake
from analysis.read import run_readout
from analysis.warehouse import tables
from analysis.warehouse.connect import Limits, WarehouseError
from analysis.warehouse.facts import wanted_facts, with_facts
from analysis.warehouse.mapping import parse_mapping
from analysis.warehouse.tables import Reading
from analysis.warehouse.warehouse import Warehouse
from tests.analysis.warehouse import worlds
from tests.analysis.warehouse.comparing import differences, plain

KEYS = ("quizzes", "sold", "seller", "each", "middle")
METRICS = tuple(
    replace(metric, role="primary" if metric.key == "quizzes" else "secondary")
    for metric in worlds.METRICS
    if metric.key in KEYS
)
PLAN = worlds.plan(metrics=METRICS, take_up_kinds=())
SALES = {"events": [worlds.MAPPING["events"][1]]}


def pseudonym(learner):
    return f"hidden-{learner}"


def hidden(rows):
    """The rows as the lake has them."""
    found = []
    for row in rows:
        unit = {"unit": pseudonym(row["unit"])} if "unit" in row else {}
        found.append({**row, "learner": pseudonym(row["learner"]), **unit})
    return found


@pytest.fixture(scope="module")
def lakes(tmp_path_factory):
    """A lake without sales, and the readout of one with them."""
    made = worlds.world()
    known = replace(
        made, exposures=hidden(made.exposures), learners=hidden(made.learners), outcomes=[]
    )
    everything = hidden(made.events)
    without = [row for row in everything if row["kind"] != "sale"]
    whole = worlds.lake_of(str(tmp_path_factory.mktemp("whole")), replace(known, events=everything))
    lake = worlds.lake_of(str(tmp_path_factory.mktemp("lake")), replace(known, events=without))
    return lake.root, plain(run_readout(PLAN, whole, None, collect))


@pytest.fixture(params=["duckdb", "postgresql"])
def company(request, tmp_path):
    """The company's tables of sales, with its own ids."""
    mapping = SALES
    if request.param == "duckdb":
        url = worlds.fill_duckdb(tmp_path / "company.duckdb", worlds.world())
    else:
        url = request.getfixturevalue("postgresql_url")
        worlds.fill_postgresql(url, worlds.world(), "beside")
        mapping = worlds.in_schema(SALES, "beside")
    with Warehouse.open(
        url, parse_mapping(mapping)[0], Reading("points"), Limits(tmp_path)
    ) as opened:
        yield opened


def test_readout__of_facts_beside_the_lake__is_that_of_a_lake_with_them(lakes, company):
    root, wanted = lakes

    joined = with_facts(PLAN, Lake.open(root), company, pseudonym)
    found = plain(run_readout(PLAN, joined, None, collect))

    assert differences(wanted, found) == []
    held = joined.facts.select("learner").distinct().to_pyarrow().to_pylist()
    assert all(row["learner"].startswith("hidden-ann") for row in held), "strangers are not held"


def test_facts__of_a_plan__are_only_its_kinds_and_times(company):
    events = tables.events(company.connection, company.mapping)
    none = replace(PLAN, metrics=tuple(m for m in METRICS if m.key == "quizzes"))

    assert wanted_facts(none, events).count().to_pyarrow().as_py() == 0
    n_wanted = wanted_facts(PLAN, events).count().to_pyarrow().as_py()
    assert 0 < n_wanted < events.count().to_pyarrow().as_py()


def test_facts__beside_a_lake_that_another_engine_reads__are_refused(lakes, company):
    root, _ = lakes
    lake = replace(Lake.open(root), engine="elsewhere")

    with pytest.raises(WarehouseError, match="not read by the engine duckdb"):
        with_facts(PLAN, lake, company, pseudonym)
