"""Changes of definitions as they happen: an event stream says when to ask for them."""

import threading
from collections.abc import Callable
from typing import Final

from .backoff import Backoff
from .definitions import Definitions
from .notices import Notices
from .options import Options
from .wire import Declined, NoAnswer, Wire

SERVER_PATH: Final = "/api/v1/stream"
CLIENT_PATH: Final = "/sub/"  # and the key, which is no secret
CLIENT_KEY: Final = "mo_client_"
LONGEST_SILENCE_S: Final = 60.0  # the server says something each 15 s
SHORTEST_BETWEEN_S: Final = 1.0


def stream_path(key: str) -> str:
    """Where the stream of a key is."""
    return CLIENT_PATH + key if key.startswith(CLIENT_KEY) else SERVER_PATH


class Stream:
    """A thread that listens, and lets the definitions be asked for after each event.

    Polling goes on while the stream is away, so that nothing depends on it but speed.
    """

    def __init__(
        self, wire: Wire, path: str, definitions: Definitions, options: Options, notices: Notices
    ) -> None:
        self._wire = wire
        self._path = path
        self._definitions = definitions
        self._notices = notices
        self._backoff = Backoff(options.retry_base_s)
        self._closed = threading.Event()
        self.wait: Callable[[float], bool] = self._closed.wait

    def start(self) -> None:
        """Start the thread."""
        threading.Thread(target=self.run, name="momentum-stream", daemon=True).start()

    def close(self) -> None:
        """Let the thread end, even if it is listening."""
        self._closed.set()
        self._wire.interrupt()

    def run(self) -> None:
        """Listen until closed; pause after each end of the stream, a clean one too."""
        while not self._closed.is_set():
            status, retry_after, why = None, None, "it ended"
            try:
                self._listen()
            except Declined as declined:
                status, retry_after = declined.status, declined.retry_after
                why = f"the server answered {status}"
            except NoAnswer as error:
                why = str(error)
            except Exception as error:  # the thread must survive, or changes would come late
                why = type(error).__name__
            self._definitions.stream_ended()
            if self._closed.is_set():
                return
            self._notices.warn("stream", "definitions are polled: no stream (%s)", why)
            # only what is heard is health: a stream may be silent because it is broken
            pause = self._backoff.after_failure(status, retry_after, is_quiet_healthy=False)
            self.wait(pause.wait_s)

    def _listen(self) -> None:
        has_data, is_middle = False, False
        for line in self._wire.listen(self._path, LONGEST_SILENCE_S):
            if self._closed.is_set():
                return
            self._definitions.stream_heard()
            self._backoff.succeeded()
            if not is_middle:
                if line in (b"\n", b"\r\n"):
                    if has_data:
                        self._definitions.ask_soon()
                        self.wait(SHORTEST_BETWEEN_S)  # a flood of events is one change
                    has_data = False
                elif line.startswith(b"data"):
                    has_data = True
            is_middle = not line.endswith(b"\n")
