"""The platform's two flags: a switch to turn a new page off at once, and one that is rolled out."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class PlannedFlag:
    """A flag that is on from the experiments' start."""

    key: str
    title: str
    description: str
    coverage: float  # of learners


LEADERBOARD: Final = PlannedFlag(
    key="leaderboard",
    title="The new leaderboard",
    description="Turn it off to take the leaderboard from every learner within seconds.",
    coverage=1.0,
)
DIGEST: Final = PlannedFlag(
    key="weekly-digest",
    title="Weekly digest by mail",
    description="Rolled out by percentage; raise it as long as nobody complains.",
    coverage=0.25,
)
FLAGS: Final = (LEADERBOARD, DIGEST)
