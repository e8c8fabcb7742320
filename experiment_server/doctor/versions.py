"""Whether the installed packages are those that Momentum was tried with."""

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Final

from packaging.requirements import Requirement

from assignment import ENGINE
from experiment_server.db import sqlite_can_corrupt, sqlite_driver
from experiment_server.doctor.finding import Finding, Level
from experiment_server.state import State

AREA: Final = "versions"
DISTRIBUTION: Final = "momentum"
INSTALL: Final = "pip install --require-hashes -r requirements.lock"


def check(state: State) -> Iterator[Finding]:
    """The Python, the packages against what the distribution asks for, the SQLite."""
    misfits = list(_misfits())
    for misfit in misfits:
        yield Finding(AREA, Level.ERROR, misfit, f"Install what was tried: {INSTALL}")
    if not misfits:
        what = f"Momentum {version(DISTRIBUTION)} on Python {platform.python_version()}"
        yield Finding(AREA, Level.FINE, f"{what}, every package as asked for; {ENGINE} engine.")
    if state.database.dialect == "sqlite":
        yield _sqlite(state)


def _misfits() -> Iterator[str]:
    for text in requires(DISTRIBUTION) or ():
        asked = Requirement(text)
        if asked.marker is not None and not asked.marker.evaluate({"extra": ""}):
            continue
        try:
            found = version(asked.name)
        except PackageNotFoundError:
            yield f"{asked.name} is not installed, expected {asked.name}{asked.specifier}."
            continue
        if not asked.specifier.contains(found, prereleases=True):
            yield f"{asked.name} is {found}, expected {asked.name}{asked.specifier}."


def _sqlite(state: State) -> Finding:
    found = sqlite_driver().sqlite_version_info
    name = f"SQLite {'.'.join(str(part) for part in found)}"
    if not sqlite_can_corrupt(found):
        return Finding(AREA, Level.FINE, f"{name} is free of the WAL-reset bug.")
    level = Level.ERROR if state.settings.workers > 1 else Level.WARNING
    remedy = "Install pysqlite3, or use PostgreSQL: MOMENTUM_DATABASE_URL=postgresql://..."
    return Finding(AREA, level, f"{name} may corrupt its file when several write.", remedy)
