"""The rest of a refused body, read and thrown away: many clients read no answer while they send."""

import time
from collections.abc import Callable, Iterable
from typing import Any, Final

MOST_BYTES: Final = 16_000_000  # of one request; who sends more may find the connection closed
LONGEST_S: Final = 10.0
_PIECE: Final = 65_536
_SOCKETS: Final = ("gunicorn.socket", "werkzeug.socket")

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def draining(application: Application, max_body: int) -> Application:
    """The application, which reads what an error left unread before it answers.

    ``max_body``: a body that says it is longer was refused before any of it was read.
    """

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        is_chunked = bool(environ.get("HTTP_TRANSFER_ENCODING"))
        if not is_chunked and environ.get("CONTENT_LENGTH") in (None, "", "0"):
            return application(environ, start_response)
        said: list[str] = []

        def note(status: str, *others: Any) -> Any:
            said.append(status)
            return start_response(status, *others)

        body = application(environ, note)
        if said and said[-1] >= "4":
            _drain(environ, _unread(environ, max_body))
        return body

    return answer


def _unread(environ: dict[str, Any], max_body: int) -> int:
    """How many bytes may be asked for without waiting for some that never come."""
    if environ.get("wsgi.input_terminated"):
        return MOST_BYTES
    length = environ.get("CONTENT_LENGTH") or ""
    n_bytes = int(length) if length.isdecimal() and len(length) < 16 else 0
    return min(n_bytes, MOST_BYTES) if n_bytes > max_body else 0


def _drain(environ: dict[str, Any], n_left: int) -> None:
    connection = next((environ[name] for name in _SOCKETS if name in environ), None)
    patience = connection.gettimeout() if connection is not None else None
    deadline = time.monotonic() + LONGEST_S
    try:
        while n_left > 0 and (left_s := deadline - time.monotonic()) > 0:
            if connection is not None:
                connection.settimeout(left_s)
            piece = environ["wsgi.input"].read(min(_PIECE, n_left))
            if not piece:
                return
            n_left -= len(piece)
    except Exception:  # noqa: S110 - the answer must go out, however the body goes on
        pass
    finally:
        if connection is not None:
            connection.settimeout(patience)
