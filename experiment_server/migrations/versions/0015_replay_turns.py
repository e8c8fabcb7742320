"""How often a thing in quarantine was replayed in vain, so that a replay takes others first."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tries = sa.Column("n_tries", sa.Integer(), nullable=False, server_default="0")
    op.add_column("quarantined_item", tries)


def downgrade() -> None:
    op.drop_column("quarantined_item", "n_tries")
