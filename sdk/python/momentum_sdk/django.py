"""Django: a middleware that gives each request its learner, `request.momentum`.

In a module of the LMS, say lms/momentum.py:

    from momentum_sdk.django import middleware

    bind_learner = middleware(momentum, who=lambda request: (request.user.pk, {"role": "seller"}))

and in the settings, behind the authentication: MIDDLEWARE = [..., "lms.momentum.bind_learner"].
"""

import inspect
from collections.abc import Callable
from typing import Any

from . import qa
from .learner import Decides, Learner, Who


def middleware(
    client: Decides, who: Callable[[Any], Who], qa_secret: str | None = None
) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    """A middleware for synchronous and asynchronous Django.

    Args:
        client: decides and logs.
        who: gives the learner's id and attributes, or None, of a request; called once, when needed.
        qa_secret: lets signed links (?momentum_qa=...) and their cookie force variants; nothing
            does when it is not given.
    """

    def bind_learner(get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
        if inspect.iscoroutinefunction(get_response):

            async def answer_later(request: Any) -> Any:
                _bind(request, client, who, qa_secret)
                return _keep_token(request, await get_response(request), qa_secret)

            return answer_later

        def answer(request: Any) -> Any:
            _bind(request, client, who, qa_secret)
            return _keep_token(request, get_response(request), qa_secret)

        return answer

    bind_learner.sync_capable = True  # type: ignore[attr-defined]
    bind_learner.async_capable = True  # type: ignore[attr-defined]
    return bind_learner


def _bind(request: Any, client: Decides, who: Callable[[Any], Who], secret: str | None) -> None:
    def forced() -> dict[str, str]:
        if secret is None:
            return {}
        token = request.GET.get(qa.PARAMETER) or request.COOKIES.get(qa.PARAMETER)
        return qa.read(secret, token)

    request.momentum = Learner(client, lambda: who(request), forced)


def _keep_token(request: Any, response: Any, secret: str | None) -> Any:
    """A link's token goes on in a cookie, so that the tester may click on."""
    token = None if secret is None else request.GET.get(qa.PARAMETER)
    if secret is not None and token and qa.read(secret, token):
        response.set_cookie(
            qa.PARAMETER, token, httponly=True, samesite="Lax", secure=request.is_secure()
        )
    return response
