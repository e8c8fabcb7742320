"""What the simulated academy offers: courses, challenges, rewards, and the one step that is bad."""

from typing import Final

COURSES: Final = (
    "welcome",
    "product-basics",
    "needs-analysis",
    "objection-handling",
    "compliance",
    "closing",
    "digital-tools",
    "coaching",
)
STEPS_PER_COURSE: Final = 8

# The planted drop-off: half of those who reach this step give the course up there.
BAD_COURSE: Final = "objection-handling"
BAD_STEP: Final = 5
GIVE_UP_AT_BAD_STEP: Final = 0.5
GIVE_UP_ELSEWHERE: Final = 0.02

TOPICS: Final = ("discovery", "pricing", "service", "safety", "product")
CHALLENGES: Final = tuple(
    f"{topic}-{form}" for topic in TOPICS for form in ("quiz", "role-play", "sprint")
)
REWARDS: Final = ("badge", "coffee-voucher", "extra-break", "prize-draw")
REWARD_COSTS: Final = (0.0, 4.0, 6.0, 2.0)  # in the program's currency
MESSAGES: Final = ("weekly-nudge", "we-miss-you")
