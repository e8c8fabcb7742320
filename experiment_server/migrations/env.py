"""What Alembic runs: migrations inside the transaction that ``db.migrate`` opened."""

from alembic import context

from experiment_server.migrations.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,  # SQLite alters a table by copying it
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
