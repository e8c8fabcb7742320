"""What clients may read: secret attributes of an environment, flags for servers only."""

import json

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    # Added in place, each with a default for the rows that exist: SQLite would otherwise copy the
    # table, and dropping the old one would take along what refers to it.
    email = sa.text(f"'{json.dumps(['email'])}'")
    secret = sa.Column("secret_attributes", JSON, nullable=False, server_default=email)
    op.add_column("environment", secret)
    op.add_column(
        "flag", sa.Column("server_only", sa.Boolean(), nullable=False, server_default=sa.false())
    )


def downgrade() -> None:
    op.drop_column("flag", "server_only")
    op.drop_column("environment", "secret_attributes")
