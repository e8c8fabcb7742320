"""What lets scripts of other sites use the routes that SDKs in browsers need."""

from typing import Final

from flask import Response, request

READABLE: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, Retry-After, X-SSE-Support",
}
PREFLIGHT: Final = {
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": (
        "Authorization, X-API-Key, Content-Type, If-None-Match, Cache-Control, Last-Event-ID"
    ),
    "Access-Control-Max-Age": "86400",
}


def allow_other_sites(response: Response) -> Response:
    """Let scripts of any site read the answer: a key opened it, and no cookie had a part."""
    # What a cache may keep says so to everybody; an answer to a program, which has no site, need
    # not: headers are a good part of what a single evaluation costs.
    if request.method != "POST" or "HTTP_ORIGIN" in request.environ:
        response.headers.extend(READABLE)
    if request.method == "OPTIONS":
        response.headers.extend(PREFLIGHT)
    return response
