"""The lake of an environment, up to date: what analyses of a running server read."""

from http import HTTPStatus

from analysis.engines import DEFAULT_ENGINE
from analysis.engines.unavailable import EngineUnavailableError
from analysis.lake.reader import Lake
from experiment_server.environments.models import Environment
from experiment_server.ingest.sealing import SealingBusyError, lake_root, seal_all
from experiment_server.problems import Problem
from experiment_server.state import State


def open_lake(state: State, environment: Environment, *, fresh: bool) -> Lake:
    """The environment's lake; ``fresh``: with everything that was received until now.

    Raises:
        Problem: 503, when the engine that the server was told to read with is not to be had, or
            another server, or an erasure, holds the lake for more than a minute.
    """
    root = lake_root(state.settings.lake_dir, environment)
    if fresh:
        try:
            seal_all(state.database, environment, root)
        except SealingBusyError as error:
            detail = f"The lake is being written: {error}."
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE, detail, headers={"Retry-After": "60"}
            ) from error
    lake = Lake.open(root, engine=state.settings.analytics_engine)
    if lake.engine != DEFAULT_ENGINE:
        # Now, while it can be said: later it would be a failure in the midst of a reading.
        try:
            lake.connect()
        except EngineUnavailableError as error:
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error)) from error
    return lake
