"""Chunks: many lake rows as one value, as the buffer holds them.

A chunk is a JSON object of columns, name to values, compressed with Zstandard. See
docs/decisions/0004.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any, Final, NamedTuple

import orjson
import pyarrow as pa

_CODEC: Final = "zstd"


class Packed(NamedTuple):
    """Rows of one lake table as one value."""

    n_rows: int
    n_bytes: int  # of the JSON, before it was compressed: what unpacking needs
    content: bytes


def pack(rows: Sequence[dict[str, Any]]) -> Packed:
    """The rows as one value, in their order. A column that a row lacks is null in it."""
    names = dict.fromkeys(chain.from_iterable(rows))
    text = orjson.dumps({name: [row.get(name) for row in rows] for name in names})
    return Packed(len(rows), len(text), pa.compress(text, codec=_CODEC, asbytes=True))


def unpack_columns(content: bytes, n_bytes: int) -> dict[str, list[Any]]:
    """A chunk's columns, from ``Packed.content`` and ``Packed.n_bytes``."""
    text: bytes = pa.decompress(content, decompressed_size=n_bytes, codec=_CODEC, asbytes=True)
    columns: dict[str, list[Any]] = orjson.loads(text)
    return columns


def unpack(content: bytes, n_bytes: int) -> list[dict[str, Any]]:
    """A chunk's rows."""
    columns = unpack_columns(content, n_bytes)
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
