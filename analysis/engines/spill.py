"""Where DuckDB puts what does not fit into memory: a private folder, and nothing stays in it.

By itself DuckDB makes ``.tmp`` in the process's working directory, or a folder beside a database
that it only reads. Here each process has one folder in the system's place for such files
(``TMPDIR`` names another), which nobody else can look into: rows of learners may be in it. DuckDB
removes a session's part when the session ends, the process the whole when it does, and the next
process what was left by one that was killed.
"""

import atexit
import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from threading import Lock
from typing import Final
from uuid import uuid4

PREFIX: Final = "momentum-spill-"
_IN_USE: Final = "in-use"

_folders: Final[dict[int, Path]] = {}  # of this process, and of those that it was forked from
_one_at_a_time: Final = Lock()


def new_folder() -> Path:
    """A place for one session; DuckDB makes it when it first needs it."""
    process = os.getpid()
    with _one_at_a_time:
        folder = _folders.get(process)
        # Whoever tidies up the system's place removes what was not touched for days.
        if folder is None or not folder.is_dir():
            folder = _folders[process] = _make(process)
    return folder / uuid4().hex


def _make(process: int) -> Path:
    place = Path(tempfile.gettempdir())
    _sweep(place)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
    young = folder / f"{_IN_USE}.young"
    lock = os.open(young, os.O_CREAT | os.O_RDWR, 0o600)
    # Held as long as the process lives, however it ends; and before anybody can see it.
    fcntl.flock(lock, fcntl.LOCK_EX)
    young.rename(folder / _IN_USE)
    atexit.register(_remove, folder, process)
    return folder


def _remove(folder: Path, process: int) -> None:
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(place: Path) -> None:
    """Remove the folders of processes that were killed."""
    for folder in place.glob(f"{PREFIX}*"):
        try:
            lock = os.open(folder / _IN_USE, os.O_RDWR)
        except OSError:
            continue  # another account's, or just being made
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue  # its process lives
        finally:
            os.close(lock)
