"""HTTP over one kept connection, with a limit on the time and size of each whole answer.

Imported when a client is made, not with the package: http.client costs more than all the rest.
"""

import contextlib
import encodings.idna  # noqa: F401 - looked up by name when connecting; see `Wire`
import io
import os
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any, Final
from urllib.parse import urlsplit

LARGEST_ANSWER: Final = 20 * 1024 * 1024
LONGEST_PIECE: Final = 65_536


class NoAnswer(Exception):  # noqa: N818 - reads as a sentence where it is caught
    """The server could not be reached, or did not answer whole and in time."""


class Declined(NoAnswer):
    """The server answered, but with no stream."""

    def __init__(self, status: int, retry_after: str | None) -> None:
        super().__init__(f"status {status}")
        self.status = status
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes = field(repr=False)


class Wire:
    """Requests to one server, for one thread.

    It is made before the threads, so that no thread imports anything: a fork during an import would
    leave the child waiting for it for ever.
    """

    def __init__(self, base_url: str, key: str, timeout_s: float) -> None:
        """Prepare; nothing is sent.

        Raises:
            ValueError: the address or the key cannot be used.
        """
        parts = urlsplit(base_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("base_url is not an address such as https://momentum.example.com")
        if not key.isascii() or not key.isprintable():
            raise ValueError("the key holds characters that no key has")
        self._host, self._port = parts.hostname, parts.port
        self._prefix = parts.path.rstrip("/")
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._headers = {"Authorization": f"Bearer {key}", "User-Agent": "momentum-sdk-python"}
        self._timeout_s = timeout_s
        self._connection: HTTPConnection | None = None
        self._stream: socket.socket | None = None

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] = {}
    ) -> Answer:
        """The server's answer to one request.

        A kept connection that the server closed meanwhile is replaced once.

        Raises:
            NoAnswer: refused, broken off, too slow, too large or not HTTP.
        """
        kept = self._connection is not None
        try:
            return self._ask(method, path, body, headers)
        except (ConnectionError, HTTPException) as error:
            self.close()
            if not kept:
                raise NoAnswer(type(error).__name__) from None
        except (OSError, ValueError) as error:
            self.close()
            raise NoAnswer(type(error).__name__) from None
        try:
            return self._ask(method, path, body, headers)
        except (OSError, HTTPException, ValueError) as error:
            self.close()
            raise NoAnswer(type(error).__name__) from None

    def listen(self, path: str, silence_s: float) -> Iterator[bytes]:
        """The lines of an event stream as they come, long ones in pieces; ends when it is closed.

        Args:
            path: where the stream is.
            silence_s: how long it may be silent before it counts as broken.

        Raises:
            Declined: the server answered otherwise.
            NoAnswer: refused, broken off, silent or not HTTP.
        """
        try:
            connection = self._open()
            headers = {**self._headers, "Accept": "text/event-stream", "Cache-Control": "no-cache"}
            self._stream = sock = connection.sock  # the connection may let go of it
            connection.response_class = HTTPResponse
            connection.request("GET", self._prefix + path, None, headers)
            response = connection.getresponse()
            is_stream = response.getheader("content-type", "").startswith("text/event-stream")
            if response.status != 200 or not is_stream:
                raise Declined(response.status, response.getheader("retry-after"))
            sock.settimeout(silence_s)
            while line := response.readline(LONGEST_PIECE):
                yield line
        except (OSError, HTTPException, ValueError) as error:
            raise NoAnswer(type(error).__name__) from None
        finally:
            self._stream = None
            self.close()

    def interrupt(self) -> None:
        """From another thread: end a stream that is being listened to."""
        sock = self._stream
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.close()

    def forget(self) -> None:
        """In a forked child: let go of the parent's connection without a word to the server.

        The file descriptor is closed directly. The connection's buffers may be locked by a thread
        that exists in the parent only, and closing them here would wait for it for ever.
        """
        connection, self._connection = self._connection, None
        sock, self._stream = self._stream, None
        if sock is None and connection is not None:
            sock = connection.sock
        if sock is not None:
            with contextlib.suppress(OSError):
                os.close(sock.detach())

    def _ask(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        deadline = time.monotonic() + self._timeout_s
        connection = self._open()
        connection.response_class = _bounded_responses(deadline)
        connection.request(method, self._prefix + path, body, {**self._headers, **headers})
        response = connection.getresponse()
        content = response.read(LARGEST_ANSWER + 1)
        if len(content) > LARGEST_ANSWER:
            raise ValueError("the answer is too large")
        if response.length:  # less than the server promised; http.client lets that pass
            raise ValueError("the answer is not whole")
        if response.will_close or not response.isclosed():
            self.close()
        named = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, named, content)

    def _open(self) -> HTTPConnection:
        connection = self._connection
        if connection is None:
            if self._tls is None:
                connection = HTTPConnection(self._host, self._port, timeout=self._timeout_s)
            else:
                connection = HTTPSConnection(
                    self._host, self._port, timeout=self._timeout_s, context=self._tls
                )
            connection.connect()
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connection = connection
        else:
            connection.sock.settimeout(self._timeout_s)
        return connection


def _bounded_responses(deadline: float) -> Any:
    """A response class whose every read ends at the deadline, however slowly bytes drip in."""

    class Bounded(HTTPResponse):
        def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
            super().__init__(sock, *args, **kwargs)
            raw: Any = self.fp.detach()
            self.fp = io.BufferedReader(_DeadlineReader(raw, sock, deadline))

    return Bounded


class _DeadlineReader(io.RawIOBase):
    def __init__(self, raw: io.RawIOBase, sock: socket.socket, deadline: float) -> None:
        self._raw = raw
        self._sock = sock
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer came too slowly")
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()
