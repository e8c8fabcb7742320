"""One frozen dataclass per page: the contract between a service and what people see.

A page's route asks its service, fills one of these, and calls ``dashboards.render``. A view holds
plain values and the analysis' result types; it never holds a row of the database.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from analysis.across.results import AcrossReport
from analysis.answers import Answer
from analysis.results import Readout
from dashboards.report import ReportBody
from dashboards.source_rows import SourceRow

Section = Literal[
    "experiments",
    "questions",
    "flags",
    "reports",
    "metrics",
    "scores",
    "across",
    "quarantine",
    "sources",
    "",
]


@dataclass(frozen=True)
class MemberInfo:
    """Who is looking at the page."""

    title: str
    role: str
    email: str = ""


@dataclass(frozen=True)
class EnvironmentLink:
    """An environment that the member may look at."""

    key: str
    title: str


@dataclass(frozen=True)
class Navigation:
    """What surrounds every page: who, where, and the token that forms send back."""

    member: MemberInfo | None = None
    environments: tuple[EnvironmentLink, ...] = ()
    environment: str = ""  # key of the one shown
    section: Section = ""
    csrf_token: str = ""
    notice: str = ""  # what the last action did, in one sentence
    server_url: str = ""  # as an LMS reaches it: empty states show it in their snippet
    n_quarantined: int = 0  # things that wait to be settled, for those who may settle them


@dataclass(frozen=True)
class SignInView:
    """The sign-in form."""

    navigation: Navigation
    email: str = ""  # as typed before
    error: str = ""  # one sentence; never tells whether the e-mail exists
    next_path: str = ""  # where to go after, a path of this server


@dataclass(frozen=True)
class ErrorView:
    """What went wrong on a page, and what can be done now."""

    navigation: Navigation
    status: int
    title: str
    detail: str
    request_id: str = ""


@dataclass(frozen=True)
class ExperimentSummary:
    """One row of the experiments list."""

    key: str
    title: str
    domain: str
    unit_kind: str
    state: str  # draft | running | paused | stopped | archived
    days_running: int | None = None  # of the current or last phase; None before the first start
    n_units: int | None = None  # exposed so far, as the last readout counted
    readout: Readout | None = None  # the latest
    next_look_at: datetime | None = None
    days_paused: float = 0.0  # of the phase, which days_running leaves out


@dataclass(frozen=True)
class ExperimentsView:
    """The experiments of one environment."""

    navigation: Navigation
    experiments: tuple[ExperimentSummary, ...]


@dataclass(frozen=True)
class VariantInfo:
    """One arm as it is delivered."""

    key: str
    title: str
    weight: float  # planned share, 0-1
    payload: Any = None


@dataclass(frozen=True)
class MetricInfo:
    """One metric of the design."""

    key: str
    title: str
    role: str
    window_days: int
    minimum_effect: float | None = None
    unit_label: str = ""


@dataclass(frozen=True)
class PauseInfo:
    """A time in which everybody got the control."""

    paused_at: datetime
    resumed_at: datetime | None = None  # None: it lasts
    reason: str = ""


@dataclass(frozen=True)
class HoldoutInfo:
    """A share of the units that stays out of the experiment."""

    key: str
    title: str
    share: float  # 0-1
    unit_kind: str


@dataclass(frozen=True)
class PhaseInfo:
    """One running period with an unchanged design."""

    number: int
    started_at: datetime
    stopped_at: datetime | None = None
    stop_reason: str = ""
    pauses: tuple[PauseInfo, ...] = ()


@dataclass(frozen=True)
class BatchInfo:
    """One batch of a bandit."""

    started_at: datetime
    ended_at: datetime | None  # None: it runs
    shares: tuple[float, ...]  # in the order of the variants


@dataclass(frozen=True)
class ExperimentDesign:
    """What was planned."""

    key: str
    title: str
    hypothesis: str
    domain: str
    unit_kind: str
    state: str
    version: int
    variants: tuple[VariantInfo, ...]
    metrics: tuple[MetricInfo, ...]
    phases: tuple[PhaseInfo, ...] = ()
    coverage: float = 1.0  # share of the matching units that take part, 0-1
    condition: dict[str, Any] | None = None  # the targeting condition, as the SDK reads it
    looks_planned: int | None = None
    score_version: str = ""
    after: str = ""  # once it is stopped: revert | keep | ship
    after_variant: str = ""  # with ship: which one
    n_previews: int = 0  # learners who see a variant without being counted
    holdouts: tuple[HoldoutInfo, ...] = ()  # that keep units out of it
    batches: tuple[BatchInfo, ...] = ()  # of a bandit

    @property
    def pause(self) -> PauseInfo | None:
        """The pause that lasts."""
        pauses = self.phases[-1].pauses if self.phases else ()
        return next((pause for pause in pauses if pause.resumed_at is None), None)


@dataclass(frozen=True)
class ReadoutView:
    """One experiment: its decision, its numbers, its design."""

    navigation: Navigation
    design: ExperimentDesign
    readout: Readout | None = None  # the one shown
    readout_id: int | None = None
    history: tuple[Readout, ...] = ()  # every look of this phase, oldest first
    next_look_at: datetime | None = None
    days_running: int | None = None
    may_start: bool = False
    may_stop: bool = False
    may_pause: bool = False
    may_resume: bool = False
    days_paused: float = 0.0  # of the phase, which days_running leaves out
    suggested_ship: str = ""  # the variant that the latest readout would ship

    @property
    def titles(self) -> dict[str, str]:
        """Each variant's title by its key."""
        return {variant.key: variant.title or variant.key for variant in self.design.variants}

    @property
    def window_days(self) -> int | None:
        """The primary metric's outcome window."""
        return next((m.window_days for m in self.design.metrics if m.role == "primary"), None)


