"""The lake of an environment, up to date: what analyses of a running server read."""

from analysis.lake.reader import Lake
from experiment_server.environments.models import Environment
from experiment_server.ingest.sealing import lake_root, seal_all
from experiment_server.state import State


def open_lake(state: State, environment: Environment, *, fresh: bool) -> Lake:
    """The environment's lake; ``fresh``: with everything that was received until now."""
    root = lake_root(state.settings.lake_dir, environment)
    if fresh:
        seal_all(state.database, environment, root)
    return Lake.open(root)
