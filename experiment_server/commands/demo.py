"""``momentum demo``: the main job, end to end, on simulated learners whose truth is known."""

import os
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Annotated, Final

import orjson
import typer
from rich.console import Console
from rich.table import Table

from experiment_server.columns import utc_now
from experiment_server.db import Database
from experiment_server.demo import definitions
from experiment_server.demo.lms import NoCheckoutError, load_simulated_lms
from experiment_server.demo.local_server import ServerError, free_port, running_server
from experiment_server.demo.looks import LookError
from experiment_server.demo.management import ApiError
from experiment_server.demo.outcome import Comparison
from experiment_server.demo.play import LostEventsError, Play, start_day
from experiment_server.observe import configure_logging
from experiment_server.problems import Problem
from experiment_server.state import State

EMAIL: Final = "demo@example.org"
AGREED: Final = 0
DISAGREED: Final = 1
REFUSED: Final = 2
INTERRUPTED: Final = 130
FAILURES: Final = (
    ApiError,
    ConnectionError,  # the SDK found no server
    LookError,
    LostEventsError,
    NoCheckoutError,
    ServerError,
)
MARKS: Final = {True: "[green]yes[/green]", False: "[red]NO[/red]"}


@dataclass(frozen=True)
class Options:
    """What the caller asked for."""

    learners: int
    seed: int
    once: bool
    json: Path | None
    port: int


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def demo(
        learners: Annotated[
            int, typer.Option(min=50, help="How many learners to simulate.")
        ] = 5000,
        seed: Annotated[int, typer.Option(min=0, help="The same seed repeats a run.")] = 1,
        once: Annotated[bool, typer.Option("--once", help="End after the decisions.")] = False,
        json: Annotated[Path | None, typer.Option(help="Write the outcome to this file.")] = None,
        port: Annotated[int, typer.Option(min=1, max=65535, help="Where to serve.")] = 8080,
        data_dir: Annotated[
            Path | None, typer.Option(help="Keep the store here; must be new or empty.")
        ] = None,
    ) -> None:
        """Watch Momentum find four planted truths among simulated learners."""
        options = Options(learners, seed, once, json, port)
        _check_target(json)
        signal.signal(signal.SIGTERM, _interrupt)
        signal.signal(signal.SIGHUP, _interrupt)
        try:
            with _store(data_dir) as store:
                raise typer.Exit(play(options, store, Console()))
        except FAILURES as error:
            typer.echo(f"The demo stopped: {error}", err=True)
            raise typer.Exit(REFUSED) from None
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None


def play(options: Options, store: Path, console: Console) -> int:
    """Run the demo in a store of its own; gives the exit code."""
    began = time.monotonic()
    configure_logging("warning")
    lms_module = load_simulated_lms()
    lms = lms_module.build_lms(options.learners, options.seed, start_day(utc_now().date()))
    port = free_port(options.port)
    if port != options.port:
        console.print(f"Port {options.port} is taken; this demo uses {port}.")
    with running_server(store, port) as server:
        database = Database(server.settings.database_url)
        try:
            state = State(settings=server.settings, database=database)
            access = definitions.open_store(database, EMAIL)
            console.print(f"{options.learners:,} simulated learners, seed {options.seed}.")
            show = Play(server, state, access, lms, lms_module, console)
            comparisons = show.run()
        finally:
            database.dispose()
        total_s = round(time.monotonic() - began, 2)
        timings = {**show.timings, "total_s": total_s, "events": lms.n_events}
        _show(console, comparisons)
        _write(options, comparisons, timings)
        console.print(f"{lms.n_events:,} events in {total_s:.0f} s.")
        if not options.once:
            _stay(console, server.base_url, access)
    return AGREED if all(comparison.agrees for comparison in comparisons) else DISAGREED


def _show(console: Console, comparisons: list[Comparison]) -> None:
    """The decisions beside the truths, then why; narrow terminals must be able to read it."""
    title = "What was planted, and what Momentum decided"
    table = Table(title=title, box=None, padding=(0, 1, 1, 0), pad_edge=False)
    for heading in ("experiment", "domain, unit", "truth", "decision", "agrees", "effect, points"):
        table.add_column(heading)
    for one in comparisons:
        table.add_row(
            one.key,
            f"{one.domain}\n{one.unit_kind}",
            one.truth,
            one.decision,
            MARKS[one.agrees],
            one.estimate,
        )
    console.print(table)
    for one in comparisons:
        console.print(f"[bold]{one.key}[/bold] (look {one.look}): {one.reason}", highlight=False)


def _write(options: Options, comparisons: list[Comparison], timings: dict[str, float]) -> None:
    if options.json is None:
        return
    outcome = {
        "seed": options.seed,
        "experiments": [comparison.to_json() for comparison in comparisons],
        "timings": timings,
    }
    options.json.write_bytes(orjson.dumps(outcome, option=orjson.OPT_INDENT_2))


def _stay(console: Console, base_url: str, access: definitions.Access) -> None:
    """Leave the server to the reader until Ctrl-C."""
    console.print(f"\nLook around at {base_url}")
    console.print(f"  e-mail    {access.email}\n  password  {access.password}", highlight=False)
    console.print("Ctrl-C ends the server.")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        console.print("\nThe server is down.")


def _check_target(json: Path | None) -> None:
    """Refuse, before minutes of work, a file that could not be written after them.

    Raises:
        Problem: 422.
    """
    if json is None:
        return
    if json.is_dir():
        raise Problem(422, f"--json {json} is a folder; name a file, such as {json / 'demo.json'}")
    if not json.parent.is_dir():
        raise Problem(422, f"--json {json}: there is no folder {json.parent}; make it first")
    if not os.access(json if json.exists() else json.parent, os.W_OK):
        raise Problem(422, f"--json {json} cannot be written; name a file in a folder of yours")


@contextmanager
def _store(wanted: Path | None) -> Iterator[Path]:
    """A folder for the store: the caller's own, kept, or one that goes with the demo."""
    if wanted is None:
        with tempfile.TemporaryDirectory(prefix="momentum-demo-") as folder:
            yield Path(folder)
        return
    try:
        wanted.mkdir(parents=True, exist_ok=True)
        is_empty = not any(wanted.iterdir())
    except OSError as error:
        raise Problem(
            422, f"--data-dir {wanted} is no folder for a store ({error.strerror}); name a new one"
        ) from None
    if not is_empty:
        raise Problem(422, f"--data-dir {wanted} is not empty; name a new folder")
    if not os.access(wanted, os.W_OK):
        raise Problem(422, f"--data-dir {wanted} is not yours to write in; name a new folder")
    yield wanted.resolve()


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
