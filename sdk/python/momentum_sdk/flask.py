"""Flask: the learner of a request, bound once.

from momentum_sdk.flask import bind, learner

bind(app, momentum, who=lambda: (current_user.id, {"role": current_user.role}))

@app.get("/")
def home():
    return render_template("home.html", reward=learner().variant("reward-ladder").key)
"""

from collections.abc import Callable

from flask import Flask, Response, current_app, g, request

from . import qa
from .learner import Decides, Learner, Who

_EXTENSION = "momentum_sdk"
_BOUND = "momentum_learner"


def bind(app: Flask, client: Decides, who: Callable[[], Who], qa_secret: str | None = None) -> None:
    """Let `learner()` answer in this app's requests.

    Args:
        app: the Flask app.
        client: decides and logs.
        who: gives the learner's id and attributes, or None; called once a request, when needed.
        qa_secret: lets signed links (?momentum_qa=...) and their cookie force variants; nothing
            does when it is not given.
    """
    app.extensions[_EXTENSION] = client, who, qa_secret
    if qa_secret is not None:
        app.after_request(lambda response: _keep_token(response, qa_secret))


def learner() -> Learner:
    """The learner of this request.

    Raises:
        RuntimeError: outside a request, or when `bind` was not called for the app.
    """
    bound: Learner | None = g.get(_BOUND)
    if bound is None:
        if _EXTENSION not in current_app.extensions:
            raise RuntimeError("call momentum_sdk.flask.bind(app, momentum, who) first")
        client, who, secret = current_app.extensions[_EXTENSION]
        forced = dict if secret is None else lambda: qa.read(secret, _token())
        bound = Learner(client, who, forced)
        setattr(g, _BOUND, bound)
    return bound


def _token() -> str | None:
    return request.args.get(qa.PARAMETER) or request.cookies.get(qa.PARAMETER)


def _keep_token(response: Response, secret: str) -> Response:
    """A link's token goes on in a cookie, so that the tester may click on."""
    token = request.args.get(qa.PARAMETER)
    if token and qa.read(secret, token):
        response.set_cookie(
            qa.PARAMETER, token, httponly=True, samesite="Lax", secure=request.is_secure
        )
    return response
