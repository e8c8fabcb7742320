"""Where roll-ups lie: folders beside the lake's tables, each with a manifest written last.

A roll-up can always be made again, so a reader trusts nothing: what is torn, foreign or changed is
not read. Files have names of their own; a new manifest takes the place of the old one at once.
"""

import json
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pyarrow as pa
import pyarrow.fs as pa_fs
import pyarrow.parquet as pq

from analysis.lake.changes import Unknown, lake_filesystem, why_rewritten
from analysis.storage import is_local

from .rollup import FOLLOWED, PEOPLE_SCHEMA, STANDING_SCHEMA, Rollup, first_exposures
from .shape import FORMAT, Shape

FOLDER: Final = "_rollups"
_MANIFEST: Final = "manifest.json"
_MET: Final = "met"
_UNREADABLE: Final = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    pa.ArrowException,
)
_FEW_VALUES: Final = ("variant", "role", "region", "stratum")
_LEAVE_S: Final = 3600.0  # a reader of the manifest before may still want its files


@dataclass(frozen=True)
class Shelf:
    """The place of one shape's roll-up in one lake."""

    root: str
    shape: Shape

    @property
    def folder(self) -> str:
        """Where it lies, below the lake's root."""
        return f"{FOLDER}/{self.shape.folder}"

    def load(self, rows: pa.Schema) -> Rollup | Unknown | None:
        """What lies there; why it cannot be read; or None: nothing does.

        Args:
            rows: the columns that a part's rows must have.
        """
        files = lake_filesystem(self.root)
        try:
            manifest = self._manifest(files)
            return None if manifest is None else self._read(files, manifest, rows)
        except (
            OSError,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            pa.ArrowException,
        ) as error:
            return Unknown(f"it cannot be read ({type(error).__name__}: {error})")

    def save(self, rollup: Rollup) -> bool:
        """Put a roll-up there; whether it was put, and stays.

        It is not when a later one lies there, nor when rows were taken out of the lake since the
        version that it was made from: it may hold a learner who was erased meanwhile. Whoever takes
        rows out does that first and removes roll-ups then, so looking once more at the end is
        enough: either this sees that rows went, or the other sees this roll-up.

        Raises:
            OSError: the place cannot be written to.
        """
        files = lake_filesystem(self.root)
        if self._is_later(files, rollup) or self._is_outdated(rollup):
            return False
        files.create_dir(self.folder, recursive=True)
        tables = {_MET: rollup.met, **rollup.rows}
        token = uuid4().hex
        written = {name: self._write(files, name, token, rows) for name, rows in tables.items()}
        manifest = {
            "format": FORMAT,
            "experiment": self.shape.experiment,
            "phase": self.shape.phase,
            "fingerprint": self.shape.fingerprint,
            "versions": dict(rollup.versions),
            "ids": dict(rollup.ids),
            "received": {day.isoformat(): at for day, at in sorted(rollup.received.items())},
            "files": written,
        }
        self._replace_manifest(files, json.dumps(manifest, indent=1).encode())
        if self._is_outdated(rollup):
            files.delete_dir(self.folder)
            return False
        self._sweep(files, {each["name"] for each in written.values()})
        return True

    def _manifest(self, files: pa_fs.FileSystem) -> dict[str, Any] | None:
        path = f"{self.folder}/{_MANIFEST}"
        if files.get_file_info(path).type != pa_fs.FileType.File:
            return None
        found: dict[str, Any] = json.loads(_read_bytes(files, path))
        if found["format"] != FORMAT or found["fingerprint"] != self.shape.fingerprint:
            raise ValueError("it is of something else")
        return found

    def _read(self, files: pa_fs.FileSystem, manifest: dict[str, Any], rows: pa.Schema) -> Rollup:
        schemas = {_MET: STANDING_SCHEMA, **dict.fromkeys(self.shape.parts, rows)}
        tables = {
            name: self._read_table(files, manifest["files"][name], schema)
            for name, schema in schemas.items()
        }
        people = first_exposures(tables[_MET])
        for name in self.shape.parts:
            if not tables[name].select(PEOPLE_SCHEMA.names).equals(people):
                raise ValueError(f"the rows of {name} are of other learners")
        return Rollup(
            versions={name: int(manifest["versions"][name]) for name in FOLLOWED},
            ids={name: str(manifest["ids"][name]) for name in FOLLOWED},
            met=tables.pop(_MET),
            rows=tables,
            received={date.fromisoformat(d): int(at) for d, at in manifest["received"].items()},
        )

    def _read_table(
        self, files: pa_fs.FileSystem, told: dict[str, Any], schema: pa.Schema
    ) -> pa.Table:
        content = _read_bytes(files, f"{self.folder}/{told['name']}")
        if sha256(content).hexdigest() != told["sha256"]:
            raise ValueError(f"{told['name']} is not what was written")
        table = pq.read_table(pa.BufferReader(content))
        if not table.schema.equals(schema):
            raise ValueError(f"{told['name']} has other columns")
        return table

    def _is_later(self, files: pa_fs.FileSystem, rollup: Rollup) -> bool:
        try:
            manifest = self._manifest(files)
            if manifest is None or manifest["ids"] != dict(rollup.ids):
                return False
            there = manifest["versions"]
            return all(there[name] >= rollup.versions[name] for name in FOLLOWED) and any(
                there[name] > rollup.versions[name] for name in FOLLOWED
            )
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def _is_outdated(self, rollup: Rollup) -> bool:
        return any(why_rewritten(self.root, name, rollup.versions[name]) for name in FOLLOWED)

    def _write(
        self, files: pa_fs.FileSystem, name: str, token: str, rows: pa.Table
    ) -> dict[str, Any]:
        sink = pa.BufferOutputStream()
        pq.write_table(
            rows,
            sink,
            compression="zstd",
            compression_level=1,
            use_dictionary=[each for each in _FEW_VALUES if each in rows.column_names],
        )
        content = sink.getvalue()
        file = f"{name}-{token}.parquet"
        with files.open_output_stream(f"{self.folder}/{file}") as stream:
            stream.write(content)
        return {"name": file, "sha256": sha256(content).hexdigest(), "rows": rows.num_rows}

    def _replace_manifest(self, files: pa_fs.FileSystem, content: bytes) -> None:
        if not is_local(self.root):
            # An object is there as a whole or not at all.
            with files.open_output_stream(f"{self.folder}/{_MANIFEST}") as stream:
                stream.write(content)
            return
        folder = Path(self.root) / self.folder
        young = folder / f"{_MANIFEST}.{uuid4().hex}"
        young.write_bytes(content)
        os.replace(young, folder / _MANIFEST)  # noqa: PTH105 - the name says what it does

    def _sweep(self, files: pa_fs.FileSystem, keep: Iterable[str]) -> None:
        """Remove the files of earlier manifests, when nobody can be reading them any more."""
        kept = {*keep, _MANIFEST}
        for info in files.get_file_info(pa_fs.FileSelector(self.folder)):
            age = time.time() - info.mtime_ns / 1e9
            if info.base_name not in kept and age > _LEAVE_S:
                files.delete_file(info.path)


def forget(root: str | Path, keep: Iterable[str] = ()) -> int:
    """Remove a lake's roll-ups, but those in the folders to keep; how many went.

    Whoever takes rows out of the lake calls this: pseudonyms are in roll-ups, too.

    Args:
        root: the environment's lake folder.
        keep: ``Shape.folder`` of those that are still wanted.
    """
    files, kept = lake_filesystem(root), set(keep)
    gone = 0
    for folder in list_folders(root):
        if folder not in kept:
            files.delete_dir(f"{FOLDER}/{folder}")
            gone += 1
    return gone


def list_folders(root: str | Path) -> tuple[str, ...]:
    """The folders of a lake's roll-ups."""
    files = lake_filesystem(root)
    found = files.get_file_info(pa_fs.FileSelector(FOLDER, allow_not_found=True, recursive=True))
    below = {info.path.split(f"{FOLDER}/", 1)[1].split("/", 1)[0] for info in found}
    return tuple(sorted(below))


def _read_bytes(files: pa_fs.FileSystem, path: str) -> bytes:
    with files.open_input_stream(path) as stream:
        content: bytes = stream.read()
    return content
