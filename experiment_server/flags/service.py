"""Flags: definitions, and their switch and rules in each environment."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlmodel import Session, col, select

from experiment_server.audit.service import record
from experiment_server.environments.models import Environment
from experiment_server.environments.service import touch_payload
from experiment_server.flags.changes import FlagChange
from experiment_server.flags.compile import check_feature, compile_flag
from experiment_server.flags.models import Flag, FlagEnvironment
from experiment_server.flags.targeting import check_condition
from experiment_server.problems import (
    check_version,
    conflict,
    forbidden,
    invalid,
    not_found,
    taken,
)
from experiment_server.security.roles import Actor

VALUE_TYPES: Final = {
    "boolean": (bool,),
    "string": (str,),
    "number": (int, float),
    "json": (dict, list, str, int, float, bool, type(None)),
}
_DELIVERED: Final = frozenset({"default_value", "server_only"})  # to every environment alike
# Flags and experiments share the SDKs' keys, but a flag knows nothing of experiments: their table
# is asked by name.
_EXPERIMENTS: Final = sa.table("experiment", sa.column("key", sa.String))


def create_flag(
    session: Session, actor: Actor, key: str, values: Mapping[str, Any], now: datetime
) -> Flag:
    """A new flag; it is off everywhere until an environment switches it on.

    Raises:
        Problem: 422 for a default value of another type; 409 when the key is taken.
    """
    if _by_key(session, key) is not None:
        raise taken("flag", key)
    in_use = sa.select(sa.func.count()).select_from(_EXPERIMENTS).where(_EXPERIMENTS.c.key == key)
    if session.execute(in_use).scalar_one():
        raise taken("experiment", key)
    check_value("default_value", values["default_value"], values["value_type"])
    flag = Flag(key=key, created_at=now, updated_at=now, **values)
    session.add(flag)
    session.flush()
    touch_payload(session)
    record(session, actor, "flag.create", f"flag:{key}", after=plain(flag))
    return flag


def change_flag(
    session: Session,
    actor: Actor,
    flag: Flag,
    version: int,
    values: Mapping[str, Any],
    now: datetime,
) -> Flag:
    """Set a flag's title, description or default value.

    Raises:
        Problem: 412 when ``version`` is not the current one; 409 for an archived flag; 422; 403
            when other environments would be given something else.
    """
    session.refresh(flag, with_for_update=True)
    if values.keys() & _DELIVERED:
        _check_reach(session, actor, flag)
    check_version(f"flag {flag.key}", version, flag.version)
    if flag.archived_at is not None:
        raise conflict(f"The flag {flag.key} is archived and cannot be changed.")
    if "default_value" in values:
        check_value("default_value", values["default_value"], flag.value_type)
    before = plain(flag)
    for name, value in values.items():
        setattr(flag, name, value)
    flag.version += 1
    flag.updated_at = now
    touch_payload(session)
    record(session, actor, "flag.change", f"flag:{flag.key}", before=before, after=plain(flag))
    return flag


def _check_reach(session: Session, actor: Actor, flag: Flag) -> None:
    """A key changes what its own environment is given, and nothing of another one."""
    if actor.environment_id is None:
        return  # a member, who works in all of them
    elsewhere = select(FlagEnvironment).where(
        FlagEnvironment.flag_id == flag.id,
        FlagEnvironment.environment_id != actor.environment_id,
        col(FlagEnvironment.enabled),
    )
    if session.exec(elsewhere).first() is not None:
        raise forbidden(
            f"The flag {flag.key} is on in another environment than the key's, which this would "
            "change as well. Sign in as a member to do it."
        )


def archive_flag(session: Session, actor: Actor, flag: Flag, now: datetime) -> Flag:
    """Take a flag out of every payload: SDKs then give the caller's own default. Twice is once.

    Raises:
        Problem: 403 when it is on in an environment that is not the key's.
    """
    session.refresh(flag, with_for_update=True)
    _check_reach(session, actor, flag)
    if flag.archived_at is None:
        before = plain(flag)
        flag.archived_at = flag.updated_at = now
        flag.version += 1
        touch_payload(session)
        record(session, actor, "flag.archive", f"flag:{flag.key}", before=before, after=plain(flag))
    return flag


def set_flag_environment(
    session: Session,
    actor: Actor,
    flag: Flag,
    environment: Environment,
    change: FlagChange,
) -> FlagEnvironment:
    """Set a flag's switch and rules in one environment.

    Raises:
        Problem: 412 when the change's version is not the current one (0 before the first time);
            409 for an archived flag; 422 for a rule that no SDK could read.
    """
    session.refresh(flag, with_for_update=True)  # one writer at a time, also before the first row
    place = load_flag_environment(session, flag, environment)
    check_version(f"flag {flag.key} in {environment.key}", change.version, place.version)
    if flag.archived_at is not None:
        raise conflict(f"The flag {flag.key} is archived and cannot be changed.")
    before = plain_place(place)
    for index, rule in enumerate(change.rules):
        check_value(f"rules[{index}].value", rule["value"], flag.value_type)
        check_condition(rule.get("condition") or {}, f"rules[{index}].condition")
    place.enabled, place.rules = change.enabled, [dict(rule) for rule in change.rules]
    place.version += 1
    place.updated_at = change.now
    check_feature(flag.key, compile_flag(flag, _switched_on(place)))
    session.add(place)
    session.flush()
    touch_payload(session, environment.id)
    record(
        session,
        actor,
        "flag.set",
        f"flag:{flag.key}",
        before=before,
        after=plain_place(place),
        environment_id=environment.id,
    )
    return place


def list_flags(session: Session, *, archived: bool = False) -> Sequence[Flag]:
    """Every flag, by key; archived ones only when asked for."""
    query = select(Flag).order_by(col(Flag.key))
    if not archived:
        query = query.where(col(Flag.archived_at).is_(None))
    return session.exec(query).all()


def load_flag(session: Session, key: str) -> Flag:
    """The flag of this key.

    Raises:
        Problem: 404.
    """
    flag = _by_key(session, key)
    if flag is None:
        raise not_found("flag", key)
    return flag


def load_flag_environment(
    session: Session, flag: Flag, environment: Environment
) -> FlagEnvironment:
    """A flag's switch and rules in an environment; off, at version 0, before the first setting."""
    found = session.exec(
        select(FlagEnvironment).where(
            FlagEnvironment.flag_id == flag.id, FlagEnvironment.environment_id == environment.id
        )
    ).first()
    return found or unset_flag_environment(flag, environment)


