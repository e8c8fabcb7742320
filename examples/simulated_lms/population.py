"""Who learns: seeded learners with a role, a team, a first day, and what nobody can see.

Motivation is latent and differs widely, so engagement before an experiment predicts engagement in
it; a small part of it is shared within a team.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

HISTORY_DAYS: Final = 28  # lived before the experiments start
LIVE_DAYS: Final = 56
TEAM_SIZE: Final = 25
TEAM_SHARE: Final = 0.02  # of the variance of motivation that a team has in common

ROLES: Final = ("associate", "advisor", "service", "manager")
ROLE_SHARES: Final = (0.50, 0.25, 0.15, 0.10)
ROLE_SALES: Final = (1.0, 1.5, 0.6, 0.8)  # relative sales rates
REGIONS: Final = ("north", "east", "south", "west")

JOINED_BEFORE: Final = 0.82  # share of learners who were there before the history begins
JOINED_IN_HISTORY: Final = 0.13  # the others join in the first three weeks of the experiments


@dataclass(frozen=True)
class Population:
    """The learners of one simulated program; arrays are aligned by learner."""

    ids: tuple[str, ...]
    team_ids: tuple[str, ...]
    roles: tuple[str, ...]
    regions: tuple[str, ...]
    joined_day: Integers  # day 0 is the experiments' start; negative: before it
    motivation: Floats  # latent, standard normal over all learners
    skill: Floats  # latent, what sales depend on; correlates with motivation at 0.3
    sociability: Floats  # relative rate of peer actions, mean 1
    reward_taste: Floats  # latent, logit of claiming an offered reward

    @property
    def n_learners(self) -> int:
        """How many learners there are."""
        return len(self.ids)

    def attributes(self, index: int) -> dict[str, str]:
        """What the host tells about one learner when it asks for a variant."""
        return {
            "role": self.roles[index],
            "region": self.regions[index],
            "team": self.team_ids[index],
        }


def build_population(n_learners: int, seed: int) -> Population:
    """The learners of a program; the same seed gives the same people.

    Ids carry the seed, so another seed is also another randomisation by hash.

    Args:
        n_learners: at least two teams' worth, so that a team experiment has two arms.
        seed: any non-negative integer.

    Raises:
        ValueError: too few learners, or a negative seed.
    """
    if n_learners < 2 * TEAM_SIZE:
        raise ValueError(
            f"learners: {n_learners} is too few; two teams of {TEAM_SIZE} need {2 * TEAM_SIZE}"
        )
    if seed < 0:
        raise ValueError(f"seed: {seed} is negative; use 0 or above, for example 1")
    rng = np.random.default_rng([seed, 0])
    teams = np.arange(n_learners) // TEAM_SIZE
    n_teams = int(teams[-1]) + 1
    team_regions = rng.integers(0, len(REGIONS), n_teams)
    roles = rng.choice(len(ROLES), n_learners, p=ROLE_SHARES)
    motivation = (
        np.sqrt(TEAM_SHARE) * rng.standard_normal(n_teams)[teams]
        + np.sqrt(1 - TEAM_SHARE) * rng.standard_normal(n_learners)
    )  # fmt: skip
    skill = 0.3 * motivation + np.sqrt(1 - 0.3**2) * rng.standard_normal(n_learners)
    return Population(
        ids=tuple(f"learner-{seed}-{index:05d}" for index in range(n_learners)),
        team_ids=tuple(f"team-{seed}-{team:03d}" for team in teams),
        roles=tuple(ROLES[role] for role in roles),
        regions=tuple(REGIONS[team_regions[team]] for team in teams),
        joined_day=_joined_days(n_learners, rng),
        motivation=motivation,
        skill=skill,
        sociability=rng.gamma(0.8, 1 / 0.8, n_learners),
        reward_taste=rng.normal(0.2, 0.6, n_learners),
    )


def _joined_days(n_learners: int, rng: np.random.Generator) -> Integers:
    """The first working day of each learner, relative to the experiments' start."""
    wave = rng.random(n_learners)
    earlier = -HISTORY_DAYS - rng.integers(0, 900, n_learners)
    in_history = -rng.integers(1, HISTORY_DAYS + 1, n_learners)
    later = rng.integers(0, 21, n_learners)
    return np.where(
        wave < JOINED_BEFORE,
        earlier,
        np.where(wave < JOINED_BEFORE + JOINED_IN_HISTORY, in_history, later),
    ).astype(np.int64)


def sales_factors(population: Population) -> Floats:
    """How often each learner sells relative to an average associate: role and latent skill."""
    by_role = dict(zip(ROLES, ROLE_SALES, strict=True))
    roles = np.array([by_role[role] for role in population.roles])
    return roles * np.exp(0.6 * population.skill - 0.18)
