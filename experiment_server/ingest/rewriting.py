"""Compaction, vacuum and erasure take turns: each rewrites or removes files that another reads."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from experiment_server.db import Database
from experiment_server.ingest.sealing import SealingBusyError, exclusive


@contextmanager
def rewriting(database: Database, environment_id: int) -> Iterator[None]:
    """Only one at a time rewrites an environment's lake; sealing goes on meanwhile.

    A compaction copies a day's rows into files that it commits last. A learner who is erased before
    that is still in those files, whether the commit wins or loses.

    Raises:
        SealingBusyError: another one held it for a minute.
    """
    with ExitStack() as held:
        try:
            # Sealing's own lock is by the environment's number; this is another number.
            held.enter_context(exclusive(database, -environment_id))
        except SealingBusyError:
            raise SealingBusyError(
                f"environment {environment_id}: its lake is being compacted or vacuumed, or a "
                "learner erased; wait until that is through and try again"
            ) from None
        yield
