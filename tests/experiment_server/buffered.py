"""What waits in the buffer, for tests of what puts it there."""

from experiment_server.ingest.buffer import read_buffered


def buffered_rows(database, environment_id, lake_table):
    """The buffered rows of one lake table, in order of their ids."""
    with database.read() as session:
        chunks = list(read_buffered(session, environment_id))
    rows = [row for chunk, found in chunks if chunk.lake_table == lake_table for row in found]
    return sorted(rows, key=lambda row: row["event_id"])
