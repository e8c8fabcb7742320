"""The definitions that the client decides by: polled, kept, never thrown away."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from ._assignment import AssignmentError, InvalidPayload, Payload, parse_payload
from .answers import Status
from .backoff import DICE, Backoff, Pause
from .keeping import Keeper, read_json
from .notices import Notices
from .options import Options
from .wire import Answer, NoAnswer, Wire

PATH = "/api/v1/payload"
OLDER_BEFORE_BELIEVED = 3
STALE_AFTER_POLLS: Final = 3
STREAMED_POLL_S: Final = 300.0


class Definitions:
    """Holds the newest payload; a thread asks for a newer one."""

    def __init__(
        self,
        wire: Wire | None,
        options: Options,
        notices: Notices,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.payload: Payload | None = None
        self.listener: Callable[[str], None] | None = None
        self._was_stale = False
        self._source = "none"
        self._confirmed_at: float | None = None
        self._heard_at: float | None = None  # from a stream that is open
        self._clock = clock
        self._wire = wire
        self._options = options
        self._notices = notices
        self._backoff = Backoff(options.retry_base_s)
        self._changed = threading.Condition(threading.Lock())
        self._etag: str | None = None
        self._n_older = 0
        self._n_asked = 0  # polls that the host asked for
        self._n_answered = 0  # of these, how many have been made
        self._is_fresh = False
        self._is_closed = False
        self._decrypt = self._decrypter(options.decryption_key)
        self._keeper = Keeper(options.payload_file, notices) if options.payload_file else None
        self._begin("file", None if self._keeper is None else self._keeper.load())
        self._begin("given", self._given())
        self._is_fresh = options.offline and self.payload is not None

    def _decrypter(self, key: str | None) -> Callable[[Any], Any] | None:
        """What decrypts payloads; it is imported here, before there are threads that would."""
        if key is None:
            return None
        try:
            from ._assignment.encrypted import decrypt_payload
        except ImportError:
            what = "decryption_key needs the package cryptography: momentum-sdk[encryption]"
            self._notices.warn("encrypted", what)
            return None
        return lambda data: decrypt_payload(data, key) if isinstance(data, dict) else data

    def _given(self) -> Any:
        """What the host gave to begin with."""
        given = self._options.payload
        if not isinstance(given, str):
            return given
        data = read_json(given)
        if data is None:
            self._notices.warn("given", "the file of payload= cannot be read and is ignored")
        return data

    def _begin(self, source: str, data: Any) -> None:
        """Decide by these until the server says more, unless newer ones are held already."""
        payload = None if data is None else self._parse(data)
        held = self.payload
        if payload is None or (
            held is not None
            and held.environment == payload.environment
            and held.version >= payload.version
        ):
            return
        self.payload, self._source = payload, source

    def status(self) -> Status:
        """What is decided by at the moment."""
        payload, confirmed_at = self.payload, self._confirmed_at
        age_s = None if confirmed_at is None else self._clock() - confirmed_at
        longest_s = STALE_AFTER_POLLS * self._options.poll_interval_s
        is_old = age_s is None or (self._heard_at is None and age_s > longest_s)
        return Status(
            source=self._source,
            is_stale=is_old and payload is not None and not self._options.offline,
            age_s=age_s,
            environment="" if payload is None else payload.environment,
            version=0 if payload is None else payload.version,
        )

    def start(self) -> None:
        """Start the thread; without a wire there is nothing to ask."""
        if self._wire is not None:
            thread = threading.Thread(
                target=self._run, args=(self._wire,), name="momentum-definitions", daemon=True
            )
            thread.start()

    def after_fork(self) -> None:
        """In a forked child: fresh locks; the payload is as good as it was."""
        self._changed = threading.Condition(threading.Lock())
        self._n_asked = self._n_answered = 0
        self._heard_at = None

    def close(self) -> None:
        """Let the thread end; the payload stays."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def wait_until_fresh(self, timeout_s: float) -> bool:
        """Whether the server's definitions have arrived, waiting at most so long."""
        with self._changed:
            return self._changed.wait_for(lambda: self._is_fresh or self._rests, timeout_s) and (
                self._is_fresh
            )

    def ask_soon(self) -> None:
        """Ask now, without waiting for the answer."""
        with self._changed:
            self._n_asked += 1
            self._changed.notify_all()

    def stream_heard(self) -> None:
        """A stream tells each change, so that polling may be rare."""
        self._heard_at = self._clock()

    def stream_ended(self) -> None:
        """The stream is gone: ask now what was missed, and poll as without it."""
        if self._heard_at is not None:
            self._heard_at = None
            self.ask_soon()

    def refresh(self, timeout_s: float) -> bool:
        """Ask now; whether the server answered in time."""
        with self._changed:
            self._n_asked += 1
            wanted = self._n_asked
            self._changed.notify_all()
            return self._changed.wait_for(
                lambda: self._n_answered >= wanted or self._rests, timeout_s
            ) and (self._n_answered >= wanted)

    @property
    def _rests(self) -> bool:
        return self._is_closed or self._wire is None

    def _run(self, wire: Wire) -> None:
        while not self._is_closed:
            with self._changed:
                n_asked = self._n_asked
            try:
                pause = self._poll(wire, n_asked)
            except Exception as error:  # the thread must survive, or definitions would go stale
                self._notices.warn("definitions", "asking failed: %s", type(error).__name__)
                pause = self._backoff.after_failure()
            self._rest(pause, n_asked)
        wire.close()

    def _rest(self, pause: Pause, n_asked: int) -> None:
        """Wait until the next poll is due, or asked for."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed, pause.least_s)
            self._changed.wait_for(
                lambda: self._is_closed or self._n_asked > n_asked, pause.wait_s - pause.least_s
            )
            if self._n_asked > n_asked:
                self._backoff.hurried()

    def _poll(self, wire: Wire, n_asked: int) -> Pause:
        """Ask once. Returns how long to wait until the next time."""
        status, retry_after = None, None
        try:
            headers = {"If-None-Match": self._etag} if self._etag else {}
            answer = wire.ask("GET", PATH, None, headers)
            status, retry_after = answer.status, answer.headers.get("retry-after")
            if status == 304 or (status == 200 and self._take(answer)):
                self._answered(n_asked)
                self._backoff.succeeded()
                return Pause(self._interval_s() * (0.9 + 0.2 * DICE()))
            what = f"the server answered {status}"
        except NoAnswer as error:
            what = f"the server did not answer ({error})"
        self._notices.warn("definitions", "definitions stay as they are: %s", what)
        self._tell_if_stale()
        return self._backoff.after_failure(status, retry_after)

    def _interval_s(self) -> float:
        interval_s = self._options.poll_interval_s
        return interval_s if self._heard_at is None else max(interval_s, STREAMED_POLL_S)

    def _answered(self, n_asked: int) -> None:
        with self._changed:
            self._is_fresh = True
            self._confirmed_at = self._clock()
            self._n_answered = max(self._n_answered, n_asked)
            self._changed.notify_all()
        self._tell_if_stale()

    def _tell_if_stale(self) -> None:
        is_stale = self.status().is_stale
        if is_stale != self._was_stale:
            self._was_stale = is_stale
            self._tell("stale" if is_stale else "confirmed")

    def _tell(self, what: str) -> None:
        listener = self.listener
        if listener is not None:
            try:
                listener(what)
            except Exception as error:  # the thread must survive what its listeners do
                self._notices.warn("listener", "a listener failed: %s", type(error).__name__)

    def _take(self, answer: Answer) -> bool:
        """Hold the payload of an answer; False when it is not one."""
        try:
            data = json.loads(answer.body, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            return False
        payload = self._parse(data)
        if payload is None:
            return False
        if not self._is_older(payload):
            self.payload = payload  # one reference, replaced whole: no reader sees half of it
            self._source = "server"
            self._etag = answer.headers.get("etag")
            if self._keeper is not None:
                self._keeper.store(data)
            self._tell("changed")
        return True

    def _is_older(self, payload: Payload) -> bool:
        """Whether a lagging server sent it; said thrice it is believed, as after a restore."""
        held = self.payload
        if held is None or held.environment != payload.environment:
            return False
        self._n_older = self._n_older + 1 if payload.version < held.version else 0
        return 0 < self._n_older < OLDER_BEFORE_BELIEVED

    def _parse(self, data: Any) -> Payload | None:
        try:
            plain = data if self._decrypt is None else self._decrypt(data)
            payload = parse_payload(plain, lenient=True)
        except Exception as error:  # a payload may be the host's own dict, of any type
            where = _where(error)
            self._notices.warn("payload", "definitions cannot be read at %s", where)
            return None
        if payload.broken:
            self._notices.warn(
                "broken", "these flags cannot be evaluated: %s", ", ".join(payload.broken)[:300]
            )
        return payload


def _where(error: Exception) -> str:
    if isinstance(error, InvalidPayload):
        return error.path
    if isinstance(error, AssignmentError):
        return "the encrypted part"
    return "too deep" if isinstance(error, RecursionError) else type(error).__name__


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)
