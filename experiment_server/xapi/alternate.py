"""The alternate request syntax of xAPI 1.0 (Communication 1.3): any method as a POSTed form."""

from dataclasses import dataclass
from typing import Final

from flask import Request

from experiment_server.problems import Problem
from experiment_server.xapi.requests import ONE, VERSION_HEADER, check_media_type, require_version

METHODS: Final = ("GET", "PUT", "POST")
FORM: Final = "application/x-www-form-urlencoded"
_HEADERS: Final = (
    "Authorization", "Content-Type", "Content-Length", "If-Match", "If-None-Match", VERSION_HEADER,
)  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """A request as its form says it."""

    method: str
    version: str
    parameters: dict[str, str]
    content: bytes


def parse_form(request: Request, version: str) -> Asked:
    """The request within a request. The key has to come in the real header, as for every route.

    Raises:
        Problem: 400, when it is not in this syntax.
    """
    method = request.args["method"]
    if version != ONE or method not in METHODS or len(request.args) > 1:
        raise Problem(400, "xAPI 1.0 knows ?method=GET, PUT or POST, and no parameter beside it.")
    if request.mimetype != FORM:
        raise Problem(400, f"?method= needs a form: Content-Type: {FORM}.")
    form = request.form.to_dict()
    headers = {name: form.pop(name) for name in _HEADERS if name in form}
    content = form.pop("content", None)
    if (content is None) is not (method == "GET"):
        raise Problem(400, "The statement stands in the form's field content; a GET has none.")
    check_media_type(headers.get("Content-Type", "application/json").split(";")[0].strip())
    if method == "POST" and form:
        raise Problem(400, "Statements are posted without parameters.")
    named = require_version(headers.get(VERSION_HEADER, version))
    return Asked(method, named, form, (content or "").encode())
