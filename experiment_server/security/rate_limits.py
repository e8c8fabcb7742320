"""How often one key, or one address, may ask."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from flask import Flask, Response, current_app, request
from flask_limiter import Limiter

GENERAL: Final = "3000/minute"
INTAKE: Final = "60000/minute"  # batches of events: a data center's backlog after an outage
SIGN_IN: Final = "20/minute"  # per address; the account's own lock is in the database
MARK: Final = "_momentum_rate_limit"


def limited(limit: str) -> Callable[[Any], Any]:
    """Mark a view with a limit of its own instead of ``GENERAL``."""

    def mark(view: Any) -> Any:
        setattr(view, MARK, limit)
        return view

    return mark


def install(app: Flask, key_of: Callable[[], str]) -> None:
    """Count requests per caller and view; past the limit the answer is 429 with Retry-After."""
    limiter = Limiter(
        key_func=key_of,
        default_limits=[_limit_of_view],
        storage_uri="memory://",
        headers_enabled=True,
        strategy="fixed-window",
    )
    app.after_request(_drop_idle_retry_after)  # runs after the limiter's own, which always adds it
    limiter.init_app(app)


def _drop_idle_retry_after(response: Response) -> Response:
    if response.status_code < HTTPStatus.BAD_REQUEST:
        response.headers.pop("Retry-After", None)
    return response


def _limit_of_view() -> str:
    view = current_app.view_functions.get(request.endpoint or "")
    return str(getattr(view, MARK, GENERAL))
