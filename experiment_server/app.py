"""The composition root: the only file that knows every domain."""

from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from apiflask import APIFlask
from flask import Blueprint, request
from werkzeug.middleware.proxy_fix import ProxyFix

import dashboards
from experiment_server import error_handlers, guard, observe, pages, web
from experiment_server.audit import api as audit_api
from experiment_server.bandits import jobs as bandits_jobs
from experiment_server.caliper import api as caliper_api
from experiment_server.columns import utc_now
from experiment_server.db import Database, migrate
from experiment_server.delivery import api as delivery_api
from experiment_server.delivery import explain_api, features_api, held, ofrep_api
from experiment_server.draining import draining
from experiment_server.environments import api as environments_api
from experiment_server.environments import service as environments
from experiment_server.experiments import allocations_api, changes_api
from experiment_server.experiments import api as experiments_api
from experiment_server.experiments import pages as experiments_pages
from experiment_server.flags import api as flags_api
from experiment_server.flags import pages as flags_pages
from experiment_server.holdouts import api as holdouts_api
from experiment_server.identity import Identity
from experiment_server.ingest import api as ingest_api
from experiment_server.ingest import jobs as ingest_jobs
from experiment_server.ingest import outcomes_api
from experiment_server.kind_rules import api as kind_rules_api
from experiment_server.members import api as members_api
from experiment_server.members import pages as members_pages
from experiment_server.metrics import api as metrics_api
from experiment_server.metrics import service as metrics
from experiment_server.notify import jobs as notify_jobs
from experiment_server.quarantine import jobs as quarantine_jobs
from experiment_server.readouts import (
    across_api,
    learners_api,
    metric_previews_api,
    metrics_pages,
    scores_api,
    scores_pages,
    sources_api,
    sources_pages,
)
from experiment_server.readouts import api as readouts_api
from experiment_server.readouts import jobs as readouts_jobs
from experiment_server.readouts import pages as readouts_pages
from experiment_server.readouts.suggest import suggest_after
from experiment_server.replays import api as replays_api
from experiment_server.replays import pages as replays_pages
from experiment_server.reports import api as reports_api
from experiment_server.reports import jobs as reports_jobs
from experiment_server.reports import pages as reports_pages
from experiment_server.retention import api as retention_api
from experiment_server.retention import jobs as retention_jobs
from experiment_server.schedule import jobs as schedule_jobs
from experiment_server.schedule.job import Job, RunResult
from experiment_server.schedule.run import run_jobs
from experiment_server.schedule.ticker import Ticker
from experiment_server.security import rate_limits
from experiment_server.settings import Settings
from experiment_server.sources import api as source_definitions_api
from experiment_server.state import State
from experiment_server.strict_json import StrictJSON
from experiment_server.xapi import api as xapi_api

VERSION: Final = "0.1.0"

STATIC: Final = Path(dashboards.__file__).parent / "static"
STATIC_KEPT: Final = 31_536_000  # seconds; an address carries its file's fingerprint

# One line a blueprint: programs first, then people's pages.
BLUEPRINTS: Final[Sequence[Blueprint]] = (
    observe.blueprint,
    delivery_api.blueprint,
    features_api.blueprint,
    ofrep_api.blueprint,
    ingest_api.blueprint,
    xapi_api.blueprint,
    caliper_api.blueprint,
    kind_rules_api.blueprint,
    outcomes_api.blueprint,
    replays_api.blueprint,
    environments_api.blueprint,
    retention_api.blueprint,
    flags_api.blueprint,
    metrics_api.blueprint,
    experiments_api.blueprint,
    allocations_api.blueprint,
    changes_api.blueprint,
    explain_api.blueprint,
    holdouts_api.blueprint,
    readouts_api.blueprint,
    across_api.blueprint,
    scores_api.blueprint,
    source_definitions_api.blueprint,
    sources_api.blueprint,
    metric_previews_api.blueprint,
    learners_api.blueprint,
    reports_api.blueprint,
    members_api.blueprint,
    audit_api.blueprint,
    readouts_pages.blueprint,
    sources_pages.blueprint,
    experiments_pages.blueprint,
    flags_pages.blueprint,
    metrics_pages.blueprint,
    scores_pages.blueprint,
    reports_pages.blueprint,
    replays_pages.blueprint,
    members_pages.blueprint,
)  # fmt: skip


# One line a domain with scheduled work, in the order in which a tick runs them.
JOBS: Final[Sequence[Job]] = (
    *ingest_jobs.JOBS,
    *bandits_jobs.JOBS,
    *readouts_jobs.JOBS,
    *reports_jobs.JOBS,
    *notify_jobs.JOBS,
    *quarantine_jobs.JOBS,
    *retention_jobs.JOBS,
    *schedule_jobs.JOBS,
)  # fmt: skip


def create_app(settings: Settings, database: Database) -> APIFlask:
    """The web application; it starts no thread and touches no table."""
    app = APIFlask(
        "experiment_server",
        title="Momentum",
        version=VERSION,
        docs_path=None,
        json_errors=False,
        static_folder=str(STATIC),
        static_url_path="/static",
    )
    app.json = StrictJSON(app)
    app.config.update(
        OPENAPI_VERSION="3.1.0",
        SERVERS=[{"url": "/"}],
        PROPAGATE_EXCEPTIONS=False,
        TRAP_HTTP_EXCEPTIONS=False,
        SEND_FILE_MAX_AGE_DEFAULT=STATIC_KEPT,
    )
    state = State(settings=settings, database=database, suggest_after=suggest_after)
    app.extensions[web.EXTENSION] = state
    observe.install(app)
    guard.install(app, Identity(state))
    rate_limits.install(app, _caller)
    held.install(app, settings.threads)
    error_handlers.install(app)
    app.extensions[error_handlers.PAGE] = pages.problem_page
    app.wsgi_app = draining(app.wsgi_app, guard.MAX_BODY)  # type: ignore[assignment,method-assign]
    _trust_proxies(app, settings.trusted_proxies)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    for endpoint in ("openapi.spec", "static"):
        web.public(app.view_functions[endpoint])
    return app


def _trust_proxies(app: APIFlask, n_proxies: int) -> None:
    """Let the address be what the outermost of our own proxies saw, not what callers say."""
    if n_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=n_proxies, x_proto=0)  # type: ignore[method-assign]


def bootstrap(database: Database) -> None:
    """Bring the schema to the newest revision and add what a fresh installation starts with."""
    migrate(database)
    with database.write() as session:
        environments.ensure_first(session, utc_now())
        metrics.ensure_built_in(session, utc_now())


def make_ticker(app: APIFlask) -> Ticker:
    """The schedule of one server process; it runs once it is started.

    Quick jobs also have a thread of their own, so that a long look does not hold up sealing. The
    claim on a slot sees to it that each runs once.
    """
    state: State = app.extensions[web.EXTENSION]
    quick = [job.name for job in JOBS if job.quick]
    ticks = (
        lambda: run_due(state, state.clock()),
        lambda: run_due(state, state.clock(), only=quick),
    )
    return Ticker(ticks, state.settings.seal_seconds)


def run_due(state: State, now: datetime, only: Collection[str] | None = None) -> list[RunResult]:
    """Run what is due at ``now``, here and to its end; ``only`` these jobs, by name."""
    chosen = [job for job in JOBS if only is None or job.name in only]
    return run_jobs(state, chosen, now)


def _caller() -> str:
    """Whom the rate limits count: a key or member, else the address."""
    actor = web.maybe_actor()
    return actor.id if actor is not None else f"address:{request.remote_addr}"
