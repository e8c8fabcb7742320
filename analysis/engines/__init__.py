"""ENGINES: where the pass over the lake runs, by the scheme of the engine's address."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import pyarrow as pa
from ibis.backends import BaseBackend

from analysis.engines import duckdb

Connect = Callable[[Mapping[str, Sequence[str]], Mapping[str, pa.Schema]], BaseBackend]

ENGINES: Final[dict[str, Connect]] = {"duckdb": duckdb.connect}
DEFAULT_ENGINE: Final = "duckdb"


def connect(
    files: Mapping[str, Sequence[str]],
    schemas: Mapping[str, pa.Schema],
    engine: str = DEFAULT_ENGINE,
) -> BaseBackend:
    """A session of the named engine that sees these tables.

    Raises:
        ValueError: no such engine.
    """
    if engine not in ENGINES:
        raise ValueError(f"engine: found {engine!r}, expected one of {', '.join(sorted(ENGINES))}")
    return ENGINES[engine](files, schemas)
