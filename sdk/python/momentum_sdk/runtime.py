"""The moving parts of a client: definitions, outbox, sender, and their threads."""

import contextlib
import threading
import time

from .definitions import Definitions
from .notices import Notices
from .options import Options
from .outbox import Outbox
from .sender import Sender
from .wire import Wire


class Runtime:
    """What runs behind one client. Without a usable address it rests: nothing is sent or asked."""

    def __init__(self, base_url: str, key: str, options: Options, notices: Notices) -> None:
        self._options = options
        self._notices = notices
        self._starting = threading.Lock()
        self._is_closed = False
        self._wires = self._build_wires(base_url, key)
        self.is_running = not self._wires
        self.outbox = self._build_outbox()
        self.definitions = Definitions(self._wires[0] if self._wires else None, options, notices)
        self._sender: Sender | None = None

    def _build_wires(self, base_url: str, key: str) -> tuple[Wire, ...]:
        """One connection to ask and one to send; none when the address cannot be used."""
        timeout_s = self._options.request_timeout_s
        try:
            return Wire(base_url, key, timeout_s), Wire(base_url, key, timeout_s)
        except ValueError as error:
            self._notices.warn("address", "the client stays offline: %s", error)
        except Exception as error:  # the host must survive whatever it handed in
            self._notices.warn("address", "the client stays offline: %s", type(error).__name__)
        return ()

    def _build_outbox(self) -> Outbox:
        options = self._options
        outbox = Outbox(options.queue_size, options.batch_size, options.block_when_full_s)
        if not self._wires or self._is_closed:
            outbox.close()
        return outbox

    def start(self) -> None:
        """Start the threads, if they do not run and should."""
        with self._starting:
            if self.is_running or self._is_closed:
                return
            self.is_running = True
            try:
                self._sender = Sender(self.outbox, self._wires[1], self._options, self._notices)
                self._sender.start()
                self.definitions.start()
            except RuntimeError:  # the interpreter is ending and starts no more threads
                self._notices.warn("threads", "no thread can be started; events are not sent")

    def close(self, timeout_s: float) -> None:
        """Send what waits, at most so long, and stop; a second call does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        deadline = time.monotonic() + timeout_s
        if self._wires:
            self.outbox.flush(timeout_s)
        n_lost = self.outbox.close()
        self.definitions.close()
        if n_lost:
            self._notices.warn("lost", "%d events were not delivered before the end", n_lost)
        if self._sender is not None:
            self._sender.join(deadline - time.monotonic())
        self.is_running = True  # closed for good: nothing is to be started again

    def abandon(self) -> None:
        """The host let go of the client without closing it: close it without making anyone wait."""
        if self._is_closed:
            return
        closing = threading.Thread(
            target=self.close, args=(self._options.exit_timeout_s,), daemon=True
        )
        with contextlib.suppress(RuntimeError):  # the interpreter is ending: nothing to close for
            closing.start()

    def after_fork(self) -> None:
        """In a forked child: an empty outbox (the parent sends its own) and no threads yet."""
        self._starting = threading.Lock()
        for wire in self._wires:
            wire.forget()
        self.outbox = self._build_outbox()
        self.definitions.after_fork()
        self._sender = None
        self.is_running = self._is_closed or not self._wires
