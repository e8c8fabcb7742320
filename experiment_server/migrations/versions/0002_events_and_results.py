"""What happens: events, schedule, scores, readouts, reports, messages."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for create in TABLES.values():
        create()


def downgrade() -> None:
    for name in reversed(TABLES):
        op.drop_table(name)


def _job_run() -> None:
    op.create_table(
        "job_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job", sa.String(length=40), nullable=False),
        sa.Column("scope", sa.String(length=200), nullable=False),
        sa.Column("slot_at", TIME, nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(length=100), nullable=False),
        sa.Column("claimed_at", TIME, nullable=False),
        sa.Column("lease_until", TIME, nullable=False),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("error", sa.String(length=2000), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_run")),
        sa.UniqueConstraint("job", "scope", "slot_at", name=op.f("uq_job_run_job_scope_slot_at")),
    )


def _paused_job() -> None:
    op.create_table(
        "paused_job",
        sa.Column("job", sa.String(length=40), nullable=False),
        sa.Column("paused_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("job", name=op.f("pk_paused_job")),
    )


def _buffered_event() -> None:
    op.create_table(
        "buffered_event",
        sa.Column("sequence", BIG_ID, nullable=False),
        sa.Column("environment_id", sa.Integer(), nullable=False),
        sa.Column("lake_table", sa.String(length=16), nullable=False),
        sa.Column("row", JSON, nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("batch", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["environment_id"],
            ["environment.id"],
            name=op.f("fk_buffered_event_environment_id_environment"),
        ),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_buffered_event")),
    )
    op.create_index(op.f("ix_buffered_event_batch"), "buffered_event", ["batch"], unique=False)
    op.create_index(
        op.f("ix_buffered_event_environment_id"), "buffered_event", ["environment_id"], unique=False
    )


def _channel() -> None:
    op.create_table(
        "channel",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("environment_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("url", sa.String(length=1000), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["environment_id"],
            ["environment.id"],
            name=op.f("fk_channel_environment_id_environment"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel")),
    )
    op.create_index(op.f("ix_channel_environment_id"), "channel", ["environment_id"], unique=False)


def _received_event() -> None:
    op.create_table(
        "received_event",
        sa.Column("environment_id", sa.Integer(), nullable=False),
        sa.Column("event_key", sa.LargeBinary(length=16), nullable=False),
        sa.ForeignKeyConstraint(
            ["environment_id"],
            ["environment.id"],
            name=op.f("fk_received_event_environment_id_environment"),
        ),
        sa.PrimaryKeyConstraint("environment_id", "event_key", name=op.f("pk_received_event")),
        sqlite_with_rowid=False,
    )


def _report() -> None:
    op.create_table(
        "report",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("environment_id", sa.Integer(), nullable=False),
        sa.Column("rhythm", sa.String(length=16), nullable=False),
        sa.Column("period_start", TIME, nullable=False),
        sa.Column("period_end", TIME, nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["environment_id"],
            ["environment.id"],
            name=op.f("fk_report_environment_id_environment"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report")),
        sa.UniqueConstraint(
            "environment_id",
            "rhythm",
            "period_end",
            name=op.f("uq_report_environment_id_rhythm_period_end"),
        ),
    )
    op.create_index(op.f("ix_report_environment_id"), "report", ["environment_id"], unique=False)


def _score_version() -> None:
    op.create_table(
        "score_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("environment_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("norms", JSON, nullable=False),
        sa.Column("validation", JSON, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["environment_id"],
            ["environment.id"],
            name=op.f("fk_score_version_environment_id_environment"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_score_version")),
        sa.UniqueConstraint(
            "environment_id", "version", name=op.f("uq_score_version_environment_id_version")
        ),
    )
    op.create_index(
        op.f("ix_score_version_environment_id"), "score_version", ["environment_id"], unique=False
    )


def _sealing_cursor() -> None:
    op.create_table(
        "sealing_cursor",
        sa.Column("environment_id", sa.Integer(), nullable=False),
        sa.Column("last_batch", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["environment_id"],
            ["environment.id"],
            name=op.f("fk_sealing_cursor_environment_id_environment"),
        ),
        sa.PrimaryKeyConstraint("environment_id", name=op.f("pk_sealing_cursor")),
    )


def _outbox_message() -> None:
    op.create_table(
        "outbox_message",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("channel_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", TIME, nullable=False),
        sa.Column("sent_at", TIME, nullable=True),
        sa.Column("error", sa.String(length=1000), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channel.id"], name=op.f("fk_outbox_message_channel_id_channel")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_message")),
    )
    op.create_index(
        op.f("ix_outbox_message_channel_id"), "outbox_message", ["channel_id"], unique=False
    )
    op.create_index(
        op.f("ix_outbox_message_next_attempt_at"),
        "outbox_message",
        ["next_attempt_at"],
        unique=False,
    )


def _readout() -> None:
    op.create_table(
        "readout",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("experiment_id", sa.Integer(), nullable=False),
        sa.Column("phase", sa.Integer(), nullable=False),
        sa.Column("look", sa.Integer(), nullable=True),
        sa.Column("as_of", TIME, nullable=False),
        sa.Column("verdict", sa.String(length=40), nullable=False),
        sa.Column("plan", JSON, nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["experiment_id"], ["experiment.id"], name=op.f("fk_readout_experiment_id_experiment")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_readout")),
        sa.UniqueConstraint(
            "experiment_id", "phase", "look", name=op.f("uq_readout_experiment_id_phase_look")
        ),
    )
    op.create_index(op.f("ix_readout_experiment_id"), "readout", ["experiment_id"], unique=False)


TABLES = {
    "job_run": _job_run,
    "paused_job": _paused_job,
    "buffered_event": _buffered_event,
    "channel": _channel,
    "received_event": _received_event,
    "report": _report,
    "score_version": _score_version,
    "sealing_cursor": _sealing_cursor,
    "outbox_message": _outbox_message,
    "readout": _readout,
}
