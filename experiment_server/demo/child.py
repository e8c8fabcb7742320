"""``momentum serve`` for a parent that may be killed: it ends when the parent does.

Run as ``python -m experiment_server.demo.child PARENT_PROCESS_ID``; it becomes the server.
"""

import ctypes
import os
import signal
import sys
from typing import Final

PR_SET_PDEATHSIG: Final = 1  # of Linux's prctl(2); what it sets outlives exec


def end_with_parent(parent: int) -> None:
    """Ask the kernel for SIGTERM when the parent is gone; end at once when it is gone already.

    Other systems than Linux have no such request: there, a parent that is killed leaves a server.
    """
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit("the parent is gone")


if __name__ == "__main__":
    end_with_parent(int(sys.argv[1]))
    os.execv(sys.executable, [sys.executable, "-m", "experiment_server.cli", "serve"])  # noqa: S606 - our own
