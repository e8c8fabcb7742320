"""A metric's preview on an environment's lake: bounded in time, and remembered for a while."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from threading import BoundedSemaphore, Lock
from typing import Any, Final

from analysis.energize.norms import Norms
from analysis.lake.reader import Lake
from analysis.plan import MetricPlan
from analysis.previewed import Preview
from analysis.results import NotEstimable
from experiment_server.environments.models import Environment
from experiment_server.ingest.place import open_lake
from experiment_server.metrics.service import as_plan
from experiment_server.problems import Problem
from experiment_server.scores.service import latest_norms
from experiment_server.state import State

LONGEST_S: Final = 20.0  # of one preview's work in the engine
AT_ONCE: Final = 2  # in one process: each may take every core
WAIT_S: Final = 10.0  # for one of those to end
MAX_REMEMBERED: Final = 64
SCORE: Final = "score"

Found = Preview | NotEstimable


class PreviewMemory:
    """Previews of the same definition on the same data are computed once; few at a time."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._found: OrderedDict[tuple[Any, ...], Found] = OrderedDict()
        self._guard = Lock()
        self._free = BoundedSemaphore(at_once)

    def get(self, key: tuple[Any, ...]) -> Found | None:
        """What was found under this key; None: nothing yet."""
        with self._guard:
            return self._found.get(key)

    def keep(self, key: tuple[Any, ...], found: Found) -> None:
        """Remember it, and forget the oldest of too many."""
        with self._guard:
            self._found[key] = found
            while len(self._found) > MAX_REMEMBERED:
                self._found.popitem(last=False)

    def enter(self, wait_s: float = WAIT_S) -> None:
        """Take a place among those who compute.

        Raises:
            Problem: 429, when others have all of them for longer than that.
        """
        if not self._free.acquire(timeout=wait_s):
            raise Problem(
                429,
                "Other previews are being computed. Ask again in a few seconds.",
                headers={"Retry-After": "5"},
            )

    def leave(self) -> None:
        """Give the place back."""
        self._free.release()


_MEMORY: Final = PreviewMemory()


def preview_metric(
    state: State,
    environment: Environment,
    values: Mapping[str, Any],
    now: datetime,
    co_primaries: int = 0,
) -> Found:
    """What a metric would have been over the window that ends with this hour.

    What was received but is not in the lake yet does not count: nothing is sealed for a preview.

    Args:
        state: of the server.
        environment: whose learners.
        values: of a definition that fits together; it need not be stored.
        now: the end is the full hour before.
        co_primaries: how many other primaries share alpha in the experiment that is planned.

    Raises:
        Problem: 429, when others are being computed.
    """
    asked = _asked(state, environment, values, now)
    if isinstance(asked, NotEstimable):
        return asked
    asked = replace(asked, co_primaries=co_primaries)
    return _MEMORY.get(asked.key) or _compute(asked)


def remembered_preview(
    state: State, environment: Environment, values: Mapping[str, Any], now: datetime
) -> Found | None:
    """The same, when somebody asked before; None: nobody did, and nothing is computed."""
    asked = _asked(state, environment, values, now)
    return asked if isinstance(asked, NotEstimable) else _MEMORY.get(asked.key)


def _asked(
    state: State, environment: Environment, values: Mapping[str, Any], now: datetime
) -> "_Asked | NotEstimable":
    plan = as_plan({**values, "key": "preview"})
    as_of = now.replace(minute=0, second=0, microsecond=0)
    norms = None
    if plan.kind == SCORE:
        with state.database.read() as session:
            norms = latest_norms(session, environment)
        if norms is None:
            return NotEstimable(
                "the Energize Score was never calibrated here",
                f"momentum energize calibrate --environment {environment.key}",
            )
    lake = open_lake(state, environment, fresh=False)
    return _Asked(lake, plan, as_of, norms)


@dataclass(frozen=True)
class _Asked:
    """What is to be previewed, on what."""

    lake: Lake
    metric: MetricPlan
    as_of: datetime
    norms: Norms | None
    co_primaries: int = 0

    @property
    def key(self) -> tuple[Any, ...]:
        """Everything that the answer depends on."""
        versions = tuple(sorted(self.lake.version.items()))
        scale = self.norms.version if self.norms else ""
        return (self.lake.root, versions, self.as_of, scale, self.metric, self.co_primaries)


def _compute(asked: _Asked) -> Found:
    # Statistics cost every start of the server half a second: only previews need these.
    from analysis.bounded import TookTooLong, bounded
    from analysis.preview import preview

    _MEMORY.enter()
    try:
        with bounded(asked.lake, LONGEST_S):
            found = preview(asked.lake, asked.metric, asked.as_of, asked.norms, asked.co_primaries)
    except TookTooLong:
        return NotEstimable(
            f"it took more than {LONGEST_S:g} seconds, so it was given up",
            "choose a shorter window, or ask again when the server has less to do",
        )
    finally:
        _MEMORY.leave()
    _MEMORY.keep(asked.key, found)
    return found
