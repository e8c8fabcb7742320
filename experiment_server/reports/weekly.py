"""The winners' report: what each experiment says, and how the week went."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from analysis.energize.facts import is_presence
from analysis.lake.reader import Lake
from analysis.results import Verdict
from dashboards.report import ReportBody, ReportSection
from experiment_server.environments.models import Environment
from experiment_server.experiments.models import Experiment
from experiment_server.experiments.service import list_experiments, load_phase
from experiment_server.ingest.place import open_lake
from experiment_server.readouts import service as readouts
from experiment_server.readouts.models import StoredReadout
from experiment_server.readouts.questions import Answers, answer_questions
from experiment_server.state import State

RHYTHM = "weekly"
PERIOD = timedelta(days=7)
DECIDED = (Verdict.SHIP, Verdict.ROLL_BACK, Verdict.NO_MEANINGFUL_DIFFERENCE, Verdict.REVIEW)


@dataclass(frozen=True)
class _Standing:
    """One experiment at the end of the week, and at the end of the week before."""

    experiment: Experiment
    started_at: datetime
    stopped_at: datetime | None
    now: StoredReadout | None
    before: StoredReadout | None

    @property
    def verdict(self) -> str:
        """What the latest readout says; "" without one."""
        return self.now.verdict if self.now is not None else ""

    @property
    def is_new(self) -> bool:
        """Whether the verdict is another one than a week ago."""
        return self.verdict != (self.before.verdict if self.before is not None else "")


def build(state: State, environment: Environment, period_end: datetime) -> ReportBody:
    """The report of the week that ends at ``period_end``."""
    period_start = period_end - PERIOD
    lake = open_lake(state, environment, fresh=True)
    with state.database.read() as session:
        standings = _standings(session, environment, period_start, period_end)
    active = _count_active(lake, period_start, period_end)
    active_before = _count_active(lake, period_start - PERIOD, period_start)
    answers = answer_questions(state, environment, period_end)
    return ReportBody(
        title=f"Winners of the week: {environment.title}",
        rhythm=RHYTHM,
        environment=environment.key,
        period_start=period_start.isoformat(),
        period_end=period_end.isoformat(),
        summary=f"{_sum_up(standings)} {_activity(active, active_before)}",
        sections=(
            *(_experiment_section(environment, standing) for standing in standings),
            *_question_sections(environment, answers),
        ),
    )


def _standings(
    session: Session, environment: Environment, start: datetime, end: datetime
) -> list[_Standing]:
    """The experiments that ran at any time of the week, those with news first."""
    found = []
    for experiment in list_experiments(session, environment.id or 0):
        if not experiment.phase or experiment.state == "archived":
            continue
        phase = load_phase(session, experiment)
        ended_before = phase.stopped_at is not None and phase.stopped_at < start
        if phase.started_at >= end or ended_before:
            continue
        found.append(
            _Standing(
                experiment,
                phase.started_at,
                phase.stopped_at,
                now=readouts.latest_look(session, experiment, end),
                before=readouts.latest_look(session, experiment, start),
            )
        )
    return sorted(found, key=lambda one: (not one.is_new, one.verdict not in DECIDED, one.verdict))


def _experiment_section(environment: Environment, standing: _Standing) -> ReportSection:
    experiment = standing.experiment
    return ReportSection(
        title=experiment.title,
        sentences=tuple(_sentences(standing)),
        verdict=standing.verdict,
        path=f"/experiments/{environment.key}/{experiment.key}",
    )


def _sentences(standing: _Standing) -> list[str]:
    if standing.now is None:
        since = f"{standing.started_at:%Y-%m-%d}"
        return [f"It has run since {since}; its first planned look is still to come."]
    decision = standing.now.body["decision"]
    sentences = [decision["reason"]]
    if standing.is_new and standing.before is not None:
        sentences.append(f"New this week: a week ago it said {standing.before.verdict}.")
    elif standing.is_new:
        sentences.append("New this week: this is its first readout.")
    if standing.stopped_at is not None:
        sentences.append(f"It was stopped on {standing.stopped_at:%Y-%m-%d}.")
    elif decision["would_change"]:
        sentences.append(f"What would change this: {decision['would_change']}")
    return sentences


def _question_sections(environment: Environment, answers: Answers) -> list[ReportSection]:
    return [
        ReportSection(
            title=answer.title,
            sentences=tuple(text for text in (answer.sentence, answer.caution) if text),
            path=f"/questions/{environment.key}",
            charts=answer.charts[:1],
        )
        for answer in answers.answers
    ]


def _count_active(lake: Lake, start: datetime, end: datetime) -> int:
    """How many learners were there between two times."""
    events = lake.table("events", since=start, until=end)
    inside = events.filter(is_presence(events.kind))
    return int(inside.aggregate(n=inside.learner.nunique()).to_pyarrow().to_pylist()[0]["n"])


def _sum_up(standings: list[_Standing]) -> str:
    if not standings:
        return "No experiment ran this week."
    ships = [one.experiment.title for one in standings if one.verdict == Verdict.SHIP]
    n_new = sum(one.is_new and one.verdict in DECIDED for one in standings)
    named = f"To ship: {', '.join(ships)}." if ships else "Nothing to ship yet."
    return (
        f"{_count(len(standings), 'experiment')} ran this week, "
        f"{_count(n_new, 'new decision')}. {named}"
    )


def _activity(active: int, before: int) -> str:
    if not active and not before:
        return "No learner was active in the last two weeks."
    change = active - before
    than = (
        "as many as" if change == 0 else f"{abs(change):,} {'more' if change > 0 else 'fewer'} than"
    )
    return f"{_count(active, 'learner')} active, {than} the week before."


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
