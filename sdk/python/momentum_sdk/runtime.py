"""The moving parts of a client: definitions, outbox, sender, and their threads."""

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Final

from .definitions import Definitions
from .items import ItemIds
from .notices import Notices
from .options import Options
from .outbox import SPOOLED_WITHIN_S, Outbox
from .sender import Sender
from .streaming import Stream, stream_path
from .wire import Wire

if TYPE_CHECKING:
    from .spool import Spool
    from .spooler import Spooler
    from .sticky import Remembering


BYTES_IN_MB: Final = 1024 * 1024


class Runtime:
    """What runs behind one client. Without a usable address it rests: nothing is sent or asked."""

    def __init__(self, base_url: str, key: str, options: Options, notices: Notices) -> None:
        self._options = options
        self._notices = notices
        self._starting = threading.Lock()
        self._is_closed = False
        self._closing: threading.Thread | None = None
        self._sender_name = ""
        self._stream_path = ""
        self._wires = self._build_wires(base_url, key)
        self._spool: Spool | None = None
        self.is_running = not self._wires
        self.exit_timeout_s = options.exit_timeout_s
        self.ids = ItemIds()
        self.remembering = self._build_remembering()
        self.outbox = self._build_outbox()
        self.definitions = Definitions(self._wires[0] if self._wires else None, options, notices)
        self._sender: Sender | None = None
        self._spooler: Spooler | None = None
        self._stream: Stream | None = None

    def _build_wires(self, base_url: str, key: str) -> tuple[Wire, ...]:
        """Connections to ask, to send and perhaps to listen; none when the address is of no use."""
        if self._options.offline:
            return ()
        timeout_s = self._options.request_timeout_s
        try:
            n_wires = 3 if self._options.streaming else 2
            wires = tuple(Wire(base_url, key, timeout_s) for _ in range(n_wires))
            self._stream_path = stream_path(key) if self._options.streaming else ""
            self._sender_name = f"{base_url} {key}"
            return wires  # noqa: TRY300 - all of it is what may fail
        except ValueError as error:
            self._notices.warn("address", "the client stays offline: %s", error)
        except Exception as error:  # the host must survive whatever it handed in
            self._notices.warn("address", "the client stays offline: %s", type(error).__name__)
        return ()

    def _build_remembering(self) -> "Remembering | None":
        if self._options.sticky is False:
            return None
        from .sticky import Remembering

        return Remembering(self._options.sticky, self._notices)

    def _build_outbox(self) -> Outbox:
        options = self._options
        self._spool = self._build_spool()
        outbox = Outbox(
            options.queue_size, options.batch_size, options.block_when_full_s, self._spool
        )
        if not self._wires or self._is_closed:
            outbox.close()
        return outbox

    def _build_spool(self) -> "Spool | None":
        """The spool, if one is asked for and the system can lock files."""
        options = self._options
        if options.spool_dir is None or not self._wires or self._is_closed:
            return None
        try:
            from .spool import Spool
        except ImportError:
            self._notices.warn("spool", "spool_dir needs a POSIX system; events wait in memory")
            return None
        most_bytes = options.spool_max_mb * BYTES_IN_MB
        return Spool(options.spool_dir, self._sender_name, most_bytes, self._notices)

    def start(self) -> None:
        """Start the threads, if they do not run and should."""
        with self._starting:
            if self.is_running or self._is_closed:
                return
            self.is_running = True
            try:
                self._start_spooler()
                self._sender = Sender(self.outbox, self._wires[1], self._options, self._notices)
                self._sender.start()
                self.definitions.start()
                self._start_stream()
            except RuntimeError:  # the interpreter is ending and starts no more threads
                self._notices.warn("threads", "no thread can be started; events are not sent")

    def _start_spooler(self) -> None:
        if self._spool is not None:
            from .spooler import Spooler

            self._spooler = Spooler(self.outbox, self._spool, self._notices)
            self._spooler.start()

    def _start_stream(self) -> None:
        if self._stream_path:
            self._stream = Stream(
                self._wires[2], self._stream_path, self.definitions, self._options, self._notices
            )
            self._stream.start()

    def hurry(self) -> None:
        """Begin to send what waits, without waiting for it."""
        self.outbox.flush(0)

    def close(self, timeout_s: float) -> None:
        """Send what waits, at most so long, and stop; a second call does nothing of that."""
        if self._is_closed:
            if self._closing is not None:
                self._closing.join(timeout_s)  # the process ends while it still sends
            return
        self._is_closed = True
        deadline = time.monotonic() + timeout_s
        if self._wires:
            self.outbox.flush(timeout_s)
        self.outbox.stop()
        if self._spooler is not None:
            self._spooler.join(max(deadline - time.monotonic(), SPOOLED_WITHIN_S))
        n_lost = self.outbox.close()
        if self._stream is not None:
            self._stream.close()
        self.definitions.close()
        if n_lost:
            self._notices.warn("lost", "%d events were not delivered before the end", n_lost)
        if self._sender is not None:
            self._sender.join(deadline - time.monotonic())
        if self._spool is not None:
            self._spool.close()
            n_kept = self.outbox.counts().waiting
            if n_kept:
                self._notices.warn("kept", "%d events wait in spool_dir", n_kept)
        self.is_running = True  # closed for good: nothing is to be started again

    def abandon(self) -> None:
        """The host let go of the client without closing it: close it without making anyone wait."""
        if self._is_closed:
            return
        closing = threading.Thread(target=self.close, args=(self.exit_timeout_s,), daemon=True)
        with contextlib.suppress(RuntimeError):  # the interpreter is ending: nothing to close for
            closing.start()
            self._closing = closing

    def after_fork(self) -> None:
        """In a forked child: an empty outbox (the parent sends its own) and no threads yet."""
        self._starting = threading.Lock()
        self._closing = None
        self.ids = ItemIds()
        if self.remembering is not None:
            self.remembering.after_fork()
        for wire in self._wires:
            wire.forget()
        if self._spool is not None:
            self._spool.forget()
        self.outbox = self._build_outbox()
        self.definitions.after_fork()
        self._sender = None
        self._spooler = None
        self._stream = None
        self.is_running = self._is_closed or not self._wires
