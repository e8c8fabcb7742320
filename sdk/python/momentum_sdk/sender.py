"""Sends what is in the outbox, in the background, until the server has it."""

import gzip
import json
import threading
from typing import Any, Final

from .backoff import Backoff, Pause
from .fitting import Fit, cut, n_bytes
from .notices import Notices
from .options import Options
from .outbox import Outbox
from .wire import Answer, NoAnswer, Wire

PATH = "/api/v1/events"
_PLAIN = {"Content-Type": "application/json"}
_GZIPPED = {**_PLAIN, "Content-Encoding": "gzip"}
_PROMPT_HALVINGS: Final = 10  # enough to find one bad event among a thousand


class Sender:
    """A thread that delivers batches, one after the other, each until it is settled."""

    def __init__(self, outbox: Outbox, wire: Wire, options: Options, notices: Notices) -> None:
        self._outbox = outbox
        self._wire = wire
        self._options = options
        self._notices = notices
        self._backoff = Backoff(options.retry_base_s)
        self._may_compress = options.compress
        self._fit = Fit()
        self._n_in_vain = 0  # halvings since the server last took anything
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
                self._outbox.put_back()
                self._notices.warn("sender", "sending failed: %s", type(error).__name__)
                self._wait_to_retry(self._backoff.after_failure(), n_flushes)
        self._wire.close()

    def _deliver(self, batch: list[bytes]) -> bool:
        """Send one batch until the server has taken or refused it, in parts if it must be.

        Returns:
            False when the outbox was closed before.
        """
        parts = [batch]  # the first events last, because they are settled in order
        n_halvings = 0
        self._fit.hope()
        while parts:
            part, rest = cut(parts.pop(), self._fit.most_bytes)
            parts += [rest] if rest else []
            answer = self._answer_to(part)
            if answer is None:
                return False
            self._fit.learn(n_bytes(part), answer.status)
            if len(part) > 1 and _may_spare_some(answer, len(part)):
                n_halvings += 1
                self._n_in_vain += 1
                if not self._may_halve(n_halvings):
                    return False
                middle = len(part) // 2
                parts += [part[middle:], part[:middle]]
            else:
                if answer.status == 202:
                    self._n_in_vain = 0
                self._settle(part, answer)
                self._backoff.succeeded()
        return True

    def _answer_to(self, batch: list[bytes]) -> Answer | None:
        """The server's last word on a batch; None when the outbox was closed before it came."""
        while True:
            status, retry_after = None, None
            n_flushes = self._outbox.n_flushes
            try:
                answer = self._post(batch)
            except NoAnswer as error:
                self._notices.warn("events", "events wait: the server did not answer (%s)", error)
            else:
                if _is_last_word(answer):
                    return answer
                status, retry_after = answer.status, answer.headers.get("retry-after")
                self._notices.warn("events", "events wait: the server answered %d", status)
            pause = self._backoff.after_failure(status, retry_after)
            if not self._wait_to_retry(pause, n_flushes):
                return None

    def _may_halve(self, n_halvings: int) -> bool:
        """Wait if there were many, ever longer if all were in vain; False when it was closed."""
        if self._n_in_vain > _PROMPT_HALVINGS:
            pause = self._backoff.after_failure()
        elif n_halvings > _PROMPT_HALVINGS:
            pause = Pause(self._options.retry_base_s, self._options.retry_base_s)
        else:
            return True
        return self._wait_to_retry(pause, self._outbox.n_flushes)

    def _wait_to_retry(self, pause: Pause, n_flushes: int) -> bool:
        is_open = self._outbox.wait_to_retry(pause, n_flushes)
        if self._outbox.n_flushes > n_flushes:
            self._backoff.hurried()
        return is_open

    def _post(self, batch: list[bytes]) -> Answer:
        body = b'{"items":[' + b",".join(batch) + b"]}"
        if not self._may_compress:
            return self._wire.ask("POST", PATH, body, _PLAIN)
        answer = self._wire.ask("POST", PATH, gzip.compress(body, compresslevel=1), _GZIPPED)
        if answer.status not in (400, 415):
            return answer
        answer = self._wire.ask("POST", PATH, body, _PLAIN)
        if answer.status in (202, 422):  # it was gzip that the server did not read
            self._may_compress = False
            self._notices.warn("gzip", "the server does not take compressed events; sent plain")
        return answer

    def _settle(self, batch: list[bytes], answer: Answer) -> None:
        """Count what the server said, and say why it refused what it did."""
        refused = _refused(answer)
        n_refused = min(len(refused), len(batch)) if answer.status == 202 else len(batch)
        if n_refused:
            self._warn_of_refused(n_refused, answer.status, refused or _errors(answer))
        self._outbox.settle(len(batch) - n_refused, n_refused)

    def _warn_of_refused(self, n_refused: int, status: int, reasons: list[Any]) -> None:
        first = reasons[0] if reasons and isinstance(reasons[0], dict) else {}
        self._notices.warn(
            "refused",
            "the server refused %d events (%d); the first because of its %s: %s",
            n_refused,
            status,
            str(first.get("field", "content"))[:60],
            str(first.get("remedy", "see the server's log"))[:300],
        )


def _is_last_word(answer: Answer) -> bool:
    """Whether the events are taken or refused; a proxy's page, a broken body are not believed."""
    if answer.status == 202:
        said = _said(answer)
        return "accepted" in said and isinstance(said.get("refused"), list)
    return answer.status in (400, 413, 415) or (answer.status == 422 and bool(_said(answer)))


def _may_spare_some(answer: Answer, n_sent: int) -> bool:
    """Whether a batch was refused whole, though some of its events may be good by themselves."""
    is_each_refused = answer.status == 422 and len(_refused(answer)) >= n_sent
    return answer.status in (400, 413, 422) and not is_each_refused


def _said(answer: Answer) -> dict[str, Any]:
    """The object that the server answered with; empty when it is none."""
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _refused(answer: Answer) -> list[Any]:
    """The refusals of single events."""
    refused = _said(answer).get("refused")
    return refused if isinstance(refused, list) else []


def _errors(answer: Answer) -> list[Any]:
    """What was wrong with the request as a whole."""
    errors = _said(answer).get("errors")
    return errors if isinstance(errors, list) else []
