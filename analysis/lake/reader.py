"""Reading the lake at one pinned version, through the engine."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ibis.backends import BaseBackend
from ibis.expr import types as ir

from analysis.engines import DEFAULT_ENGINE, connect
from analysis.lake.schema import TABLES
from analysis.lake.tables import data_files, open_table


@dataclass(frozen=True)
class Lake:
    """The lake as it stood at one version: later commits do not change what it answers."""

    root: str
    version: Mapping[str, int]  # table -> Delta version; a table without commits is absent
    engine: str = DEFAULT_ENGINE
    _files: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)

    @classmethod
    def open(
        cls,
        root: str | Path,
        version: Mapping[str, int] | None = None,
        engine: str = DEFAULT_ENGINE,
    ) -> "Lake":
        """The lake under ``root``, now or at the version that an earlier readout names.

        Args:
            root: the environment's lake folder.
            version: table -> Delta version; a table left out did not exist. None: the latest.
            engine: where queries run.

        Raises:
            ValueError: the version names a table that the lake does not have.
        """
        versions: dict[str, int] = {}
        files: dict[str, tuple[str, ...]] = {}
        for name in TABLES:
            if version is not None and name not in version:
                continue
            table = open_table(root, name, None if version is None else version[name])
            if table is not None:
                versions[name] = int(table.version())
                files[name] = data_files(table, root, name)
            elif version is not None:
                raise ValueError(
                    f"lake version: table {name} at {version[name]} is not in the lake at {root}"
                )
        return cls(str(root), versions, engine, files)

    def connect(self) -> BaseBackend:
        """The engine's session with one view per table."""
        return self._session

    def table(self, name: str) -> ir.Table:
        """One table; empty, with the right columns, when nothing was written yet."""
        return self._session.table(name)

    @cached_property
    def _session(self) -> BaseBackend:
        return connect(self._files, TABLES, self.engine)
