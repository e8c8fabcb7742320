"""Kind rules: an environment's own, and the table that its intake asks."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlmodel import Session, col, select

from analysis.kinds import CUSTOM_PREFIX, KINDS, is_known
from experiment_server.audit.service import record
from experiment_server.environments.models import Environment
from experiment_server.kind_rules.models import KindRule
from experiment_server.kind_rules.table import SILENT, STANDARDS, KindTable
from experiment_server.problems import FieldError, conflict, invalid_fields, not_found, shown
from experiment_server.security.roles import Actor

MOST: Final = 2_000  # of one environment: every intake loads them
FIELDS: Final = ("standard", "action", "about", "kind")


def load_table(session: Session, environment_id: int) -> KindTable:
    """The table of an environment: its own rules before the built-in ones."""
    own = {
        (rule.standard, rule.action, rule.about): rule.kind
        for rule in list_rules(session, environment_id)
    }
    return KindTable(own)


def list_rules(session: Session, environment_id: int) -> Sequence[KindRule]:
    """An environment's own rules, in order of standard and action."""
    query = select(KindRule).where(KindRule.environment_id == environment_id)
    order = (col(KindRule.standard), col(KindRule.action), col(KindRule.about))
    return session.exec(query.order_by(*order)).all()


def put_rule(
    session: Session, actor: Actor, environment: Environment, wish: Mapping[str, Any], now: datetime
) -> KindRule:
    """Add a rule, or change the kind of the one for the same action and type; ``FIELDS``.

    Raises:
        Problem: 422, for a standard or kind that does not exist; 409 when there are too many.
    """
    _check(wish)
    environment_id = int(environment.id or 0)
    rule = _find(session, environment_id, wish)
    before = None if rule is None else plain(rule)
    if rule is None:
        if len(list_rules(session, environment_id)) >= MOST:
            raise conflict(f"An environment has at most {MOST:,} kind rules. Delete some first.")
        rule = KindRule(
            environment_id=environment_id,
            **{field: wish[field] for field in FIELDS},
            updated_at=now,
        )
        session.add(rule)
    rule.kind, rule.updated_at = wish["kind"], now
    session.flush()
    if plain(rule) != before:
        _note(session, actor, "put", rule, before)
    return rule


def delete_rule(session: Session, actor: Actor, environment: Environment, rule_id: int) -> None:
    """Delete an own rule; the built-in one, if any, holds again.

    Raises:
        Problem: 404.
    """
    rule = session.get(KindRule, rule_id)
    if rule is None or rule.environment_id != environment.id:
        raise not_found("kind rule", rule_id)
    _note(session, actor, "delete", rule, plain(rule))
    session.delete(rule)


def plain(rule: KindRule) -> dict[str, Any]:
    """A rule's values as JSON."""
    return {field: getattr(rule, field) for field in FIELDS}


def _check(wish: Mapping[str, Any]) -> None:
    errors = []
    if wish["standard"] not in STANDARDS:
        expected = "one of " + ", ".join(STANDARDS)
        errors.append(FieldError("standard", shown(wish["standard"]), expected, "Example: xapi."))
    if wish["kind"] != SILENT and not is_known(wish["kind"]):
        known = ", ".join(kind.name for kind in KINDS)
        remedy = f"Or {CUSTOM_PREFIX}<name>, or null: no event."
        errors.append(FieldError("kind", shown(wish["kind"]), f"one of {known}", remedy))
    for field in ("action", "about"):
        if not wish[field].isprintable():
            remedy = "Write it as the statements do."
            errors.append(FieldError(field, shown(wish[field]), "printable text", remedy))
    if errors:
        raise invalid_fields(errors)


def _find(session: Session, environment_id: int, wish: Mapping[str, Any]) -> KindRule | None:
    query = select(KindRule).where(
        KindRule.environment_id == environment_id,
        KindRule.standard == wish["standard"],
        KindRule.action == wish["action"],
        KindRule.about == wish["about"],
    )
    return session.exec(query).first()


def _note(
    session: Session, actor: Actor, verb: str, rule: KindRule, before: dict[str, Any] | None
) -> None:
    record(
        session,
        actor,
        f"kind_rule.{verb}",
        f"kind_rule:{rule.id}",
        before=before,
        after=None if verb == "delete" else plain(rule),
        environment_id=rule.environment_id,
    )
