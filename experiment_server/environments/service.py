"""Environments and their API keys."""

import hmac
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from importlib.util import find_spec
from secrets import token_hex
from typing import Final

import sqlalchemy as sa
from sqlmodel import Session, col, select

from experiment_server.audit.service import record
from experiment_server.environments.models import ApiKey, Environment
from experiment_server.problems import forbidden, invalid, not_found, taken
from experiment_server.security.api_keys import hash_key, is_well_formed, make_key
from experiment_server.security.roles import (
    CLIENT,
    ENCRYPTED,
    KEY_KINDS,
    MANAGEMENT,
    ROLES,
    SYSTEM,
    Actor,
    role_reaches,
)

UNITS: Final = ("id", "team")


def create_environment(
    session: Session, actor: Actor, key: str, title: str, now: datetime
) -> Environment:
    """A new environment, with a pseudonym key of its own.

    Raises:
        Problem: 409, when the key is taken.
    """
    if session.exec(select(Environment).where(Environment.key == key)).first() is not None:
        raise taken("environment", key)
    environment = Environment(key=key, title=title, pseudonym_key=token_hex(32), created_at=now)
    session.add(environment)
    session.flush()
    record(
        session,
        actor,
        "environment.create",
        f"environment:{key}",
        after={"key": key, "title": title},
        environment_id=environment.id,
    )
    return environment


def ensure_first(session: Session, now: datetime) -> None:
    """Give a fresh installation the environment ``production``, to begin with."""
    if session.exec(select(Environment)).first() is None:
        create_environment(session, SYSTEM, "production", "Production", now)


def load_environment(session: Session, key: str) -> Environment:
    """The environment of this key.

    Raises:
        Problem: 404.
    """
    found = session.exec(select(Environment).where(Environment.key == key)).first()
    if found is None:
        raise not_found("environment", key)
    return found


def list_environments(session: Session) -> Sequence[Environment]:
    """Every environment, by key."""
    return session.exec(select(Environment).order_by(col(Environment.key))).all()


def touch_payload(session: Session, environment_id: int | None = None) -> None:
    """Count a change of what SDKs receive, in the change's transaction; None: everywhere."""
    change = sa.update(Environment).values(payload_version=Environment.payload_version + 1)
    if environment_id is not None:
        change = change.where(col(Environment.id) == environment_id)
    session.execute(change.execution_options(synchronize_session=False))


def set_secret_attributes(
    session: Session, actor: Actor, environment: Environment, names: Sequence[str]
) -> Environment:
    """Say which attributes' values clients must not read out of targeting rules.

    Raises:
        Problem: 422 for ``id`` and ``team``: experiments share them out by their own hash.
    """
    for name in UNITS:
        if name in names:
            remedy = f"Leave {name} out: clients hand it in as it is, and receive no learner's id."
            raise invalid("items", name, "attributes other than id and team", remedy)
    wanted = sorted(set(names))
    before = list(environment.secret_attributes)
    if wanted != before:
        environment.secret_attributes = wanted
        session.add(environment)
        session.flush()
        touch_payload(session, _id(environment))
        record(
            session,
            actor,
            "environment.secret_attributes",
            f"environment:{environment.key}",
            before={"secret_attributes": before},
            after={"secret_attributes": wanted},
            environment_id=environment.id,
        )
    return environment


def secret_salt(environment: Environment) -> str:
    """What hosts put before a secret attribute's value when they hash it for a client.

    It follows from the environment's own key, from which nothing can be learnt of that key.
    """
    key = bytes.fromhex(environment.pseudonym_key)
    return hmac.digest(key, b"secret attributes", "sha256").hex()[:32]


def decryption_key(environment: Environment, key: ApiKey) -> str | None:
    """What decrypts the payload of an encrypted key: 128 bits in Base64; None for other keys.

    Like the salt it follows from the environment's own key, so nothing more has to be stored.
    """
    if key.kind != ENCRYPTED:
        return None
    secret = bytes.fromhex(environment.pseudonym_key)
    made = hmac.digest(secret, f"payload of {key.secret_hash}".encode(), "sha256")
    return b64encode(made[:16]).decode()


