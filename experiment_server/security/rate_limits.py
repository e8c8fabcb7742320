"""How often one key, or one address, may ask."""

from collections.abc import Callable
from time import time
from typing import Any, Final

from flask import Flask, current_app, request
from flask_limiter import Limiter

GENERAL: Final = "3000/minute"
INTAKE: Final = "60000/minute"  # batches of events: a data center's backlog after an outage
EVALUATIONS: Final = "600000/minute"  # with one key: a whole LMS, or all of its visitors
WAREHOUSE: Final = "60/minute"  # looks into a company's own tables
SIGN_IN: Final = "20/minute"  # per address; the account's own lock is in the database
EXTENSION: Final = "momentum.limiter"
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
        strategy="fixed-window",
    )
    limiter.init_app(app)
    app.extensions[EXTENSION] = limiter


def seconds_to_wait() -> int:
    """How long the caller of this request has to wait for the limit that it passed."""
    limiter: Limiter = current_app.extensions[EXTENSION]
    passed = limiter.current_limit
    return max(1, int(passed.reset_at - time())) if passed is not None else 1


def _limit_of_view() -> str:
    view = current_app.view_functions.get(request.endpoint or "")
    return str(getattr(view, MARK, GENERAL))
