"""One OFREP evaluation, against a route of the same app that does nothing but know its caller."""

import io
import tempfile
import time
from pathlib import Path
from typing import Any

import structlog
from apiflask import APIBlueprint
from flask import Response

from benchmarks._measure import best_seconds
from experiment_server import web
from experiment_server.app import bootstrap, create_app
from experiment_server.columns import utc_now
from experiment_server.db import Database
from experiment_server.environments import service as environments
from experiment_server.flags import service as flags
from experiment_server.flags.changes import FlagChange
from experiment_server.observe import configure_logging
from experiment_server.security.rate_limits import EVALUATIONS, limited
from experiment_server.security.roles import SYSTEM
from experiment_server.settings import Settings

N = 200
ROUNDS = 15  # short and many: one of them meets the machine at rest
N_FLAGS = 100
CONTEXT = b'{"context":{"targetingKey":"learner-7","role":"sales","region":"emea"}}'

blueprint = APIBlueprint("nothing", __name__)


def run() -> None:
    configure_logging("info")
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())  # made, written nowhere
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/momentum.db"
        database = Database(url)
        bootstrap(database)
        secret = _define(database)
        app = create_app(Settings(database_url=url, data_dir=Path(folder)), database)
        app.register_blueprint(blueprint)

        def ask(path: str) -> None:
            for _ in range(N):
                _request(app, path, secret)

        best = best_seconds(
            {
                "evaluation": lambda: ask("/ofrep/v1/evaluate/flags/flag-50"),
                "empty route": lambda: ask("/nothing"),
            },
            ROUNDS,
            time.thread_time,  # of the processor: whoever else is busy here takes none of it
        )
        database.dispose()
    structlog.reset_defaults()
    for name, seconds in best.items():
        print(f"  {name:12} {N / seconds:8,.0f} requests in a second of a processor")
    ratio = best["empty route"] / best["evaluation"]
    print(f"  throughput {ratio:.0%} of the empty route's ({N_FLAGS} flags, one condition)")


@blueprint.post("/nothing")
@limited(EVALUATIONS)
@web.authorize("flags.evaluate")
def _nothing() -> Response:
    return Response(b"{}", mimetype="application/json")


def _define(database: Database) -> str:
    now = utc_now()
    rules = [{"condition": {"role": "sales"}, "value": True, "coverage": 0.5}]
    values = {"title": "Flag", "description": "", "value_type": "boolean", "default_value": False}
    with database.write() as session:
        place = environments.load_environment(session, "production")
        for number in range(N_FLAGS):
            flag = flags.create_flag(session, SYSTEM, f"flag-{number}", values, now)
            change = FlagChange(version=0, enabled=True, rules=rules, now=now)
            flags.set_flag_environment(session, SYSTEM, flag, place, change)
        return environments.create_key(session, SYSTEM, place, ("server", None, "bench"), now)[1]


def _request(app: Any, path: str, secret: str) -> None:
    """One request as a WSGI server hands it over."""
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "localhost",
        "HTTP_AUTHORIZATION": f"Bearer {secret}",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(CONTEXT)),
        "wsgi.input": io.BytesIO(CONTEXT),
        "wsgi.errors": io.StringIO(),
        "wsgi.url_scheme": "http",
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    statuses: list[str] = []
    answer = app(environ, lambda status, _headers, _exc=None: statuses.append(status))
    body = b"".join(answer)
    answer.close()
    if not statuses[0].startswith("200") or not body:
        raise RuntimeError(f"{path} answered {statuses[0]}: {body[:200]!r}")
