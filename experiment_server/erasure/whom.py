"""Who is to be erased, as the places that hold something of them know them."""

from dataclasses import dataclass

from experiment_server.environments.models import Environment
from experiment_server.ingest.pseudonyms import Pseudonyms


@dataclass(frozen=True)
class Whom:
    """One learner of one environment."""

    environment: Environment
    environment_id: int
    learner_id: str  # as hosts write it
    pseudonym: str  # as the lake has it

    @classmethod
    def of(cls, environment: Environment, learner_id: str) -> "Whom":
        """The learner with this id in an environment."""
        pseudonym = Pseudonyms(environment.pseudonym_key).learner(learner_id)
        return cls(environment, int(environment.id or 0), learner_id, pseudonym)
