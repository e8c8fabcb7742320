"""Chunks: many lake rows as one value, as the buffer holds them.

A chunk is a JSON array of rows, compressed with Zstandard. See docs/decisions/0004.
"""

from collections.abc import Sequence
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
    """The rows as one value, in their order."""
    text = orjson.dumps(rows)
    return Packed(len(rows), len(text), pa.compress(text, codec=_CODEC, asbytes=True))


def unpack(content: bytes, n_bytes: int) -> list[dict[str, Any]]:
    """The rows of a chunk, from ``Packed.content`` and ``Packed.n_bytes``."""
    text: bytes = pa.decompress(content, decompressed_size=n_bytes, codec=_CODEC, asbytes=True)
    rows: list[dict[str, Any]] = orjson.loads(text)
    return rows
