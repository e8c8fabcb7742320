"""Events on disk: what was handed over outlives an outage and the death of the process.

Each process has a home of its own in the spool's folder: append-only segments, and a lock that the
system lets go of when the process dies. A home whose lock is free is an orphan; the next process
adopts it and sends what it holds under the same ids, so that the server stores each event once.
"""

import contextlib
import fcntl
import os
import stat
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Final
from zlib import crc32

from .notices import Notices

LARGEST_SEGMENT: Final = 1024 * 1024
_SUFFIX: Final = ".spool"
_FRAME: Final = 10  # eight digits of checksum, a space, an end of line
_NEVER_FOLLOW: Final = getattr(os, "O_NOFOLLOW", 0)


@dataclass(slots=True, eq=False)
class Home:
    """One process's folder and its lock."""

    path: Path
    lock: int

    def leave(self) -> None:
        """Remove the folder if it is empty, and let go of the lock."""
        lock, self.lock = self.lock, -1  # cleared first: a fork in between must not close it twice
        if lock < 0:
            return
        with contextlib.suppress(OSError):
            if not any(self.path.glob("*.events")):
                (self.path / "lock").unlink()
                self.path.rmdir()
        os.close(lock)

    def forget(self) -> None:
        """In a forked child: close the parent's lock, which stays the parent's."""
        lock, self.lock = self.lock, -1
        if lock >= 0:
            os.close(lock)


@dataclass(slots=True, eq=False)
class Segment:
    """One file of records, each `<checksum> <JSON>` on a line."""

    home: Home
    path: Path
    end: int  # the bytes that hold records
    n_left: int  # records not yet settled
    start: int = 0  # the bytes that are settled


