"""``momentum environment`` and ``momentum key``: where definitions are live, and who may ask."""

from typing import Annotated

import typer

from experiment_server.columns import utc_now
from experiment_server.commands.context import opened_state
from experiment_server.environments import service
from experiment_server.security.roles import KEY_KINDS, MANAGEMENT, ROLES, SERVER, SYSTEM

Title = Annotated[str, typer.Option(help="The name for people.")]
At = Annotated[str, typer.Option("--environment", "-e", help="The environment's key.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    environments = typer.Typer(no_args_is_help=True, help="Where definitions are live.")
    keys = typer.Typer(no_args_is_help=True, help="Secrets for programs.")
    app.add_typer(environments, name="environment")
    app.add_typer(keys, name="key")
    _add_environment_commands(environments)
    _add_key_commands(keys)


def _add_environment_commands(environments: typer.Typer) -> None:
    @environments.command("add")
    def add(key: str, title: Title = "") -> None:
        """Create an environment."""
        with opened_state() as state, state.database.write() as session:
            made = service.create_environment(session, SYSTEM, key, title or key.title(), utc_now())
        typer.echo(f"The environment {made.key} is ready. Next: momentum key add -e {made.key}")

    @environments.command("secret")
    def secret(
        key: str,
        attribute: Annotated[
            list[str] | None, typer.Option(help="A secret attribute; once for each.")
        ] = None,
    ) -> None:
        """Say which attributes reach clients as salted hashes only; without any, none does."""
        with opened_state() as state, state.database.write() as session:
            place = service.load_environment(session, key)
            service.set_secret_attributes(session, SYSTEM, place, attribute or [])
            listed = ", ".join(place.secret_attributes) or "none"
        typer.echo(f"Secret in {key}: {listed}")

    @environments.command("list")
    def show() -> None:
        """List the environments."""
        with opened_state() as state, state.database.read() as session:
            for environment in service.list_environments(session):
                typer.echo(f"{environment.key}\t{environment.title}")


def _add_key_commands(keys: typer.Typer) -> None:
    @keys.command("add")
    def add(
        environment: At,
        kind: Annotated[str, typer.Option(help="One of " + ", ".join(KEY_KINDS))] = SERVER,
        role: Annotated[
            str | None, typer.Option(help=f"Of a {MANAGEMENT} key: one of " + ", ".join(ROLES))
        ] = None,
        title: Annotated[str, typer.Option(help="What it is for.")] = "command line",
    ) -> None:
        """Create a key; its secret is shown once, on standard output."""
        with opened_state() as state, state.database.write() as session:
            place = service.load_environment(session, environment)
            wanted = (kind, role, title)
            key, secret = service.create_key(session, SYSTEM, place, wanted, utc_now())
            decryption_key = service.decryption_key(place, key)
        typer.echo(f"Key {key.id} ({kind}) of {environment}, shown this once:", err=True)
        typer.echo(secret)
        if decryption_key is not None:
            typer.echo(f"Its SDKs decrypt with: {decryption_key}", err=True)

    @keys.command("list")
    def show(environment: At) -> None:
        """List an environment's keys."""
        with opened_state() as state, state.database.read() as session:
            for key in service.list_keys(session, service.load_environment(session, environment)):
                status = "revoked" if key.revoked_at else "active"
                typer.echo(f"{key.id}\t{key.kind}\t{key.prefix}...\t{status}\t{key.title}")

    @keys.command("revoke")
    def revoke(key_id: int, environment: At) -> None:
        """Close a key for good."""
        with opened_state() as state, state.database.write() as session:
            place = service.load_environment(session, environment)
            key = service.revoke_key(session, SYSTEM, place, key_id, utc_now())
        typer.echo(f"Key {key.id} is closed. Running servers refuse it within seconds.")
