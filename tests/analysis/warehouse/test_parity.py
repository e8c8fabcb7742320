"""The same experiment read from a lake, from a DuckDB file and from PostgreSQL's tables."""

import pytest

from analysis.energize.norms import calibrate, starting_norms
from analysis.read import run_readout
from analysis.warehouse.collect import collect
from analysis.warehouse.connect import Limits
from analysis.warehouse.mapping import parse_mapping
from analysis.warehouse.tables import Reading
from analysis.warehouse.warehouse import Warehouse
from tests.analysis.lakes import START
from tests.analysis.warehouse import worlds
from tests.analysis.warehouse.comparing import differences, plain

NORMS = starting_norms(START)


@pytest.fixture(scope="module", params=["learner", "team"])
def from_lake(request, tmp_path_factory):
    """What randomised which units, the plan, and the readout of the lake."""
    metrics = [
        metric
        for metric in worlds.METRICS
        if request.param == "learner" or metric.key in worlds.FOR_TEAMS
    ]
    plan = worlds.plan(request.param, tuple(metrics))
    root = str(tmp_path_factory.mktemp("lake"))
    lake = worlds.lake_of(root, worlds.world(request.param))
    return request.param, plan, plain(run_readout(plan, lake, NORMS))


@pytest.fixture(params=["duckdb", "postgresql"])
def warehouse(request, from_lake, tmp_path):
    """The same world in a company's own tables."""
    unit_kind, _, _ = from_lake
    made, mapping = worlds.world(unit_kind), worlds.MAPPING
    if request.param == "duckdb":
        url = worlds.fill_duckdb(tmp_path / "company.duckdb", made)
    else:
        url = request.getfixturevalue("postgresql_url")
        schema = f"parity_{unit_kind}"
        worlds.fill_postgresql(url, made, schema)
        mapping = worlds.in_schema(mapping, schema)
    with Warehouse.open(
        url, parse_mapping(mapping)[0], Reading("points", unit_kind), Limits(tmp_path)
    ) as opened:
        yield opened


def test_readout__of_a_companys_own_tables__is_that_of_the_lake(from_lake, warehouse):
    _, plan, wanted = from_lake

    found = plain(run_readout(plan, warehouse, NORMS, collect))

    assert differences(wanted, found) == []
    estimated = {each["metric"] for metric in found["metrics"] for each in metric["estimates"]}
    assert estimated == {metric.key for metric in plan.metrics}


def test_calibrate__a_companys_own_tables__gives_norms(from_lake, warehouse):
    _, plan, _ = from_lake

    found = calibrate(warehouse, plan.started_at)

    assert found.n_learners > worlds.N * 0.9
    assert set(found.half_saturation) >= {"active_days", "challenges", "claims", "peer_actions"}
