"""TableRequest: which columns of a table mean what, and what was planned."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Final, Literal

from analysis.plan import MOST_CO_PRIMARIES, Direction

HEAVIEST: Final = 1e9  # of a planned share; 1 over it is the least
LARGEST: Final = 1e50  # beyond, fourth powers leave the range of a double
MOST_LOOKS: Final = 100  # beyond, boundaries no longer tell two looks apart

OutcomeKind = Literal["mean", "ratio", "quantile", "survival"]


class TableError(ValueError):
    """The file or the request cannot be analysed; the message is one line that says what to do."""


@dataclass(frozen=True)
class Outcome:
    """One thing to compare. ``mean``, ``ratio``, ``quantile`` and ``survival`` make one."""

    kind: OutcomeKind
    columns: tuple[str, ...]  # ratio: above, below the line; survival: duration, event
    direction: Direction = "increase"  # which way is better
    is_guardrail: bool = False
    is_co_primary: bool = False  # it can make a winner beside the primary
    minimum_effect: float | None = None  # of a co-primary: the smallest that matters
    margin: float | None = None  # guardrail: the loss that is still acceptable
    share: float = 0.5  # of a quantile: 0.5 is the median
    horizon: float | None = None  # of a duration; None: as far as every variant was watched
    title: str = ""  # for people; "": the key

    @property
    def key(self) -> str:
        """What tables and JSON call it."""
        if self.kind == "ratio":
            return "/".join(self.columns)
        if self.kind == "quantile":
            return f"{self.columns[0]}:{self.share:g}"
        return self.columns[0]


@dataclass(frozen=True)
class Looks:
    """Which of several planned looks this is, and the information of those so far."""

    look: int
    planned: int
    information: tuple[float, ...] = ()  # of each look so far, this one last; (): even steps
    spending: str = "obrien_fleming"  # a row of analysis.spending.SPENDING

    @property
    def fractions(self) -> tuple[float, ...]:
        """Shares of the planned information, this look's last."""
        return self.information or tuple(k / self.planned for k in range(1, self.look + 1))


@dataclass(frozen=True)
class TableRequest:
    """The columns of a table, and what was planned."""

    unit: str | None  # one row each; None: every row is a unit of its own
    variant: str
    control: str  # a value of the variant column
    outcomes: tuple[str | Outcome, ...]  # the first is the primary; a bare column is its mean
    covariate: str | tuple[str, ...] | None = None  # measured before exposure
    cluster: str | None = None  # what was randomised, when that is not the unit
    minimum_effect: float | None = None  # of the primary
    weights: dict[str, float] = field(default_factory=dict)  # variant -> planned share; {}: equal
    strata: tuple[str, ...] = ()  # known before assignment: compared within their combinations
    segments: tuple[str, ...] = ()  # whose values may differ in how much they benefit
    cap: float | None = None  # means are capped at this quantile of all variants together
    took: str | None = None  # 0 to 1: how much of its variant the unit took up
    factors: tuple[str, ...] = ()  # of a factorial experiment, whose cells are the variants
    looks: Looks | None = None  # None: one look, planned and final
    prior: float | None = None  # sd of the primary's effect before the data; None: a weak one
    alpha: float = 0.05  # of both sides, or of the one that is asked about
    sides: Literal["two", "one"] = "two"  # one: only whether a treatment is better
    unit_label: str = ""  # what to call the units, e.g. "people"; "": learners
    titles: dict[str, str] = field(default_factory=dict)  # variant -> title, for people

    @property
    def compared(self) -> tuple[Outcome, ...]:
        """Every outcome, the primary first."""
        return tuple(
            Outcome("mean", (each,)) if isinstance(each, str) else each for each in self.outcomes
        )

    @property
    def covariates(self) -> tuple[str, ...]:
        """The columns measured before exposure."""
        if self.covariate is None:
            return ()
        return (self.covariate,) if isinstance(self.covariate, str) else tuple(self.covariate)

    @property
    def primary(self) -> Outcome:
        """What the decision is about."""
        return self.compared[0]

    def refuse_contradictions(self) -> None:
        """Refuse what no table could make right.

        Raises:
            TableError: names the option, what was found and what would be right.
        """
        _refuse_outcomes(self.compared)
        _refuse_numbers(self)
        _refuse_designs(self)
        if self.looks is not None:
            _refuse_looks(self.looks)


def _refuse_outcomes(outcomes: tuple[Outcome, ...]) -> None:
    if not outcomes:
        raise TableError("--metric: found none, expected at least one column to compare")
    if outcomes[0].is_guardrail or outcomes[0].is_co_primary:
        option = "guardrail" if outcomes[0].is_guardrail else "co-primary"
        raise TableError(
            f"--{option}: found no other outcome; name what the decision is about: --metric COLUMN"
        )
    _refuse_co_primaries([each for each in outcomes if each.is_co_primary])
    keys = [each.key for each in outcomes]
    for key in keys:
        if keys.count(key) > 1:
            raise TableError(f"--metric: the same column is named twice: {key}")
    for each in outcomes:
        if each.kind == "quantile" and not 0 < each.share < 1:
            raise TableError(
                f"--quantile: found {each.share:g}, expected a share between 0 and 1, such as 0.9"
            )
        if each.margin is not None and not 0 <= each.margin <= LARGEST:
            raise TableError(f"--guardrail: found the margin {each.margin:g}, expected 0 or more")
        if each.horizon is not None and not 0 < each.horizon <= LARGEST:
            raise TableError(f"--survival: found the horizon {each.horizon:g}, expected above 0")


