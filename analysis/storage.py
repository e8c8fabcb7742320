"""What opens a lake that lies in an object store: credentials and other options, by address.

Whoever knows them declares them once; whoever opens a table asks here. Options have the names that
Delta's own library knows (https://delta-io.github.io/delta-rs/integrations/object-storage/s3-like/),
such as ``AWS_ENDPOINT_URL``; what is not declared comes from the process's environment.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.fs as pa_fs
from deltalake.fs import DeltaStorageHandler

S3_SCHEMES: Final = ("s3", "s3a")

_declared: Final[dict[str, dict[str, str]]] = {}


def is_local(address: str | Path) -> bool:
    """Whether the address is a folder of this machine rather than in an object store."""
    return "://" not in str(address)


def scheme_of(address: str) -> str:
    """``s3``, ``gs``, ``abfss`` ...; "": a folder of this machine."""
    return address.partition("://")[0].lower() if "://" in address else ""


def declare(address: str | Path, options: Mapping[str, str]) -> None:
    """From now on, what lies at or below the address is opened with these options."""
    if not is_local(address):
        _declared[str(address).rstrip("/")] = dict(options)


def options_for(address: str | Path) -> dict[str, str] | None:
    """What to open something at or below a declared address with; None: a local folder.

    In S3, commits are conditional puts: of writers that race for a version one wins, and the others
    hear that they lost. Without that two servers could overwrite each other's commits.
    """
    if is_local(address):
        return None
    declared = _nearest(str(address))
    options = {name.upper(): value for name, value in declared.items()}
    if scheme_of(str(address)) in S3_SCHEMES:
        options.setdefault("AWS_CONDITIONAL_PUT", "etag")
        endpoint = options.get("AWS_ENDPOINT_URL") or os.environ.get("AWS_ENDPOINT_URL", "")
        if endpoint.startswith("http://"):  # whoever names such an address means it
            options.setdefault("AWS_ALLOW_HTTP", "true")
    return options


def open_files(address: str | Path) -> pa_fs.FileSystem:
    """A folder or object-store prefix as a file system of its own."""
    if is_local(address):
        return pa_fs.SubTreeFileSystem(str(Path(address).absolute()), pa_fs.LocalFileSystem())
    return pa_fs.PyFileSystem(_Files(str(address), options_for(address)))


class _Files(DeltaStorageHandler):  # type: ignore[misc]  # the library has no types here
    """Delta's file system, which takes ``bytes`` alone, where Arrow writes its buffers."""

    def open_output_stream(
        self, path: str, metadata: dict[str, str] | None = None
    ) -> pa.PythonFile:
        return pa.PythonFile(_TakesBuffers(self._handler.open_output_stream(path, metadata)))


class _TakesBuffers:
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, data: Any) -> int:
        return int(self._stream.write(bytes(data)))


def s3_setting(options: Mapping[str, str], *names: str) -> str:
    """One of S3's settings, as declared or else from the environment; "": neither has it."""
    for name in names:
        found = options.get(name) or os.environ.get(name)
        if found:
            return found
    return ""


def _nearest(address: str) -> dict[str, str]:
    """The options of the longest declared address that this one lies at or below."""
    above = [place for place in _declared if address == place or address.startswith(f"{place}/")]
    return _declared[max(above, key=len)] if above else {}
