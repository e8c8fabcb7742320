"""Quarantine, current outcomes, imports."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _quarantined_item()
    op.create_table(
        "current_outcome",
        sa.Column("environment_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("received_micros", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["environment_id"],
            ["environment.id"],
            name=op.f("fk_current_outcome_environment_id_environment"),
        ),
        sa.PrimaryKeyConstraint("environment_id", "key", name=op.f("pk_current_outcome")),
        sqlite_with_rowid=False,
    )
    _import_run()


def downgrade() -> None:
    op.drop_table("import_run")
    op.drop_table("current_outcome")
    op.drop_table("quarantined_item")


def _quarantined_item() -> None:
    op.create_table(
        "quarantined_item",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("environment_id", sa.Integer(), nullable=False),
        sa.Column("standard", sa.String(length=16), nullable=False),
        sa.Column("content_key", sa.LargeBinary(length=16), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("is_whole", sa.Boolean(), nullable=False),
        sa.Column("may_describe", sa.Boolean(), nullable=False),
        sa.Column("learner", sa.String(length=32), nullable=True),
        sa.Column("field", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("remedy", sa.String(length=500), nullable=False),
        sa.Column("cause", sa.String(length=300), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("last_received_at", TIME, nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("settled_at", TIME, nullable=True),
        sa.Column("note", sa.String(length=2000), nullable=False),
        sa.ForeignKeyConstraint(
            ["environment_id"],
            ["environment.id"],
            name=op.f("fk_quarantined_item_environment_id_environment"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantined_item")),
        sa.UniqueConstraint(
            "environment_id",
            "standard",
            "content_key",
            name=op.f("uq_quarantined_item_environment_id_standard_content_key"),
        ),
    )
    for columns in (
        ["environment_id", "status", "id"],
        ["environment_id", "learner"],
        ["last_received_at"],
    ):
        name = op.f(f"ix_quarantined_item_{'_'.join(columns)}")
        op.create_index(name, "quarantined_item", columns, unique=False)


def _import_run() -> None:
    op.create_table(
        "import_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("environment_id", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=16), nullable=False),
        sa.Column("file_name", sa.String(length=300), nullable=False),
        sa.Column("n_rows", sa.Integer(), nullable=False),
        sa.Column("n_accepted", sa.Integer(), nullable=False),
        sa.Column("n_duplicates", sa.Integer(), nullable=False),
        sa.Column("n_refused", sa.Integer(), nullable=False),
        sa.Column("refused_bytes", sa.BigInteger(), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("finished_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["environment_id"],
            ["environment.id"],
            name=op.f("fk_import_run_environment_id_environment"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_run")),
        sa.UniqueConstraint(
            "environment_id", "fingerprint", name=op.f("uq_import_run_environment_id_fingerprint")
        ),
    )
