"""Reading the lake at one pinned version, through the engine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Final

import ibis
from ibis.backends import BaseBackend
from ibis.expr import types as ir

from analysis.engines import DEFAULT_ENGINE, connect
from analysis.lake.outcomes import outcome_events
from analysis.lake.schema import DAY, LAYOUTS, TABLES
from analysis.lake.tables import data_files, open_table

_MOMENT: Final = timedelta(microseconds=1)


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

    @property
    def files(self) -> Mapping[str, tuple[str, ...]]:
        """Each table's data files."""
        return self._files

    def of_files(self, files: Mapping[str, Sequence[str]]) -> "Lake":
        """The lake as if it had these files alone: one of its tables, or what came of late.

        It has a session of its own: tables of one cannot be joined with tables of the other.
        """
        return replace(self, _files={name: tuple(paths) for name, paths in files.items()})

    def connect(self) -> BaseBackend:
        """The engine's session with one view per table, as its rows were written."""
        return self._session

    def table(
        self, name: str, since: datetime | None = None, until: datetime | None = None
    ) -> ir.Table:
        """One table; empty, with the right columns, when nothing was written yet.

        ``events`` holds, besides the events, each current outcome as an event of the kind
        ``outcome:<name>`` at noon of its day, so that metrics and questions need not know the
        difference. ``outcomes`` itself holds every row, superseded ones too.

        Args:
            name: a row of ``analysis.lake.schema.TABLES``.
            since: only rows whose time (in ``outcomes``: day) is not before it, aware; the files
                of days before it are not opened.
            until: only rows whose time (in ``outcomes``: day) is before it, likewise.

        Raises:
            ValueError: a range of time in a table without days.
        """
        table = self._rows(name)
        if name == "events" and self._files.get("outcomes"):
            table = table.union(outcome_events(self._rows("outcomes"), table.schema()))
        return _between(table, name, since, until)

    def _rows(self, name: str) -> ir.Table:
        """A table's rows, each with its day."""
        table, time = self._session.table(name), LAYOUTS[name].time
        if time is None or all(f"/{DAY}=" in file for file in self._files.get(name, ())):
            return table
        # A lake from before days has no such folders: where no day was kept, the time tells it.
        return table.mutate(**{DAY: ibis.coalesce(table[DAY], table[time].date())})

    @cached_property
    def _session(self) -> BaseBackend:
        return connect(self._files, TABLES, self.engine)


def _between(
    table: ir.Table, name: str, since: datetime | None, until: datetime | None
) -> ir.Table:
    """The rows of a range of time: by day, so that the engine can leave files out, and exactly."""
    layout = LAYOUTS[name]
    if not layout.by_day and (since or until):
        raise ValueError(f"since, until: table {name} has no days; filter its rows instead")
    time = table[layout.time] if layout.time else None
    wanted = []
    if since is not None:
        wanted.append(table[DAY] >= ibis.literal(since.astimezone(UTC).date()))
        wanted += [] if time is None else [time >= ibis.literal(since)]
    if until is not None:
        last = until.astimezone(UTC) - _MOMENT
        wanted.append(table[DAY] <= ibis.literal(last.date()))
        wanted += [] if time is None else [time < ibis.literal(until)]
    return table.filter(*wanted) if wanted else table
