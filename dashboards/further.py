"""What a readout does not answer, and the command that does."""

from dataclasses import dataclass

from analysis.results import Readout


@dataclass(frozen=True)
class Question:
    """A question, and the command that answers it."""

    question: str
    command: str


def questions(readout: Readout, environment: str) -> tuple[Question, ...]:
    """What can be asked of the experiment's own learners; () where nobody's days are compared."""
    if readout.source or not readout.trend:
        return ()
    of_teams = readout.unit_kind == "team"
    asked = [("novelty", "Does the effect fade with the days since exposure?")]
    if of_teams:
        asked.append(("teams", "What do few teams tell, and how alike is a team?"))
    elif readout.component_splits:
        asked.append(("score", "Do more learners engage, or do those who do get further?"))
    return tuple(
        Question(question, f"momentum bayes {name} {readout.experiment} -e {environment}")
        for name, question in asked
    )
