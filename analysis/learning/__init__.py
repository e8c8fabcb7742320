"""QUESTIONS: the five things that people who run a learning program want to know."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from analysis.answers import Answer
from analysis.energize.norms import Norms
from analysis.lake.reader import Lake
from analysis.learning import drop_off, incentives, outperforming, returning, sustaining
from analysis.learning.reading.history import History, read_history
from analysis.learning.reading.randomised import read_estimates


@dataclass(frozen=True)
class Question:
    """One question and what answers it."""

    name: str
    title: str
    answer: Callable[[History], Answer]


QUESTIONS: Final = tuple(
    Question(module.NAME, module.TITLE, module.answer)
    for module in (returning, sustaining, drop_off, incentives, outperforming)
)


def answer_all(
    lake: Lake,
    norms: Norms | None,
    as_of: datetime,
    experiment_estimates: Iterable[Mapping[str, Any]] = (),
) -> tuple[Answer, ...]:
    """The answers to the five questions, in their order.

    Args:
        lake: the program's history.
        norms: the score's frozen scale; None: questions that need the score say so.
        as_of: later events are not read.
        experiment_estimates: what experiments found, shown beside what was observed and marked:
            dicts of ``title``, ``domain``, ``effect``, ``low``, ``high``, and, when the effect is
            not in score points, ``metric`` and ``unit_label``.
    """
    history = read_history(lake, norms, as_of, read_estimates(experiment_estimates))
    return tuple(question.answer(history) for question in QUESTIONS)