class Spool:
    """A first-in, first-out queue of events in files. Safe between threads."""

    def __init__(self, folder: str, sender: str, most_bytes: int, notices: Notices) -> None:
        """Prepare; nothing is written.

        Args:
            folder: where the homes are.
            sender: address and key; events are adopted only by a process that has the same.
            most_bytes: how much may wait on disk.
            notices: where to say what is wrong.
        """
        self._folder = Path(folder)
        self._tag = sha256(sender.encode()).hexdigest()[:12]
        self._most_bytes = most_bytes
        self._segment_bytes = min(LARGEST_SEGMENT, max(most_bytes // 8, 1))
        self._notices = notices
        self._disk = Lock()
        self._home: Home | None = None
        self._segments: list[Segment] = []
        self._taken: list[int] = []  # the sizes of the records that were read and not yet settled
        self._writing: tuple[Segment, int] | None = None
        self._reading: tuple[Segment, int] | None = None
        self._n_made = 0
        self._is_closed = False
        self.n_bytes = 0

    def has_room(self, n_items: int, n_bytes: int) -> bool:
        """Whether so many items, of so many bytes together, can still be written."""
        return self.n_bytes + n_bytes + n_items * _FRAME <= self._most_bytes

    def write(self, items: list[bytes]) -> None:
        """Append items; all of them are on disk afterwards, or none.

        Raises:
            OSError: the disk is full, or the folder cannot be written.
        """
        lines = b"".join(b"%08x %b\n" % (crc32(item), item) for item in items)
        with self._disk:
            segment, handle = self._writable()
            try:
                _write_whole(handle, lines)
            except OSError:
                with contextlib.suppress(OSError):
                    os.ftruncate(handle, segment.end)
                self._seal()
                raise
            segment.end += len(lines)
            segment.n_left += len(items)
            self.n_bytes += len(lines)
            if segment.end >= self._segment_bytes:
                self._seal()

    def read(self, n_most: int, n_bytes: int) -> tuple[list[bytes], int]:
        """The next records, which stay until they are settled, and how many were found broken."""
        with self._disk:
            n_broken = 0
            while self._segments and not self._is_closed:
                segment = self._segments[0]
                items, sizes = self._records(segment, n_most, n_bytes)
                if items:
                    self._taken = sizes
                    return items, n_broken
                if segment.n_left:
                    self._warn_broken()
                    n_broken += segment.n_left
                self._finish(segment)
                if not self._segments or self._segments[0] is segment:
                    break
            return [], n_broken

    def settle(self, n: int) -> None:
        """The first records of those that were read need not be kept any longer."""
        with self._disk:
            if self._is_closed or not self._segments:
                return
            segment = self._segments[0]
            done, self._taken = self._taken[:n], self._taken[n:]
            segment.start += sum(done)
            segment.n_left -= len(done)
            if segment.n_left <= 0:
                self._finish(segment)

    def find_orphans(self) -> list[Segment]:
        """What dead processes left behind; locked for us, and to be given to `adopt`."""
        found: list[Segment] = []
        n_foreign = 0
        with contextlib.suppress(OSError):
            for path in sorted(self._folder.glob("*" + _SUFFIX)):
                if self._is_ours(path):
                    continue
                if not path.name.startswith(self._tag):
                    n_foreign += 1
                    continue
                home = _lock(path)
                if home is not None:
                    segments = self._segments_in(home)
                    found += segments
                    if not segments:
                        home.leave()
        if n_foreign:
            self._notices.warn("foreign", "spool_dir holds events of another key; they stay there")
        return found

    def adopt(self, orphans: list[Segment]) -> None:
        """Queue what `find_orphans` found, behind all that was written so far."""
        with self._disk:
            self._seal()
            self._segments += orphans
            self.n_bytes += sum(segment.end for segment in orphans)

    def close(self) -> None:
        """Let go of everything; what was not settled waits for the next process."""
        with self._disk:
            self._is_closed = True
            self._seal()
            self._stop_reading()
            for segment in self._segments:
                if not segment.n_left:
                    with contextlib.suppress(OSError):
                        segment.path.unlink()
            for home in self._homes():
                home.leave()

    def forget(self) -> None:
        """In a forked child: let go of the parent's files without touching them."""
        self._is_closed = True
        self._seal()
        self._stop_reading()
        for home in self._homes():
            home.forget()

    def _homes(self) -> set[Home]:
        homes = {segment.home for segment in self._segments}
        return homes if self._home is None else homes | {self._home}

    def _is_ours(self, path: Path) -> bool:
        return any(home.path == path for home in self._homes())

    def _writable(self) -> tuple[Segment, int]:
        """The segment that is written to, and its handle."""
        if self._is_closed:
            raise OSError("the spool is closed")
        if self._writing is None:
            if self._home is None or not self._home.path.is_dir():
                self._home = _make_home(self._folder, self._tag)
            self._n_made += 1
            path = self._home.path / f"{self._n_made:08d}.events"
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND
            segment = Segment(self._home, path, 0, 0)
            self._writing = segment, os.open(path, flags | _NEVER_FOLLOW, 0o600)
            self._segments.append(segment)
        return self._writing

    def _seal(self) -> None:
        """Write no more to the current segment."""
        writing, self._writing = self._writing, None
        if writing is not None:
            os.close(writing[1])

    def _stop_reading(self) -> None:
        reading, self._reading = self._reading, None
        if reading is not None:
            os.close(reading[1])

    def _records(
        self, segment: Segment, n_most: int, n_bytes: int
    ) -> tuple[list[bytes], list[int]]:
        """The next good records of a segment, and the size of each with the broken before it."""
        items: list[bytes] = []
        sizes: list[int] = []
        skipped = 0
        try:
            chunk = self._chunk(segment, n_bytes)
        except OSError:
            return [], []
        for line in chunk.splitlines(keepends=True):
            item = _item_in(line)
            if item is None:
                skipped += len(line)
                continue
            items.append(item)
            sizes.append(skipped + len(line))
            skipped = 0
            if len(items) == n_most:
                break
        return items, sizes

    def _chunk(self, segment: Segment, n_bytes: int) -> bytes:
        """Some bytes of a segment that are not settled: whole lines, unless one is endless."""
        if self._reading is None or self._reading[0] is not segment:
            self._stop_reading()
            self._reading = segment, os.open(segment.path, os.O_RDONLY | _NEVER_FOLLOW)
        chunk = os.pread(self._reading[1], min(n_bytes, segment.end - segment.start), segment.start)
        whole = chunk.rfind(b"\n") + 1
        return chunk[:whole] if whole and segment.start + len(chunk) < segment.end else chunk

    def _finish(self, segment: Segment) -> None:
        """All of a segment is settled: empty it if it is still written to, else remove it."""
        self._taken = []
        self.n_bytes -= segment.end
        if self._writing is not None and self._writing[0] is segment:
            with contextlib.suppress(OSError):
                os.ftruncate(self._writing[1], 0)
                segment.start = segment.end = segment.n_left = 0
                return
            self._seal()
        self._stop_reading()
        self._segments.remove(segment)
        with contextlib.suppress(OSError):
            segment.path.unlink()
        home = segment.home
        if home is not self._home and all(other.home is not home for other in self._segments):
            home.leave()

    def _segments_in(self, home: Home) -> list[Segment]:
        """A dead process's segments; how many records each holds is counted, broken ones not."""
        segments = []
        for path in sorted(home.path.glob("*.events")):
            segment = Segment(home, path, 0, 0)
            with contextlib.suppress(OSError):
                lines = path.read_bytes().splitlines(keepends=True)
                segment.end = sum(map(len, lines))
                segment.n_left = sum(_item_in(line) is not None for line in lines)
                if segment.n_left < len(lines):
                    self._warn_broken()
            if segment.n_left:
                segments.append(segment)
            else:
                with contextlib.suppress(OSError):
                    path.unlink()
        return segments

    def _warn_broken(self) -> None:
        self._notices.warn("spool", "spool_dir holds half-written or broken events; left out")


def _item_in(line: bytes) -> bytes | None:
    """The JSON of a line; None when it is half-written or was damaged."""
    if len(line) <= _FRAME or line[-1:] != b"\n":
        return None
    item = line[9:-1]
    return item if line[:9] == b"%08x " % crc32(item) else None


def _write_whole(handle: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(handle, left) :]


def _make_home(folder: Path, tag: str) -> Home:
    """A new folder with a lock that is ours.

    Raises:
        OSError: the folder cannot be made.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    while True:
        path = folder / f"{tag}-{os.getpid()}-{os.urandom(4).hex()}{_SUFFIX}"
        path.mkdir(mode=0o700)
        with contextlib.suppress(FileNotFoundError):  # another process took it for a dead one's
            handle = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            os.close(handle)
            home = _lock(path)
            if home is not None:
                return home


def _lock(path: Path) -> Home | None:
    """A home that nobody holds, now ours; None when its process lives or it is not to be trusted.

    A lock of `flock` belongs to the open file: it ends with the process, however it dies, and holds
    between two clients of one process too.
    """
    try:
        about = path.lstat()
        if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid():
            return None  # somebody else's, in a folder that many may write to
        handle = os.open(path / "lock", os.O_RDWR | _NEVER_FOLLOW)
    except FileNotFoundError:
        with contextlib.suppress(OSError):
            path.rmdir()  # its process died between two steps; only an empty folder goes
        return None
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(handle), (path / "lock").stat()):
            return Home(path, handle)
    except OSError:
        pass
    os.close(handle)
    return None
