"""``momentum serve``: the web server and the schedule, in one command."""

import gc
import socket
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

import typer
from gunicorn.app.base import BaseApplication

from experiment_server.app import bootstrap, create_app, make_ticker
from experiment_server.commands.context import read_settings
from experiment_server.db import Database
from experiment_server.delivery.held import streams_of
from experiment_server.observe import configure_logging
from experiment_server.schedule.ticker import Ticker
from experiment_server.settings import Settings

GRACE_SECONDS = 10
STUCK_SECONDS = 120  # a worker that does not even beat for so long is replaced


class PortTakenError(RuntimeError):
    """Somebody else listens there; the sentence says what to do."""


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def serve(
        host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
        port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port.")] = None,
    ) -> None:
        """Serve the API, the pages and the schedule until stopped."""
        settings = read_settings()
        run(replace(settings, host=host or settings.host, port=port or settings.port))


def run(settings: Settings) -> None:
    """Bring the schema up to date, then serve until a signal ends it.

    Raises:
        PortTakenError: the port is not free.
    """
    configure_logging(settings.log_level)
    _check_port(settings.host, settings.port)
    database = Database(settings.database_url, settings.workers)
    bootstrap(database)
    database.dispose()  # an open connection must not cross the fork into a worker
    _Gunicorn(settings).run()


def _check_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTakenError(
                f"Cannot listen on {host}:{port} ({error.strerror}). End the program that does, "
                f"or choose another port: momentum serve --port {port % 65535 + 1}"
            ) from error


@dataclass
class _Worker:
    """What one worker process holds besides the application."""

    database: Database | None = None
    ticker: Ticker | None = None
    application: Any = field(default=None)


class _Gunicorn(BaseApplication):  # type: ignore[misc]
    """Gunicorn with our settings; everything that has threads or sockets starts in the worker."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._worker = _Worker()
        super().__init__()

    def load_config(self) -> None:
        settings = self._settings
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        options = {
            "bind": [f"{host}:{settings.port}"],
            "workers": settings.workers,
            "worker_class": "gthread",
            "threads": settings.threads,
            "timeout": STUCK_SECONDS,
            "graceful_timeout": GRACE_SECONDS,
            "keepalive": 30,
            "preload_app": False,
            "loglevel": "warning",
            "proc_name": "momentum",
            "control_socket_disable": True,
            "when_ready": lambda _server: typer.echo(
                f"Momentum serves at http://{host}:{settings.port}"
            ),
            "post_worker_init": self._begin,
            "worker_exit": lambda _server, _worker: self._close(),
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        self._worker.database = Database(self._settings.database_url, self._settings.workers)
        self._worker.application = create_app(self._settings, self._worker.database)
        return self._worker.application

    def _begin(self, worker: Any) -> None:
        # Of a batch's objects all but a few are gone at its end; looking for them every 700 objects
        # takes a tenth of the server's time.
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)
        # A stream ends by itself once its worker is told to, or gunicorn would wait for it.
        streams_of(self._worker.application).is_stopping = lambda: not worker.alive
        self._start_ticker()

    def _start_ticker(self) -> None:
        if self._settings.scheduler:
            self._worker.ticker = make_ticker(self._worker.application)
            self._worker.ticker.start()

    def _close(self) -> None:
        if self._worker.ticker is not None:
            self._worker.ticker.stop()
        if self._worker.database is not None:
            self._worker.database.dispose()
