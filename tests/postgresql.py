"""A real, private PostgreSQL server for the tests: its own folder, its own socket, no port."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

HELP = (
    "The tests run on a real PostgreSQL and found none: initdb is neither below "
    "/usr/lib/postgresql/*/bin nor on the PATH. On Debian: apt-get install postgresql"
)
FAST = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_connections=200",
    "listen_addresses=",
)


def binaries() -> Path:
    """The folder of PostgreSQL's programs.

    Raises:
        RuntimeError: there is none; the sentence says how to get it.
    """
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_major)
    on_path = shutil.which("initdb")
    if found:
        return found[-1].parent
    if on_path:
        return Path(on_path).resolve().parent
    raise RuntimeError(HELP)


@contextmanager
def cluster(settings: Sequence[str] = FAST) -> Iterator[str]:
    """Start a server, yield the URL of its empty maintenance database, stop it, remove it."""
    programs = binaries()
    folder = Path(tempfile.mkdtemp(prefix="momentum-pg-"))
    owner = "postgres" if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
    if owner:
        shutil.chown(folder, owner)
    data = folder / "data"
    run = _runner(folder, owner)
    try:
        run(programs / "initdb", "-D", data, "-U", "momentum", "-A", "trust", "-E", "UTF8",
            "--locale=C", "--no-sync")  # fmt: skip
        # A socket file only: a free port could be taken between the probe and the start.
        options = " ".join([f"-k {folder}", *(f"-c {setting}" for setting in settings)])
        run(programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
        yield f"postgresql://momentum@/postgres?host={folder}"
        run(programs / "pg_ctl", "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _runner(folder: Path, owner: str | None):
    identity = {"user": owner, "group": owner, "extra_groups": []} if owner else {}

    def run(*arguments: object) -> None:
        done = subprocess.run(
            [str(argument) for argument in arguments],
            cwd=folder, env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False, **identity,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{arguments[0]} failed: {done.stderr}")

    return run


def _major(path: Path) -> int:
    return int(path.parts[-3])