def _refuse_co_primaries(found: Sequence[Outcome]) -> None:
    if len(found) > MOST_CO_PRIMARIES:
        raise TableError(
            f"--co-primary: found {len(found)}, expected at most {MOST_CO_PRIMARIES} beside the"
            " primary: each makes every win harder to show"
        )
    for each in found:
        if each.minimum_effect is None or not 0 < each.minimum_effect <= LARGEST:
            raise TableError(
                f"--co-primary: found {each.minimum_effect} as the smallest difference of"
                f" {each.key} that matters, expected a number above 0, such as {each.key}:0.2"
            )


def _refuse_numbers(request: TableRequest) -> None:
    effect, prior, alpha = request.minimum_effect, request.prior, request.alpha
    if effect is not None and not abs(effect) <= LARGEST:
        raise TableError(f"--minimum-effect: found {effect}, expected a finite number")
    if prior is not None and not (0 < prior <= LARGEST and isfinite(prior)):
        raise TableError(
            f"--prior: found {prior:g}, expected a standard deviation above 0, in the primary's"
            " unit"
        )
    if not 0 < alpha < 0.5:
        raise TableError(f"--alpha: found {alpha:g}, expected a share such as 0.05, below 0.5")
    if request.sides not in ("two", "one"):
        raise TableError(
            f"--sides: found {request.sides!r}, expected two, or one to ask only whether a variant"
            " is better"
        )

    for variant, share in request.weights.items():
        if not 1 / HEAVIEST <= share <= HEAVIEST:
            raise TableError(
                f"--weights: found {share:g} for {variant}, expected a share such as 0.5, or 1 to 2"
            )
    if request.cap is not None and not 0.5 < request.cap < 1:
        raise TableError(
            f"--cap: found {request.cap:g}, expected a quantile above 0.5 and below 1, such as 0.99"
        )


def _refuse_designs(request: TableRequest) -> None:
    _refuse_more_designs(request)
    if request.strata and len(request.covariates) > 1:
        raise TableError(
            "--covariate: found several, expected at most one beside --strata; a stratum may be a"
            " covariate instead"
        )
    if request.segments and request.primary.kind == "quantile":
        raise TableError(
            "--segment: quantiles of segments cannot be pooled; make a mean the primary: --metric"
        )
    if request.cluster is None:
        return
    if request.strata:
        raise TableError(
            "--strata: cannot be joined with --cluster; compare clusters without strata, or name"
            " a covariate that tells the strata apart"
        )
    if request.segments:
        raise TableError(
            "--segment: cannot be joined with --cluster, because one cluster's learners fall into"
            " several segments; analyse one segment's rows at a time"
        )
    if len(request.covariates) > 1:
        raise TableError("--covariate: found several, expected at most one beside --cluster")
    if any(each.kind == "survival" for each in request.compared):
        raise TableError(
            "--survival: cannot be joined with --cluster; compare the share with the event by then:"
            " --metric EVENT"
        )


def _refuse_more_designs(request: TableRequest) -> None:
    """What is asked about factors and about those who took their variant up."""
    if len(request.factors) == 1 or len(set(request.factors)) < len(request.factors):
        raise TableError(
            f"--factor: found {', '.join(request.factors)}, expected two or more different columns"
        )
    if request.took is None:
        return
    if request.primary.kind != "mean":
        raise TableError("--took: needs a mean as the primary; name one: --metric COLUMN")
    if request.cluster is not None:
        raise TableError(
            "--took: cannot be joined with --cluster, because learners of one team are no"
            " independent instruments; compare those who were offered it"
        )


def _refuse_looks(looks: Looks) -> None:
    if looks.planned > MOST_LOOKS:
        raise TableError(
            f"--looks: found {looks.planned} planned looks, expected at most {MOST_LOOKS}"
        )
    if not 1 <= looks.look <= looks.planned:
        raise TableError(
            f"--sequential: found look {looks.look} of {looks.planned}, expected for example 2/5"
        )
    shares = looks.fractions
    if len(shares) != looks.look:
        raise TableError(
            f"--information: found {len(shares)} shares, expected one for each look so far:"
            f" {looks.look}"
        )
    if not all(0 < share <= 100 for share in shares) or sorted(set(shares)) != list(shares):
        found = ",".join(f"{share:g}" for share in shares)
        raise TableError(
            f"--information: found {found}, expected growing shares of the planned information,"
            " such as 0.2,0.45"
        )