def unset_flag_environment(flag: Flag, environment: Environment) -> FlagEnvironment:
    """What holds before anybody set the flag in the environment: off, at version 0."""
    return FlagEnvironment(
        flag_id=int(flag.id or 0),
        environment_id=int(environment.id or 0),
        version=0,
        updated_at=flag.updated_at,
    )


def list_flag_environments(session: Session, environment_id: int) -> dict[int, FlagEnvironment]:
    """Flag id to its switch and rules, of an environment."""
    query = select(FlagEnvironment).where(FlagEnvironment.environment_id == environment_id)
    return {place.flag_id: place for place in session.exec(query)}


def check_value(field: str, value: Any, value_type: str) -> None:
    """Refuse a value that is not of the flag's type.

    Raises:
        Problem: 422.
    """
    types = VALUE_TYPES[value_type]
    wrong_boolean = isinstance(value, bool) and bool not in types
    if not isinstance(value, types) or wrong_boolean:
        raise invalid(field, value, f"a {value_type}", "The flag's value_type says what fits.")


def plain(flag: Flag) -> dict[str, Any]:
    """A flag's values as JSON."""
    return {
        "key": flag.key,
        "title": flag.title,
        "description": flag.description,
        "value_type": flag.value_type,
        "default_value": flag.default_value,
        "server_only": flag.server_only,
        "archived": flag.archived_at is not None,
        "version": flag.version,
    }


def plain_place(place: FlagEnvironment) -> dict[str, Any]:
    """A flag's switch and rules as JSON."""
    return {"enabled": place.enabled, "rules": place.rules, "version": place.version}


def _by_key(session: Session, key: str) -> Flag | None:
    return session.exec(select(Flag).where(Flag.key == key)).first()


def _switched_on(place: FlagEnvironment) -> FlagEnvironment:
    """The same rules, on: a rule must be readable before anyone switches the flag on."""
    return FlagEnvironment(
        flag_id=place.flag_id,
        environment_id=place.environment_id,
        enabled=True,
        rules=place.rules,
        updated_at=place.updated_at,
    )
