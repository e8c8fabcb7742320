"""Whether the folders can be written, and have room."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from analysis.storage import is_local
from experiment_server.doctor.finding import Finding, Level
from experiment_server.state import State

AREA: Final = "disk"
GIB: Final = 1 << 30
LOW_BYTES: Final = 5 * GIB
LOW_SHARE: Final = 0.10
EMPTY_BYTES: Final = GIB // 2
NETWORK: Final = ("nfs", "cifs", "smb", "fuse.sshfs", "9p")  # where SQLite's locks may not hold


def check(state: State) -> Iterator[Finding]:
    """Each folder that the settings name, once per place."""
    for what, folder in _folders(state):
        yield _room(what, folder)
        if not os.access(_existing(folder), os.W_OK):
            remedy = f"Give the server's account the right to write {folder}."
            yield Finding(AREA, Level.ERROR, f"The {what} cannot be written.", remedy)
    path = state.database.url.database
    if state.database.dialect == "sqlite" and path and _is_network(Path(path)):
        remedy = "Move the database to a disk of this machine, or use PostgreSQL."
        what = f"SQLite's file {path} lies on a network file system, whose locks may not hold."
        yield Finding(AREA, Level.ERROR, what, remedy)


def _folders(state: State) -> Iterator[tuple[str, Path]]:
    yield "data folder", Path(state.settings.data_dir)
    if is_local(state.settings.lake_dir):
        yield "lake folder", Path(state.settings.lake_dir)


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above that is there already."""
    return next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())


def _room(what: str, folder: Path) -> Finding:
    usage = shutil.disk_usage(_existing(folder))
    free = f"{usage.free / GIB:.1f} GiB ({usage.free / usage.total:.0%}) free for the {what}"
    remedy = (
        "Make room or add disk: events are refused once nothing can be written. "
        "`momentum erase` and retention free what need not be kept."
    )
    if usage.free < EMPTY_BYTES:
        return Finding(AREA, Level.ERROR, f"Only {free}, {folder}.", remedy)
    if usage.free < LOW_BYTES and usage.free < LOW_SHARE * usage.total:
        return Finding(AREA, Level.WARNING, f"Only {free}, {folder}.", remedy)
    return Finding(AREA, Level.FINE, f"{free}, {folder}.")


def _is_network(path: Path, mounts: Path = Path("/proc/mounts")) -> bool:
    """Whether a file lies on a network file system, where the machine tells of its mounts."""
    if not mounts.exists():
        return False
    place = str(_existing(path.parent).resolve())
    kinds = {
        row.split()[1]: row.split()[2]
        for row in mounts.read_text(errors="replace").splitlines()
        if len(row.split()) > 2
    }
    inside = [at for at in kinds if place == at or place.startswith(at.rstrip("/") + "/")]
    return bool(inside) and kinds[max(inside, key=len)].startswith(NETWORK)
