"""Whether each environment's lake opens, is complete, and is not in a thousand pieces."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from analysis.lake.schema import TABLES
from analysis.lake.tables import data_files, open_table
from analysis.lake.writer import last_sequence
from analysis.storage import is_local
from experiment_server.doctor.finding import Finding, Level
from experiment_server.environments.models import Environment
from experiment_server.environments.service import list_environments
from experiment_server.ingest.models import SealingCursor
from experiment_server.ingest.sealing import APP_ID, lake_root
from experiment_server.state import State

AREA: Final = "lake"
MANY_FILES: Final = 2_000


def check(state: State) -> Iterator[Finding]:
    """Every table of every environment, and the numbers that the store and the lake count by."""
    with state.database.read() as session:
        environments = list_environments(session)
        last = {each.id: session.get(SealingCursor, each.id) for each in environments}
    for environment in environments:
        root = lake_root(state.settings.lake_dir, environment)
        tables = [found for name in TABLES for found in _table(environment, root, name)]
        yield from tables
        cursor = last[environment.id]
        yield from _numbering(environment, root, cursor.last_batch if cursor else 0)
        if all(one.level is Level.FINE for one in tables):
            yield Finding(AREA, Level.FINE, f"{environment.key}: {len(TABLES)} tables open whole.")


def _table(environment: Environment, root: str, name: str) -> Iterator[Finding]:
    table = open_table(root, name)
    if table is None:
        return
    files = data_files(table, root, name)
    where = f"{environment.key}/{name}"
    missing = [file for file in files if is_local(root) and not Path(file).exists()]
    if missing:
        what = f"{where}: {len(missing)} of {len(files)} files are gone, such as {missing[0]}."
        remedy = "Restore the lake's folder from its backup: somebody removed files by hand."
        yield Finding(AREA, Level.ERROR, what, remedy)
    if len(files) > MANY_FILES:
        what = f"{where} lies in {len(files):,} files, which slows every look."
        remedy = "See that the job compact runs: momentum schedule run-due --only compact."
        yield Finding(AREA, Level.WARNING, what, remedy)


def _numbering(environment: Environment, root: str, last_batch: int) -> Iterator[Finding]:
    sealed = max(last_sequence(root, name, APP_ID) for name in TABLES)
    if sealed > last_batch:
        what = f"{environment.key}: the lake has seen batch {sealed}, the store only {last_batch}."
        remedy = (
            "The store was restored from an older backup. Nothing breaks: sealing goes on above "
            "the lake's number; but what was received in between may be sent a second time."
        )
        yield Finding(AREA, Level.WARNING, what, remedy)
    elif last_batch and sealed < 0:
        what = f"{environment.key}: batches were sealed, and the lake at {root} is empty."
        remedy = "Is MOMENTUM_LAKE_DIR the one you mean? Else restore the lake from its backup."
        yield Finding(AREA, Level.ERROR, what, remedy)
