"""What the pages of metrics and of the Energize Score's versions show."""

from dataclasses import dataclass
from datetime import datetime

from analysis.previewed import Preview
from analysis.results import NotEstimable
from dashboards.views import Navigation


@dataclass(frozen=True)
class MetricRow:
    """One metric of the list."""

    key: str
    title: str
    description: str
    kind: str
    window_days: int
    direction: str  # increase | decrease: which way is better
    unit_label: str
    minimum_effect: float | None
    version: int
    n_experiments: int  # of this environment that name it


@dataclass(frozen=True)
class MetricsView:
    """Every metric."""

    navigation: Navigation
    metrics: tuple[MetricRow, ...]
    may_write: bool = False


@dataclass(frozen=True)
class MetricVersionInfo:
    """What a metric was from one change to the next."""

    version: int
    changed_by: str
    changed_at: datetime
    changes: tuple[str, ...]  # against the version before, in words
    changes_numbers: bool


@dataclass(frozen=True)
class MetricUse:
    """An experiment that names the metric."""

    key: str
    title: str
    state: str
    role: str
    version: int | None  # that the current or last phase was started with; None: a draft, or old


@dataclass(frozen=True)
class PreviewView:
    """What a preview says; nothing yet when ``found`` is None."""

    title: str
    unit_label: str = ""
    found: Preview | NotEstimable | None = None


@dataclass(frozen=True)
class MetricView:
    """One metric: what it is, what it would have been, what it was, and where it is used."""

    navigation: Navigation
    metric: MetricRow
    facts: tuple[tuple[str, str], ...]  # what it is, as pairs of a name and a text
    preview: PreviewView
    versions: tuple[MetricVersionInfo, ...]  # the newest first
    uses: tuple[MetricUse, ...]
    may_write: bool = False


@dataclass(frozen=True)
class FormField:
    """One field of a form, as it was typed."""

    name: str
    label: str
    help: str
    value: str = ""
    kind: str = "text"  # text | number | lines | choice
    options: tuple[tuple[str, str], ...] = ()  # of a choice: value and words
    only: tuple[str, ...] = ()  # kinds of metric that have it; (): all
    required: bool = False
    error: str = ""


@dataclass(frozen=True)
class FieldGroup:
    """Fields that belong together."""

    title: str
    fields: tuple[FormField, ...]


@dataclass(frozen=True)
class MetricFormView:
    """The form that makes or changes a metric."""

    navigation: Navigation
    key: str  # of the metric that is changed; "": a new one
    title: str
    version: int  # that is edited; 0: a new one
    groups: tuple[FieldGroup, ...]
    known_kinds: tuple[str, ...]  # of events
    problem: str = ""  # what stands in the way, beside the fields' own errors
    preview: PreviewView | None = None

    @property
    def wrong(self) -> tuple[FormField, ...]:
        """The fields that do not fit."""
        return tuple(one for group in self.groups for one in group.fields if one.error)


@dataclass(frozen=True)
class CalibrationInfo:
    """Learners with like chances to return, and how many did."""

    predicted: float
    observed: float
    n: int


@dataclass(frozen=True)
class ForeseeInfo:
    """How well one number of a window tells who is there in the next."""

    title: str
    auc: float
    low: float
    high: float
    brier: float


@dataclass(frozen=True)
class ValidationInfo:
    """Whether a version of the score earns its name."""

    sentence: str
    beats: bool  # every baseline, beyond doubt
    n_learners: int
    base_rate: float
    brier_base: float
    scored_from: str
    scored_to: str
    predictors: tuple[ForeseeInfo, ...]  # the score first
    calibration: tuple[CalibrationInfo, ...]


@dataclass(frozen=True)
class ScoreComponent:
    """One part of the score: its weight, and what fills half of it."""

    name: str
    weight: float
    half_full: str


@dataclass(frozen=True)
class ScoreVersionInfo:
    """One frozen calibration."""

    version: str
    created_at: datetime
    calibrated_from: str
    calibrated_to: str
    n_learners: int
    window_days: int
    components: tuple[ScoreComponent, ...]
    validation: ValidationInfo | None
    n_experiments: int  # that were started with it


@dataclass(frozen=True)
class ScoresView:
    """The versions of the Energize Score in one environment, the newest first."""

    navigation: Navigation
    versions: tuple[ScoreVersionInfo, ...]
    may_calibrate: bool = False
    problem: str = ""  # why the last calibration or validation could not be


MetricPage = MetricsView | MetricView | MetricFormView | ScoresView
