"""What a server process holds to deliver definitions, and how a payload is sent."""

from typing import Final

from flask import Flask, Response, current_app, request

from experiment_server import web
from experiment_server.delivery.service import Delivered, Edition, PayloadCache
from experiment_server.delivery.streams import Streams, most_streams

PAYLOADS: Final = "momentum.payloads"
STREAMS: Final = "momentum.streams"
GLANCE_S: Final = 0.5  # an evaluation may follow definitions that are so old


def install(app: Flask, threads: int) -> None:
    """Give the app what it holds to deliver definitions."""
    app.extensions[PAYLOADS] = PayloadCache()
    app.extensions[STREAMS] = Streams(most_streams(threads))


def edition_of(environment_id: int, max_age_s: float = 0.0) -> Edition:
    """The environment's definitions; see ``PayloadCache.current``."""
    return payloads_of(current_app).current(web.state().database, environment_id, max_age_s)


def payloads_of(app: Flask) -> PayloadCache:
    """The payloads that the process holds."""
    payloads: PayloadCache = app.extensions[PAYLOADS]
    return payloads


def streams_of(app: Flask) -> Streams:
    """The streams that the process serves."""
    streams: Streams = app.extensions[STREAMS]
    return streams


def send(delivered: Delivered) -> Response:
    """A payload, packed when the caller can unpack it; 304 when the caller has it."""
    packed = delivered.packed if request.accept_encodings["gzip"] > 0 else None
    response = Response(packed or delivered.body, mimetype="application/json")
    if packed is not None:
        response.headers["Content-Encoding"] = "gzip"
    response.vary.add("Accept-Encoding")
    response.set_etag(delivered.etag, weak=packed is not None)
    response.make_conditional(request)
    return response


def sent_key() -> str:
    """The key in the head of this request, which was let in by it."""
    return (request.headers.get("Authorization") or request.headers["X-API-Key"]).split()[-1]
