"""Apache Spark: for lakes that outgrow one machine.

Spark reads the very Parquet files that hold the tables at their pinned versions: it needs no Delta
package, only to reach the files under the same names. Addresses:

- ``spark://host:7077``: a standalone cluster; ``spark:local[4]``, ``spark:yarn``,
  ``spark:k8s://...``: any other master that Spark knows;
- ``spark:active``: the session that the program has already, for example one of Databricks.

``?name=value&...`` behind a master are settings of the session, such as
``spark.executor.memory=4g``.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import reduce
from threading import Lock
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl
from uuid import uuid4

import pyarrow as pa
from ibis.backends import BaseBackend

from analysis.engines.java import java_home
from analysis.engines.unavailable import EngineUnavailableError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

ACTIVE: Final = "spark:active"

# What ``analysis.engines.functions`` calls by DuckDB's names.
_FUNCTIONS: Final = ("epoch_us(at TIMESTAMP) RETURNS BIGINT RETURN unix_micros(at)",)

_DEFAULTS: Final = {
    "spark.app.name": "momentum",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.session.timeZone": "UTC",
}

_lock: Final = Lock()


def connect(
    files: Mapping[str, Sequence[str]],
    schemas: Mapping[str, pa.Schema],
    address: str = ACTIVE,
) -> BaseBackend:
    """A session with one view per table over its Parquet files.

    Args:
        files: table name -> the files that hold it; a table without files is empty.
        schemas: table name -> its columns and types; a column that a file lacks is null there.
        address: where Spark is, as this module says.

    Raises:
        EngineUnavailableError: pyspark or a Java that fits is missing; Spark cannot be reached; or
            this process has a session of another address.
    """
    session = session_of(address)
    # Heavy, and without pyspark impossible: so not before it is asked for.
    from analysis.engines.spark_backend import Backend, View

    views: dict[str, View] = {}
    for name, schema in schemas.items():
        # Nullable, as the columns of a Parquet file are: tables of one type can be united.
        nullable = pa.schema([field.with_nullable(True) for field in schema])
        # Two lakes have tables of the same names, and a process has one Spark.
        views[name] = View(f"momentum_{name}_{uuid4().hex}", nullable)
        _read(session, tuple(files.get(name, ())), nullable).createTempView(views[name].name)
    return Backend.over(session, views)


def session_of(address: str) -> "SparkSession":
    """This process's session of Spark at that address: it is costly, so it is made once.

    Raises:
        EngineUnavailableError: see ``connect``.
    """
    try:
        from pyspark.sql import SparkSession
    except ModuleNotFoundError as error:
        raise EngineUnavailableError(
            f"engine {_master(address)}: pyspark is not installed; install it with pip install "
            "'momentum[spark]'"
        ) from error
    if address == ACTIVE:
        try:
            return SparkSession.active()  # of this thread, or the process's default
        except RuntimeError as error:
            raise EngineUnavailableError(
                f"engine {ACTIVE}: this process has no Spark session; make one first, or name the "
                "master, for example spark://host:7077"
            ) from error
    master, settings = _split(address)
    with _lock, _java():
        builder = SparkSession.builder.master(master).config(map={**_DEFAULTS, **settings})
        session = _started(address, builder)
    found = session.sparkContext.master
    if found != master:
        # A process has one Spark: a second master would silently be the first.
        raise EngineUnavailableError(
            f"engine {_master(address)}: this process is connected to Spark at {found} "
            "already; use that one, or another process"
        )
    return session


def _started(address: str, builder: "SparkSession.Builder") -> "SparkSession":
    try:
        return builder.getOrCreate()
    except Exception as error:  # Spark's own, as many as it has layers
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise EngineUnavailableError(
            f"engine {_master(address)}: Spark did not start: {said[0]}; see whether the "
            "master runs and can reach this machine (spark.driver.host)"
        ) from error


def _master(address: str) -> str:
    """An address as errors show it: the settings behind it may hold an object store's keys."""
    return address.partition("?")[0]


def _split(address: str) -> tuple[str, dict[str, str]]:
    """The master and the settings that an address names."""
    where, _, settings = address.partition("?")
    master = where if where.startswith("spark://") else where.removeprefix("spark:")
    return master, dict(parse_qsl(settings))


@contextmanager
def _java() -> Iterator[None]:
    """Start Spark on a Java that fits it, also where another is first on the path."""
    before = os.environ.get("JAVA_HOME")
    os.environ["JAVA_HOME"] = str(java_home())
    try:
        yield
    finally:
        if before is None:
            del os.environ["JAVA_HOME"]
        else:
            os.environ["JAVA_HOME"] = before


def _read(session: "SparkSession", files: Sequence[str], schema: pa.Schema) -> "DataFrame":
    from pyspark.sql.pandas.types import from_arrow_schema

    fields = from_arrow_schema(schema)
    if not files:
        return session.createDataFrame([], fields)
    groups: dict[tuple[str, bool], list[str]] = {}
    for file in files:
        address = _known_to_spark(file)
        groups.setdefault(_folder_of(address, schema), []).append(address)
    # Columns are told rather than found out: no file is opened before a query wants its rows.
    reader = session.read.schema(fields)
    parts: list[DataFrame] = [
        reader.option("basePath", folder).parquet(*addresses)
        for (folder, _), addresses in groups.items()
    ]
    united = reduce(lambda some, more: some.unionByName(more), parts)
    return united.select(*schema.names)


def _folder_of(file: str, schema: pa.Schema) -> tuple[str, bool]:
    """The table's folder, and whether ``column=value`` of a partition stands below it."""
    parts = file.split("/")
    for at, part in enumerate(parts):
        name, sign, _ = part.partition("=")
        if sign and name in schema.names:
            return "/".join(parts[:at]), True
    return "/".join(parts[:-1]), False


def _known_to_spark(file: str) -> str:
    """The file's address as Hadoop's connectors call it."""
    if file.startswith("s3://"):
        return f"s3a://{file.removeprefix('s3://')}"
    return file if "://" in file else f"file://{file}"
