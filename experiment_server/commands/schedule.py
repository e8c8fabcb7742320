"""``momentum schedule``: what runs by itself, what failed, and how to hold or repeat it."""

from typing import Annotated

import typer

from experiment_server.app import JOBS, run_due
from experiment_server.commands.context import opened_state
from experiment_server.commands.options import AsOf, parse_time
from experiment_server.problems import Problem
from experiment_server.schedule import service
from experiment_server.schedule.job import RunResult
from experiment_server.schedule.models import JobRun

NAMES = tuple(job.name for job in JOBS)
JobName = Annotated[str, typer.Argument(help="One of " + ", ".join(NAMES))]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="What runs by itself.")
    app.add_typer(group, name="schedule")
    _add_looking(group)
    _add_steering(group)
    _add_running(group)


def _add_looking(group: typer.Typer) -> None:
    @group.command("list")
    def show() -> None:
        """List the jobs, when each ran last, and what failed."""
        with opened_state() as state, state.database.read() as session:
            paused = service.list_paused(session)
            latest = service.list_latest_runs(session, NAMES)
            failed = service.list_failed_runs(session)
        for job in JOBS:
            mark = "paused" if job.name in paused else _last(latest.get(job.name))
            typer.echo(f"{job.name:<16} {job.title:<48} {mark}")
        for run in failed:
            typer.echo(
                f"failed: {run.job} {run.scope} of {run.slot_at:%Y-%m-%d %H:%M}: {run.error}"
            )


def _add_steering(group: typer.Typer) -> None:
    @group.command()
    def pause(job: JobName) -> None:
        """Hold a job; what it misses waits."""
        _check(job)
        with opened_state() as state, state.database.write() as session:
            changed = service.pause(session, job, state.clock())
        typer.echo(f"{job} {'is now' if changed else 'was already'} paused.")

    @group.command()
    def resume(job: JobName) -> None:
        """Let a paused job run again; missed looks come first, in order."""
        _check(job)
        with opened_state() as state, state.database.write() as session:
            changed = service.resume(session, job)
        typer.echo(f"{job} runs again." if changed else f"{job} was not paused.")

    @group.command()
    def retry(job: JobName) -> None:
        """Let what failed run again at the next tick, from the first attempt."""
        _check(job)
        with opened_state() as state, state.database.write() as session:
            n_forgotten = service.forget_failures(session, job)
        typer.echo(f"{n_forgotten} failed runs of {job} may run again.")


def _add_running(group: typer.Typer) -> None:
    @group.command("run-due")
    def run_now(
        only: Annotated[list[str] | None, typer.Option(help="Only these jobs.")] = None,
        as_of: AsOf = None,
    ) -> None:
        """Run here and now what is due."""
        for name in only or ():
            _check(name)
        with opened_state() as state:
            now = state.clock() if as_of is None else parse_time(as_of)
            results = run_due(state, now, only)
        for result in results:
            typer.echo(_line(result))
        if not results:
            typer.echo("Nothing was due.")
        if any(result.outcome == "failed" for result in results):
            raise typer.Exit(1)


def _check(name: str) -> None:
    if name not in NAMES:
        raise Problem(422, f"job: found {name!r}, expected one of {', '.join(NAMES)}")


def _last(run: JobRun | None) -> str:
    if run is None:
        return "never ran"
    return f"{run.outcome or 'began'} {run.finished_at or run.claimed_at:%Y-%m-%d %H:%M:%S}"


def _line(result: RunResult) -> str:
    ended = f"{result.job} {result.scope} of {result.slot_at:%Y-%m-%d %H:%M}: {result.outcome}"
    return f"{ended} in {result.seconds:.1f} s {result.error}".rstrip()
