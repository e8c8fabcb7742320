"""ENGINES: where the pass over the lake runs, by the scheme of the engine's address."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import pyarrow as pa
from ibis.backends import BaseBackend

from analysis.engines import duckdb, spark

Connect = Callable[[Mapping[str, Sequence[str]], Mapping[str, pa.Schema], str], BaseBackend]


def _in_process(
    files: Mapping[str, Sequence[str]], schemas: Mapping[str, pa.Schema], _address: str
) -> BaseBackend:
    return duckdb.connect(files, schemas)


ENGINES: Final[dict[str, Connect]] = {"duckdb": _in_process, "spark": spark.connect}
DEFAULT_ENGINE: Final = "duckdb"


def connect(
    files: Mapping[str, Sequence[str]],
    schemas: Mapping[str, pa.Schema],
    engine: str = DEFAULT_ENGINE,
) -> BaseBackend:
    """A session of the named engine that sees these tables.

    Args:
        files: table name -> the files that hold it; a table without files is empty.
        schemas: table name -> its columns and types.
        engine: its address, such as ``duckdb`` or ``spark://host:7077``; the part before the
            colon is a row of ENGINES.

    Raises:
        ValueError: no such engine.
        EngineUnavailableError: it cannot run here, or be reached; says what to do.
    """
    return ENGINES[scheme_of(engine)](files, schemas, engine)


def scheme_of(engine: str) -> str:
    """Which row of ENGINES an address names.

    Raises:
        ValueError: none.
    """
    scheme = engine.partition(":")[0]
    if scheme not in ENGINES:
        raise ValueError(
            f"engine: found {engine!r}, expected {DEFAULT_ENGINE}, or an address of "
            f"{', '.join(name for name in sorted(ENGINES) if name != DEFAULT_ENGINE)}, for example "
            "spark://host:7077"
        )
    return scheme