@dataclass(frozen=True)
class PredictorInfo:
    """How well one number of a window foresees who returns in the next."""

    title: str
    auc: float  # 0.5 guesses, 1 knows
    low: float
    high: float


@dataclass(frozen=True)
class ScoreTrust:
    """Whether the Energize Score earns its name on this company's data."""

    sentence: str
    n_learners: int
    predictors: tuple[PredictorInfo, ...]  # the score first, then what is simpler


@dataclass(frozen=True)
class QuestionsView:
    """The five questions."""

    navigation: Navigation
    answers: tuple[Answer, ...]
    as_of: datetime | None = None
    score_version: str = ""
    trust: ScoreTrust | None = None


@dataclass(frozen=True)
class AcrossView:
    """What the experiments that are over say together."""

    navigation: Navigation
    report: AcrossReport


@dataclass(frozen=True)
class RuleInfo:
    """One rule of a flag: the first that matches decides."""

    value: Any
    title: str = ""
    condition: dict[str, Any] | None = None
    coverage: float = 1.0  # share of the matching units that get the value, 0-1


@dataclass(frozen=True)
class FlagRow:
    """One flag in one environment."""

    key: str
    title: str
    value_type: str
    default_value: Any
    enabled: bool
    version: int  # of the switch: the form sends it back, so that nobody overwrites a newer change
    description: str = ""
    rules: tuple[RuleInfo, ...] = ()
    updated_at: datetime | None = None


@dataclass(frozen=True)
class FlagsView:
    """The flags of one environment, each with its switch."""

    navigation: Navigation
    flags: tuple[FlagRow, ...]
    may_switch: bool = False


@dataclass(frozen=True)
class ReportRow:
    """One stored report."""

    id: int
    title: str
    rhythm: str
    period_start: datetime
    period_end: datetime
    created_at: datetime


@dataclass(frozen=True)
class ReportsView:
    """The stored reports of one environment, newest first."""

    navigation: Navigation
    reports: tuple[ReportRow, ...]


@dataclass(frozen=True)
class ReportView:
    """One stored report."""

    navigation: Navigation
    report: ReportBody


@dataclass(frozen=True)
class QuarantineCause:
    """Waiting things that failed alike."""

    standard: str
    field: str
    cause: str
    remedy: str
    n_items: int
    n_received: int  # with every repeat
    last_received_at: datetime


@dataclass(frozen=True)
class QuarantineItem:
    """One thing that was not taken."""

    id: int
    standard: str
    field: str
    reason: str
    remedy: str
    raw: str  # as it was received, or its beginning
    is_whole: bool
    times: int
    received_at: datetime


@dataclass(frozen=True)
class QuarantineView:
    """What waits in quarantine: by cause, and the newest things."""

    navigation: Navigation
    n_waiting: int
    causes: tuple[QuarantineCause, ...] = ()
    items: tuple[QuarantineItem, ...] = ()
    keep_days: int = 90


@dataclass(frozen=True)
class SourcesView:
    """The sources of one environment."""

    navigation: Navigation
    sources: tuple[SourceRow, ...]
    may_validate: bool = False


View = (
    SignInView
    | ErrorView
    | ExperimentsView
    | ReadoutView
    | QuestionsView
    | AcrossView
    | FlagsView
    | ReportsView
    | ReportView
    | QuarantineView
    | SourcesView
)
