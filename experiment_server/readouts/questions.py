"""The five questions of one environment, answered from its lake; remembered for a minute."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Final

from sqlmodel import Session

from analysis.answers import Answer
from analysis.energize.norms import Norms
from analysis.lake.reader import Lake
from analysis.plan import AnalysisPlan
from analysis.results import Estimate, Verdict
from experiment_server.environments.models import Environment
from experiment_server.experiments.service import list_experiments
from experiment_server.ingest.place import open_lake
from experiment_server.readouts.models import StoredReadout
from experiment_server.readouts.service import latest_look, to_readout
from experiment_server.scores import service as scores
from experiment_server.state import State

REMEMBERED: Final = timedelta(minutes=1)
MAX_REMEMBERED: Final = 32


@dataclass(frozen=True)
class Answers:
    """The answers, and what they were computed from."""

    answers: tuple[Answer, ...]
    as_of: datetime
    lake_version: dict[str, int]
    score_version: str
    validation: dict[str, Any] | None  # of that version; see analysis.energize.validity

    def to_json(self) -> dict[str, Any]:
        """The answers as plain JSON values."""
        return {
            "as_of": self.as_of.isoformat(),
            "lake_version": self.lake_version,
            "score_version": self.score_version,
            "answers": [answer.to_json() for answer in self.answers],
        }


class AnswerMemory:
    """Remembers answers for a minute, so that a page that everybody opens is computed once."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, ...], Answers] = {}
        self._locks: dict[tuple[str, ...], Lock] = {}
        self._guard = Lock()

    def get(self, key: tuple[str, ...], now: datetime, compute: Callable[[], Answers]) -> Answers:
        """The answers under this key, not older than a minute; callers at once compute once."""
        with self._guard:
            lock = self._locks.setdefault(key, Lock())
        with lock:
            known = self._found.get(key)
            if known is not None and abs(now - known.as_of) <= REMEMBERED:
                return known
            answers = compute()
            self._keep(key, answers)
        return answers

    def _keep(self, key: tuple[str, ...], answers: Answers) -> None:
        with self._guard:
            while len(self._found) >= MAX_REMEMBERED:
                oldest = next(iter(self._found))
                del self._found[oldest]
                self._locks.pop(oldest, None)
            self._found[key] = answers


_MEMORY: Final = AnswerMemory()


def answer_questions(state: State, environment: Environment, as_of: datetime) -> Answers:
    """The five answers from everything that happened before ``as_of`` and is in the lake."""
    lake = open_lake(state, environment, fresh=False)
    norms = _norms(state, environment, lake, as_of)
    versions = [f"{table}={version}" for table, version in sorted(lake.version.items())]
    key = (str(lake.root), norms.version, *versions)
    return _MEMORY.get(key, as_of, lambda: _answer(state, environment, lake, norms, as_of))


def _norms(state: State, environment: Environment, lake: Lake, as_of: datetime) -> Norms:
    with state.database.read() as session:
        known = scores.latest_norms(session, environment)
    if known is not None:
        return known
    return scores.find_or_start_norms(lake, as_of)  # shown, and not kept: nobody calibrated yet


def _answer(
    state: State, environment: Environment, lake: Lake, norms: Norms, as_of: datetime
) -> Answers:
    from analysis.learning import answer_all

    with state.database.read() as session:
        versions = {row.version: row for row in scores.list_versions(session, environment)}
        effects = list_effects(session, environment, as_of)
    kept = versions.get(norms.version)
    return Answers(
        answers=tuple(answer_all(lake, norms, as_of, effects)),
        as_of=as_of,
        lake_version=dict(lake.version),
        score_version=norms.version if kept else "",
        validation=kept.validation if kept else None,
    )


def list_effects(
    session: Session, environment: Environment, as_of: datetime
) -> list[dict[str, Any]]:
    """What the experiments' latest looks found for their primary metrics, for ``answer_all``.

    Intervals are the look's own: at the level of the experiment's plan, which they keep however
    often somebody looked. What must not be used is left out.
    """
    effects = []
    for experiment in list_experiments(session, environment.id or 0):
        row = latest_look(session, experiment, as_of)
        effect = None if row is None else _effect(row)
        if effect is not None:
            effects.append({"title": experiment.title, "domain": experiment.domain, **effect})
    return effects


def _effect(row: StoredReadout) -> dict[str, Any] | None:
    readout, plan = to_readout(row), AnalysisPlan.from_json(row.plan)
    if readout.decision.verdict == Verdict.DO_NOT_USE:
        return None
    found = [one for one in readout.primary.estimates if isinstance(one, Estimate)]
    named = [one for one in found if one.variant == readout.decision.winner] or found
    if not named:
        return None
    estimate = named[0]
    effect = {"effect": estimate.effect, "low": estimate.low, "high": estimate.high}
    if plan.primary.kind == "score":
        return effect
    return {**effect, "metric": plan.primary.title, "unit_label": plan.primary.unit_label}
