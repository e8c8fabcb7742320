"""Things that tests need, made in one call with sensible defaults."""

from dataclasses import dataclass
from datetime import UTC, datetime

from experiment_server.db import Database
from experiment_server.environments import service as environments
from experiment_server.environments.models import Environment
from experiment_server.members import service as members
from experiment_server.members.models import Member
from experiment_server.security.roles import SYSTEM

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PASSWORD = "quiet otters read maps"


def make_environment(database: Database, key: str = "production") -> Environment:
    """An environment."""
    with database.write() as session:
        return environments.create_environment(session, SYSTEM, key, key.title(), NOW)


@dataclass(frozen=True)
class Keys:
    """Secrets of one environment's keys, and the headers that carry them."""

    environment: Environment
    database: Database

    def secret(self, kind: str = "server", role: str | None = None) -> str:
        """A new key's secret."""
        with self.database.write() as session:
            wanted = (kind, role, f"{kind} key")
            return environments.create_key(session, SYSTEM, self.environment, wanted, NOW)[1]

    def headers(self, kind: str = "server", role: str | None = None) -> dict[str, str]:
        """The header of a new SDK key (server, client) or, with a role, of a management key."""
        return {"Authorization": f"Bearer {self.secret(kind, role)}"}

    def manage(self, role: str = "admin") -> dict[str, str]:
        """The header of a new management key with this role."""
        return self.headers("management", role)


def make_keys(database: Database, environment: str = "production") -> Keys:
    """A new environment's key maker."""
    return Keys(make_environment(database, environment), database)


def make_member(database: Database, role: str = "admin", email: str | None = None) -> Member:
    """A member who signs in with ``PASSWORD``."""
    address = email or f"{role}@example.org"
    with database.write() as session:
        return members.create_member(session, SYSTEM, address, role, PASSWORD, NOW)


def sign_in(client, database: Database, role: str = "admin", email: str | None = None) -> str:
    """Sign a new member's browser in (``client``) and return its CSRF token."""
    member = make_member(database, role, email)
    signed = members.sign_in(database, member.email, PASSWORD, datetime.now(UTC))
    client.set_cookie("momentum_session", signed.token)
    return signed.csrf_token
