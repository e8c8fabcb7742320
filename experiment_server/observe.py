"""What operators see: JSON logs without learner identities, metrics, liveness, readiness."""

import logging
import sys
import time
from typing import Final

import sqlalchemy as sa
import structlog
from apiflask import APIBlueprint
from flask import Flask, Response, current_app, g, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from experiment_server import web
from experiment_server.problems import unavailable

REGISTRY_KEY: Final = "momentum.registry"
QUIET: Final = frozenset({"/healthz", "/readyz", "/metrics"})

blueprint = APIBlueprint("observe", __name__, tag="Operation")


def configure_logging(level: str) -> None:
    """One JSON object a line on standard error."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=True),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )


def install(app: Flask) -> None:
    """Time, count and log every request, by its route and never by its path."""
    registry = CollectorRegistry()
    labels = ("method", "route", "status")
    requests = Counter("momentum_requests", "Requests answered", labels, registry=registry)
    seconds = Histogram("momentum_request_seconds", "Time to answer", ("route",), registry=registry)
    app.extensions[REGISTRY_KEY] = registry

    @app.before_request
    def start_clock() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def count(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else "none"
        took = time.perf_counter() - g.get("started", time.perf_counter())
        requests.labels(request.method, route, response.status_code).inc()
        seconds.labels(route).observe(took)
        if request.path not in QUIET:
            _log(route, response.status_code, took)
        return response


def _log(route: str, status: int, took: float) -> None:
    actor = web.maybe_actor()
    structlog.get_logger().info(
        "request",
        method=request.method,
        route=route,
        status=status,
        milliseconds=round(1000 * took, 1),
        actor=actor.id if actor else None,
    )


@blueprint.get("/healthz")
@blueprint.doc(summary="Whether the process answers")
@web.public
def healthz() -> dict[str, str]:
    """200 as long as the process lives."""
    return {"status": "alive"}


@blueprint.get("/readyz")
@blueprint.doc(summary="Whether the server can do its work")
@web.public
def readyz() -> dict[str, str]:
    """200 when the database answers, else 503."""
    try:
        with web.state().database.read() as session:
            session.execute(sa.select(1))
    except (DBAPIError, PoolTimeout) as error:
        raise unavailable() from error
    return {"status": "ready"}


@blueprint.get("/metrics")
@blueprint.doc(summary="Prometheus metrics", hide=True)
@web.public
def metrics() -> Response:
    """Counts and times by route; no identity of anybody."""
    registry: CollectorRegistry = current_app.extensions[REGISTRY_KEY]
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
