"""Metric definitions: the company's own, and those that every installation begins with."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from sqlmodel import Session, col, select

from analysis.plan import MetricPlan
from experiment_server.audit.service import record
from experiment_server.metrics.checks import value_errors
from experiment_server.metrics.models import Metric, MetricVersion
from experiment_server.problems import check_version, invalid_fields, not_found, taken
from experiment_server.security.roles import SYSTEM, Actor

_PLAN_FIELDS: Final = frozenset(field.name for field in fields(MetricPlan))
DIRECTIONS: Final = ("increase", "decrease")
FIELDS: Final = (
    "title",
    "description",
    "kind",
    "event_kinds",
    "denominator_kinds",
    "quantile",
    "direction",
    "window_days",
    "minimum_effect",
    "floor",
    "cap",
    "cap_quantile",
    "covariate",
    "unit_label",
)
BUILT_IN: Final[tuple[dict[str, Any], ...]] = (
    {
        "key": "energize_score",
        "title": "Energize Score",
        "description": "Retention, activity, incentive response and community, from 0 to 100.",
        "kind": "score",
        "minimum_effect": 1.0,
        "unit_label": "points",
    },
    {
        "key": "active_days",
        "title": "Active days",
        "description": "Days on which the learner did something.",
        "kind": "active_days",
        "minimum_effect": 0.5,
        "unit_label": "days",
    },
    {
        "key": "retention",
        "title": "Retention",
        "description": "Share of learners who were active in the last week of their window.",
        "kind": "retention",
        "minimum_effect": 0.02,
        "unit_label": "share",
    },
    {
        "key": "course_completions",
        "title": "Courses completed",
        "description": "Courses that the learner finished.",
        "kind": "count",
        "event_kinds": ["course_completed"],
        "minimum_effect": 0.1,
        "unit_label": "courses",
    },
    {
        "key": "challenge_completions",
        "title": "Challenges completed",
        "description": "Challenges that the learner finished.",
        "kind": "count",
        "event_kinds": ["challenge_completed"],
        "minimum_effect": 0.2,
        "unit_label": "challenges",
    },
    {
        "key": "reward_claimers",
        "title": "Learners who claimed a reward",
        "description": "Share of learners with at least one claimed reward.",
        "kind": "proportion",
        "event_kinds": ["reward_claimed"],
        "minimum_effect": 0.02,
        "unit_label": "share",
    },
    {
        "key": "peer_actions",
        "title": "Peer actions",
        "description": "Posts, comments, reactions and recognitions.",
        "kind": "count",
        "event_kinds": ["peer_post", "peer_comment", "peer_reaction", "recognition_given"],
        "minimum_effect": 0.5,
        "unit_label": "actions",
    },
    {
        "key": "sales",
        "title": "Sales",
        "description": "Amount sold.",
        "kind": "sum",
        "event_kinds": ["sale"],
        "unit_label": "amount",
    },
)


def create_metric(
    session: Session, actor: Actor, key: str, values: Mapping[str, Any], now: datetime
) -> Metric:
    """A new metric.

    Raises:
        Problem: 422 for values that do not fit together; 409 when the key is taken.
    """
    if _by_key(session, key) is not None:
        raise taken("metric", key)
    _check(values)
    metric = Metric(key=key, created_at=now, updated_at=now, **values)
    session.add(metric)
    session.flush()
    _keep_version(session, actor, metric)
    record(session, actor, "metric.create", f"metric:{key}", after=plain(metric))
    return metric


def change_metric(
    session: Session,
    actor: Actor,
    metric: Metric,
    version: int,
    values: Mapping[str, Any],
    now: datetime,
) -> Metric:
    """Replace a metric's values; experiments that run keep those they were started with.

    Raises:
        Problem: 412 when ``version`` is not the current one; 422.
    """
    session.refresh(metric, with_for_update=True)
    check_version(f"metric {metric.key}", version, metric.version)
    _check(values)
    before = plain(metric)
    for name, value in values.items():
        setattr(metric, name, value)
    metric.version += 1
    metric.updated_at = now
    _keep_version(session, actor, metric)
    record(
        session, actor, "metric.change", f"metric:{metric.key}", before=before, after=plain(metric)
    )
    return metric


def list_versions(session: Session, metric: Metric) -> Sequence[MetricVersion]:
    """Every version of a metric that is known, the newest first."""
    query = select(MetricVersion).where(MetricVersion.key == metric.key)
    return session.exec(query.order_by(col(MetricVersion.version).desc())).all()


def load_version(session: Session, metric: Metric, number: int) -> MetricVersion:
    """One version of a metric.

    Raises:
        Problem: 404.
    """
    found = session.exec(
        select(MetricVersion).where(
            MetricVersion.key == metric.key, MetricVersion.version == number
        )
    ).first()
    if found is None:
        raise not_found(f"version of the metric {metric.key}", number)
    return found


def list_metrics(session: Session) -> Sequence[Metric]:
    """Every metric, by key."""
    return session.exec(select(Metric).order_by(col(Metric.key))).all()


def load_metric(session: Session, key: str) -> Metric:
    """The metric of this key.

    Raises:
        Problem: 404.
    """
    metric = _by_key(session, key)
    if metric is None:
        raise not_found("metric", key)
    return metric


def load_metrics(session: Session, keys: Sequence[str]) -> dict[str, Metric]:
    """Those of the keys that exist."""
    found = session.exec(select(Metric).where(col(Metric.key).in_(keys)))
    return {metric.key: metric for metric in found}


def ensure_built_in(session: Session, now: datetime) -> None:
    """Add the built-in metrics that are missing; what people changed stays changed."""
    for row in BUILT_IN:
        if _by_key(session, row["key"]) is None:
            values = {name: value for name, value in row.items() if name != "key"}
            create_metric(session, SYSTEM, row["key"], values, now)


def plain(metric: Metric) -> dict[str, Any]:
    """A metric's values as JSON."""
    return {"key": metric.key, **{name: getattr(metric, name) for name in FIELDS}}


def as_plan(values: Mapping[str, Any]) -> MetricPlan:
    """A definition as the analysis reads it, outside of any experiment.

    Args:
        values: ``key`` and the fields of ``FIELDS``; those that are absent or None: the default.
    """
    known: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in values.items()
        if name in _PLAN_FIELDS and value is not None
    }
    return MetricPlan(**known)


def _keep_version(session: Session, actor: Actor, metric: Metric) -> None:
    session.add(
        MetricVersion(
            key=metric.key,
            version=metric.version,
            definition={name: getattr(metric, name) for name in FIELDS},
            changed_by=actor.title,
            changed_at=metric.updated_at,
        )
    )


def _by_key(session: Session, key: str) -> Metric | None:
    return session.exec(select(Metric).where(Metric.key == key)).first()


def _check(values: Mapping[str, Any]) -> None:
    errors = value_errors(values)
    if errors:
        raise invalid_fields(errors)
