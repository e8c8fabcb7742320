"""``momentum member``: people who sign in."""

import sys
from typing import Annotated

import typer

from experiment_server.columns import utc_now
from experiment_server.commands.context import opened_state
from experiment_server.members import service
from experiment_server.security.passwords import make_password
from experiment_server.security.roles import ROLES, SYSTEM, VIEWER

Email = Annotated[str, typer.Option(help="What the member signs in with.")]
FromStdin = Annotated[bool, typer.Option(help="Read the password from standard input.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    members = typer.Typer(no_args_is_help=True, help="People who sign in.")
    app.add_typer(members, name="member")

    @members.command("add")
    def add(
        email: Email,
        role: Annotated[str, typer.Option(help="One of " + ", ".join(ROLES))] = VIEWER,
        password_stdin: FromStdin = False,
    ) -> None:
        """Create a member; without --password-stdin a password is made and shown once."""
        password = _read_password() if password_stdin else make_password()
        with opened_state() as state, state.database.write() as session:
            member = service.create_member(session, SYSTEM, email, role, password, utc_now())
        typer.echo(f"{member.email} may sign in as {member.role}.")
        if not password_stdin:
            typer.echo(f"Password (shown this once): {password}")

    @members.command("password")
    def password(email: Email, password_stdin: FromStdin = False) -> None:
        """Give a member a new password, end a lock, and sign them out everywhere."""
        secret = _read_password() if password_stdin else make_password()
        with opened_state() as state, state.database.write() as session:
            member = service.load_member(session, email)
            service.change_member(session, SYSTEM, member, {"password": secret}, utc_now())
        typer.echo(f"{member.email} has a new password.")
        if not password_stdin:
            typer.echo(f"Password (shown this once): {secret}")

    @members.command("list")
    def show() -> None:
        """List the members."""
        with opened_state() as state, state.database.read() as session:
            for member in service.list_members(session):
                status = "disabled" if member.disabled_at else "active"
                typer.echo(f"{member.email}\t{member.role}\t{status}")


def _read_password() -> str:
    return sys.stdin.readline().rstrip("\r\n")