def create_key(
    session: Session,
    actor: Actor,
    environment: Environment,
    wanted: tuple[str, str | None, str],
    now: datetime,
) -> tuple[ApiKey, str]:
    """A new key and its secret, which nobody can read again; ``wanted`` is kind, role, title.

    Raises:
        Problem: 422 for a kind or role that does not exist; 403 for a role above the actor's own.
    """
    kind, role, title = wanted
    _check_key_wish(actor, kind, role)
    made = make_key(kind)
    key = ApiKey(
        environment_id=_id(environment),
        kind=kind,
        role=role,
        title=title,
        prefix=made.prefix,
        secret_hash=made.secret_hash,
        created_at=now,
    )
    session.add(key)
    session.flush()
    record(
        session,
        actor,
        "key.create",
        f"key:{key.id}",
        after={"kind": kind, "role": role, "title": title, "prefix": made.prefix},
        environment_id=environment.id,
    )
    return key, made.secret


def list_keys(session: Session, environment: Environment) -> Sequence[ApiKey]:
    """The environment's keys, revoked ones included, oldest first."""
    query = select(ApiKey).where(ApiKey.environment_id == environment.id).order_by(col(ApiKey.id))
    return session.exec(query).all()


def revoke_key(
    session: Session, actor: Actor, environment: Environment, key_id: int, now: datetime
) -> ApiKey:
    """Close a key for good; closing it again changes nothing.

    Raises:
        Problem: 404, when the environment has no such key.
    """
    key = session.get(ApiKey, key_id, with_for_update=True)
    if key is None or key.environment_id != environment.id:
        raise not_found("key", key_id)
    if key.revoked_at is None:
        key.revoked_at = now
        record(
            session,
            actor,
            "key.revoke",
            f"key:{key_id}",
            before={"revoked_at": None},
            after={"revoked_at": now.isoformat()},
            environment_id=environment.id,
        )
    return key


def actor_of_key(session: Session, secret: str) -> Actor | None:
    """Who a key speaks for; None for a key that is unknown, mistyped or revoked."""
    if not is_well_formed(secret):
        return None
    query = select(ApiKey, Environment).where(
        ApiKey.secret_hash == hash_key(secret),
        col(ApiKey.revoked_at).is_(None),
        ApiKey.environment_id == Environment.id,
    )
    found = session.exec(query).first()
    if found is None:
        return None
    key, environment = found
    return Actor(
        id=f"key:{key.id}",
        title=f"{key.title} ({key.prefix}...)",
        role=key.role,
        key_kind=CLIENT if key.kind == ENCRYPTED else key.kind,
        environment_id=environment.id,
        environment_key=environment.key,
        payload_key=decryption_key(environment, key),
    )


def _check_key_wish(actor: Actor, kind: str, role: str | None) -> None:
    if kind not in KEY_KINDS:
        raise invalid("kind", kind, "one of " + ", ".join(KEY_KINDS), "SDKs need a server key.")
    if kind == ENCRYPTED and find_spec("cryptography") is None:
        remedy = "Install the package cryptography on the server: the extra `encryption`."
        raise invalid("kind", kind, "a kind that this server can serve", remedy)
    if kind != MANAGEMENT:
        if role is not None:
            raise invalid("role", role, f"no role for a {kind} key", "Leave role out.")
        return
    if role not in ROLES:
        raise invalid("role", role, "one of " + ", ".join(ROLES), "A management key needs a role.")
    if actor.role is None or not role_reaches(actor.role, role):
        raise forbidden(f"You cannot make a key with the role {role}, which is above your own.")


def _id(environment: Environment) -> int:
    if environment.id is None:
        raise ValueError("the environment is not stored yet")
    return environment.id
