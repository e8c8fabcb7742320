"""Sends what is in the outbox, in the background, until the server has it."""

import gzip
import json
import threading
from typing import Any

from .backoff import Backoff, Pause
from .notices import Notices
from .options import Options
from .outbox import Outbox
from .wire import Answer, NoAnswer, Wire

PATH = "/api/v1/events"
_PLAIN = {"Content-Type": "application/json"}
_GZIPPED = {**_PLAIN, "Content-Encoding": "gzip"}


class Sender:
    """A thread that delivers batches, one after the other, each until it is settled."""

    def __init__(self, outbox: Outbox, wire: Wire, options: Options, notices: Notices) -> None:
        self._outbox = outbox
        self._wire = wire
        self._options = options
        self._notices = notices
        self._backoff = Backoff(options.retry_base_s)
        self._may_compress = options.compress
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread."""
        thread = threading.Thread(target=self._run, name="momentum-sender", daemon=True)
        thread.start()
        self._thread = thread

    def join(self, timeout_s: float) -> None:
        """Wait for the thread to end, but not for long."""
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(max(timeout_s, 0.0))

    def _run(self) -> None:
        while self._outbox.wait_for_work(self._options.flush_interval_s):
            n_flushes = self._outbox.n_flushes
            try:
                batch = self._outbox.take()
                if batch:
                    self._deliver(batch)
            except Exception as error:  # the thread must survive, or events would pile up unsent
                self._notices.warn("sender", "sending failed: %s", type(error).__name__)
                self._outbox.put_back()
                self._wait_to_retry(self._backoff.after_failure(), n_flushes)
        self._wire.close()

    def _deliver(self, batch: list[bytes]) -> bool:
        """Send one batch until the server has taken or refused it.

        Returns:
            False when the outbox was closed before.
        """
        while True:
            status, retry_after = None, None
            n_flushes = self._outbox.n_flushes
            try:
                answer = self._post(batch)
            except NoAnswer as error:
                self._notices.warn("events", "events wait: the server did not answer (%s)", error)
            else:
                if answer.status == 413 and len(batch) > 1:
                    middle = len(batch) // 2
                    return self._deliver(batch[:middle]) and self._deliver(batch[middle:])
                if self._settle(batch, answer):
                    self._backoff.succeeded()
                    return True
                status, retry_after = answer.status, answer.headers.get("retry-after")
                self._notices.warn("events", "events wait: the server answered %d", status)
            pause = self._backoff.after_failure(status, retry_after)
            if not self._wait_to_retry(pause, n_flushes):
                return False

    def _wait_to_retry(self, pause: Pause, n_flushes: int) -> bool:
        is_open = self._outbox.wait_to_retry(pause, n_flushes)
        if self._outbox.n_flushes > n_flushes:
            self._backoff.hurried()
        return is_open

    def _post(self, batch: list[bytes]) -> Answer:
        body = b'{"items":[' + b",".join(batch) + b"]}"
        if self._may_compress:
            answer = self._wire.ask("POST", PATH, gzip.compress(body, compresslevel=1), _GZIPPED)
            if answer.status not in (400, 415):
                return answer
            self._may_compress = False  # the server does not read gzip: the events are not at fault
            self._notices.warn("gzip", "the server does not take compressed events; sent plain")
        return self._wire.ask("POST", PATH, body, _PLAIN)

    def _settle(self, batch: list[bytes], answer: Answer) -> bool:
        """Count what the server said; False when the batch is to be sent again."""
        if answer.status in (202, 422):
            refused = _refused(answer)
            if refused is None:
                return False  # a proxy's page, a broken body: nobody said that the events are safe
            self._warn_of_refused(refused)
            n_refused = min(len(refused), len(batch))
            if answer.status == 422:
                n_refused = len(batch)
            self._outbox.settle(len(batch) - n_refused, n_refused)
            return True
        if answer.status in (400, 413, 415):
            self._notices.warn(
                "refused", "the server refused a batch of %d with %d", len(batch), answer.status
            )
            self._outbox.settle(0, len(batch))
            return True
        return False

    def _warn_of_refused(self, refused: list[Any]) -> None:
        if not refused:
            return
        first = refused[0] if isinstance(refused[0], dict) else {}
        self._notices.warn(
            "refused",
            "the server refused %d events; the first because of its %s: %s",
            len(refused),
            str(first.get("field", "content"))[:60],
            str(first.get("remedy", "see the server's log"))[:300],
        )


def _refused(answer: Answer) -> list[Any] | None:
    """The list of refused items; None when the answer is not the server's."""
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    refused = said.get("refused")
    if answer.status == 202:
        return refused if isinstance(refused, list) and "accepted" in said else None
    return refused if isinstance(refused, list) else None
