"""Every version of a metric, kept for good; those from before as far as the audit log has them."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
TIME = sa.DateTime(timezone=True)
FIELDS: dict[str, Any] = {
    "title": sa.String(),
    "description": sa.String(),
    "kind": sa.String(),
    "event_kinds": JSON,
    "denominator_kinds": JSON,
    "quantile": sa.Float(),
    "direction": sa.String(),
    "window_days": sa.Integer(),
    "minimum_effect": sa.Float(),
    "floor": sa.Float(),
    "cap": sa.Float(),
    "cap_quantile": sa.Float(),
    "covariate": sa.String(),
    "unit_label": sa.String(),
}
LATER = {"denominator_kinds": [], "covariate": "window"}  # what entries of before 0006 leave out


def upgrade() -> None:
    op.create_table(
        "metric_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("definition", JSON, nullable=False),
        sa.Column("changed_by", sa.String(length=254), nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_metric_version")),
        sa.UniqueConstraint("key", "version", name=op.f("uq_metric_version_key_version")),
    )
    _fill(op.get_bind())


def downgrade() -> None:
    op.drop_table("metric_version")


def _fill(connection: sa.Connection) -> None:
    metric = sa.table(
        "metric",
        sa.column("key", sa.String()),
        sa.column("version", sa.Integer()),
        sa.column("updated_at", TIME),
        *(sa.column(name, kind) for name, kind in FIELDS.items()),
    )
    kept = sa.table(
        "metric_version",
        sa.column("key", sa.String()),
        sa.column("version", sa.Integer()),
        sa.column("definition", JSON),
        sa.column("changed_by", sa.String()),
        sa.column("changed_at", TIME),
    )
    for row in connection.execute(sa.select(metric)).mappings().all():
        connection.execute(sa.insert(kept), list(_past(connection, row)))


def _past(connection: sa.Connection, row: sa.RowMapping) -> Iterator[dict[str, Any]]:
    """The versions of one metric; the current one is the row itself, whoever made it."""
    audit = sa.table(
        "audit_entry",
        sa.column("id", sa.Integer()),
        sa.column("at", TIME),
        sa.column("actor_title", sa.String()),
        sa.column("action", sa.String()),
        sa.column("resource", sa.String()),
        sa.column("after", JSON),
    )
    told = connection.execute(
        sa.select(audit)
        .where(audit.c.resource == f"metric:{row['key']}")
        .where(audit.c.action.in_(("metric.create", "metric.change")))
        .order_by(audit.c.id)
    ).mappings()
    entries = told.all()
    whole = len(entries) == row["version"]  # else nobody can tell which entry made which version
    for number, entry in enumerate(entries[:-1] if whole else (), start=1):
        yield {
            "key": row["key"],
            "version": number,
            "definition": {name: entry["after"].get(name, LATER.get(name)) for name in FIELDS},
            "changed_by": entry["actor_title"],
            "changed_at": entry["at"],
        }
    yield {
        "key": row["key"],
        "version": row["version"],
        "definition": {name: row[name] for name in FIELDS},
        "changed_by": entries[-1]["actor_title"] if whole else "",
        "changed_at": row["updated_at"],
    }
