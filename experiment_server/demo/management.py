"""Momentum's management API, as any program would call it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import orjson

TIMEOUT_S = 120.0


class ApiError(RuntimeError):
    """The server refused; the sentence is the server's own."""


class ManagementApi:
    """A program with a management key."""

    def __init__(self, base_url: str, key: str) -> None:
        """Of the server at ``base_url``."""
        self._base_url = base_url
        self._key = key

    def get(self, path: str) -> Any:
        """What the API shows at a path below ``/api/v1``."""
        return self._call("GET", path, None)

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Create or do something; gives the API's answer."""
        return self._call("POST", path, body or {})

    def put(self, path: str, body: dict[str, Any], version: int) -> Any:
        """Set what is at this version; gives the API's answer."""
        return self._call("PUT", path, body, {"If-Match": f'"{version}"'})

    def _call(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> Any:
        request = Request(  # noqa: S310 - the address is the demo's own server
            f"{self._base_url}/api/v1{path}",
            method=method,
            data=None if body is None else orjson.dumps(body),
            headers={
                "Authorization": f"Bearer {self._key}",
                "Content-Type": "application/json",
                **headers,
            },
        )
        try:
            with urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - as above
                return orjson.loads(answer.read())
        except HTTPError as refused:
            raise ApiError(f"{method} {path}: {_sentence(refused)}") from refused
        except OSError as failed:
            raise ApiError(f"{self._base_url} does not answer: {failed}") from failed


def _sentence(refused: HTTPError) -> str:
    """What a problem JSON says, in one line."""
    try:
        problem = orjson.loads(refused.read())
    except ValueError:
        return f"{refused.code} {refused.reason}"
    parts = [str(problem.get("detail") or problem.get("title") or refused.reason)]
    parts += [
        f"{error['field']}: found {error['found']}, expected {error['expected']}."
        for error in problem.get("errors") or ()
    ]
    return f"{refused.code} {' '.join(parts)}"
