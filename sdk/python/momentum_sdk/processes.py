"""Forks and exits: each process sends its own events, and the last of them before it ends."""

import atexit
import contextlib
import os
import sys
import time
import weakref
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .runtime import Runtime

LAST: Final = -100  # the finalizers of the host run before, and may still hand events over

_runtimes: "weakref.WeakSet[Runtime]" = weakref.WeakSet()
_knows_multiprocessing = False


def watch(runtime: "Runtime") -> None:
    """Take care of a client's runtime over forks and until the process ends."""
    _runtimes.add(runtime)
    _hook_into_multiprocessing()


def close_all() -> None:
    """The last events leave before the process does; all clients share the same time for it."""
    began = time.monotonic()
    runtimes = list(_runtimes)
    for runtime in runtimes:
        with contextlib.suppress(Exception):  # one must not keep the others from sending
            runtime.hurry()
    for runtime in runtimes:
        with contextlib.suppress(Exception):
            runtime.close(max(runtime.exit_timeout_s - (time.monotonic() - began), 0.0))


def _after_fork_in_child() -> None:
    """Threads do not survive a fork: let each client start its own at its next use."""
    for runtime in list(_runtimes):
        runtime.after_fork()
    _hook_into_multiprocessing()


def _hook_into_multiprocessing() -> None:
    """Hear of the end of multiprocessing's children, which run no exit handlers.

    Such a child forgets all finalizers after the hook above has run. So ours is made later, by a
    hook of multiprocessing's own. It is never imported for that: a host without it starts sooner.
    """
    global _knows_multiprocessing  # noqa: PLW0603 - once, and inherited by forked children
    util = sys.modules.get("multiprocessing.util")
    if util is None or _knows_multiprocessing:
        return
    _knows_multiprocessing = True
    util.register_after_fork(_runtimes, _close_at_end)
    if sys.modules["multiprocessing"].parent_process() is not None:
        _close_at_end()  # the first client was made in the child itself


def _close_at_end(_of: object = None) -> None:
    multiprocessing = sys.modules["multiprocessing"]
    if multiprocessing.get_start_method(allow_none=True) != "spawn":  # those run exit handlers
        sys.modules["multiprocessing.util"].Finalize(None, close_all, exitpriority=LAST)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
atexit.register(close_all)
