"""Every engine says the same: readouts, the five questions, and the past that plans are made of.

One module, so that one cluster serves all of it.
"""

import gc
import json
import math
from dataclasses import replace

import pytest

from analysis.batches import collect_batches
from analysis.energize.norms import existing_weights, starting_norms
from analysis.energize.validity import validate
from analysis.engines import spark
from analysis.engines.java import java_home
from analysis.engines.unavailable import EngineUnavailableError
from analysis.history import arrivals, pretend
from analysis.lake.reader import Lake
from analysis.learning import answer_all
from analysis.read import run_readout
from tests.analysis.lakes import day
from tests.conformance.program import METRICS, PLANS, TODAY, lived_program
from tests.needs import do_without
from tests.spark import N_WORKERS, cluster

SCALE = {  # none of them divides anything evenly
    "active_days": 9.0,
    "challenges": 4.3,
    "course_units": 5.7,
    "claims": 1.1,
    "peer_actions": 3.3,
}
NORMS = replace(starting_norms(day(56)), half_saturation=SCALE, weights=existing_weights(SCALE))
CLOSE = 1e-9

pytestmark = [
    pytest.mark.slow,
    # pyspark leaves the socket that a result came through to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]


@pytest.fixture(scope="module")
def spark_address(tmp_path_factory):
    """A cluster's address; the session that tests open on it is closed before it."""
    try:
        java_home()
    except EngineUnavailableError as error:
        do_without(str(error))
    with cluster(tmp_path_factory.mktemp("spark")) as address:
        yield address
        spark.session_of(address).stop()
        gc.collect()


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """A lake on DuckDB."""
    return lived_program(tmp_path_factory.mktemp("lake"))


@pytest.fixture(scope="module")
def on_spark(lived, spark_address):
    """The same lake, at the same versions, on the cluster."""
    return Lake.open(lived.root, lived.version, spark_address)


def plain(found):
    """What a reader of the JSON gets."""
    return json.loads(json.dumps(found.to_json()))


def differences(expected, found, path=""):
    """Where two JSON values differ: exactly, or for floats by more than ``CLOSE``."""
    if isinstance(expected, dict) and isinstance(found, dict):
        if expected.keys() != found.keys():
            return [(path, sorted(expected), sorted(found))]
        parts = [(expected[key], found[key], f"{path}.{key}") for key in expected]
    elif isinstance(expected, (list, tuple)) and isinstance(found, (list, tuple)):
        if len(expected) != len(found):
            return [(path, len(expected), len(found))]
        pairs = zip(expected, found, strict=True)
        parts = [(one, other, f"{path}[{at}]") for at, (one, other) in enumerate(pairs)]
    elif type(expected) is float and type(found) is float:
        same = math.isclose(expected, found, rel_tol=CLOSE, abs_tol=CLOSE)
        return [] if same or expected == found else [(path, expected, found)]
    else:
        return [] if expected == found else [(path, expected, found)]
    return [each for part in parts for each in differences(*part)]


@pytest.mark.parametrize("design", PLANS)
def test_readout__on_a_cluster__is_that_of_duckdb(lived, on_spark, design):
    plan = PLANS[design]
    collect = collect_batches if plan.batches else None

    expected = run_readout(plan, lived, NORMS, collect)
    found = run_readout(plan, on_spark, NORMS, collect)

    assert all(metric.estimates for metric in expected.metrics), "the lake is too small to compare"
    assert not differences(plain(expected), plain(found))


def test_questions__on_a_cluster__are_answered_as_by_duckdb(lived, on_spark):
    expected, found = (
        [plain(answer) for answer in answer_all(lake, NORMS, TODAY)] for lake in (lived, on_spark)
    )

    assert all(answer["charts"] for answer in expected), "the lake is too small to compare"
    assert not differences(expected, found)


def test_past__on_a_cluster__is_that_of_duckdb(lived, on_spark):
    days = next(metric for metric in METRICS if metric.key == "days")
    one, other = (pretend(lake, days, TODAY, 2) for lake in (lived, on_spark))

    assert len(one) > 50
    assert one.values.tolist() == other.values.tolist()
    assert one.date.tolist() == other.date.tolist()
    assert one.team.tolist() == other.team.tolist()
    for mine, theirs in zip(
        *(arrivals(lake, day(0), TODAY) for lake in (lived, on_spark)), strict=True
    ):
        assert mine.tolist() == theirs.tolist()
    expected, found = (plain(validate(lake, NORMS, TODAY)) for lake in (lived, on_spark))
    assert not differences(expected, found)


def test_session__in_a_process_that_has_one__is_that_one_and_no_other(on_spark, spark_address):
    on_spark.connect()

    session = spark.session_of(spark_address)

    assert spark.session_of(spark.ACTIVE).sparkContext is session.sparkContext
    with pytest.raises(EngineUnavailableError, match="is connected to Spark at spark:"):
        spark.session_of("spark:local[1]")


def test_cluster__after_the_readouts__has_worked_on_both_workers(on_spark, spark_address):
    on_spark.table("events").count().to_pyarrow()

    context = spark.session_of(spark_address).sparkContext._jsc.sc()
    found = context.statusStore().executorList(False)
    executors = [found.apply(at) for at in range(found.size())]
    worked = {executor.id(): executor.totalTasks() for executor in executors}

    assert len(worked) == N_WORKERS + 1  # and the driver
    assert all(n_tasks > 0 for name, n_tasks in worked.items() if name != "driver")
    assert worked["driver"] == 0
