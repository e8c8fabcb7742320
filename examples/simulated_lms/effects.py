"""The planted truths: what each variant does to behaviour, and the four experiments themselves.

An effect changes behaviour, never an outcome directly: the Energize Score and the sales move
because learners come back, claim, talk or give up more or less often.
"""

from dataclasses import dataclass
from typing import Any, Final, Literal

Truth = Literal["better", "none", "worse"]


@dataclass(frozen=True)
class Effect:
    """What a variant does to the behaviour of a learner who has met it; the default is nothing."""

    visit_logit: float = 0.0  # added to the log-odds of visiting on a day
    lapse_factor: float = 1.0  # times the hazard of lapsing
    progress_factor: float = 1.0  # times the odds of doing a course step on a visit
    claim_logit: float = 0.0  # added to the log-odds of claiming an offered reward
    offer_factor: float = 1.0  # times the odds that a finished challenge is rewarded
    peer_factor: float = 1.0  # times the rate of peer actions
    open_logit: float = 0.0  # added to the log-odds of opening a message


@dataclass(frozen=True)
class PlantedExperiment:
    """One experiment with a known truth."""

    key: str
    title: str
    hypothesis: str
    domain: str
    unit_kind: Literal["learner", "team"]
    control: str
    treatment: str
    control_payload: dict[str, Any]
    treatment_payload: dict[str, Any]
    minimum_effect: float  # score points
    truth: Truth
    effect: Effect  # of the treatment


EXPERIMENTS: Final = (
    PlantedExperiment(
        key="streak-bonus",
        title="Streak bonus for five days in a row",
        hypothesis="A bonus for streaks brings learners back more often than single badges.",
        domain="incentive",
        unit_kind="learner",
        control="badge-only",
        treatment="streak-bonus",
        control_payload={"bonus_every_days": 0},
        treatment_payload={"bonus_every_days": 5},
        minimum_effect=2.0,
        truth="better",
        effect=Effect(visit_logit=0.25, lapse_factor=0.80, claim_logit=0.40, offer_factor=1.20),
    ),
    PlantedExperiment(
        key="challenge-cards",
        title="Challenges as swipe cards",
        hypothesis="Challenges shown as cards are finished more often than challenges in a list.",
        domain="challenge_format",
        unit_kind="learner",
        control="list",
        treatment="cards",
        control_payload={"layout": "list"},
        treatment_payload={"layout": "cards"},
        minimum_effect=3.0,
        truth="none",
        effect=Effect(),
    ),
    PlantedExperiment(
        key="hard-first",
        title="Hard modules first",
        hypothesis="Starting with the hard modules lets strong learners move faster.",
        domain="sequencing",
        unit_kind="learner",
        control="easy-first",
        treatment="hard-first",
        control_payload={"order": ["easy", "medium", "hard"]},
        treatment_payload={"order": ["hard", "medium", "easy"]},
        minimum_effect=2.0,
        truth="worse",
        effect=Effect(visit_logit=-0.26, lapse_factor=1.35, progress_factor=0.80),
    ),
    PlantedExperiment(
        key="manager-nudge",
        title="Nudges signed by the team's manager",
        hypothesis="A weekly nudge from one's own manager gets a team talking and coming back.",
        domain="messaging",
        unit_kind="team",
        control="system-message",
        treatment="manager-message",
        control_payload={"sender": "academy"},
        treatment_payload={"sender": "manager"},
        minimum_effect=3.0,
        truth="better",
        effect=Effect(visit_logit=0.28, lapse_factor=0.80, peer_factor=1.35, open_logit=0.6),
    ),
)

EXPERIMENTS_BY_KEY: Final = {experiment.key: experiment for experiment in EXPERIMENTS}
