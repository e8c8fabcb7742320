"""Listed units of up to 256 characters, as assignment and the SDKs take them."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _resize(128, 256)


def downgrade() -> None:
    _resize(256, 128)


def _resize(old: int, new: int) -> None:
    # No table refers to this one, so SQLite may copy it (see 0003).
    with op.batch_alter_table("listed_unit") as table:
        table.alter_column(
            "unit",
            existing_type=sa.String(length=old),
            type_=sa.String(length=new),
            existing_nullable=False,
        )
