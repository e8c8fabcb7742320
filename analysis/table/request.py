"""TableRequest: which columns of a table mean what, and what was planned."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Final, Literal

from analysis.plan import MOST_CO_PRIMARIES, Direction

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
                f"--co-primary: {each.key} has no smallest difference that matters, expected one"
                f" above 0, such as {each.key}:0.2"
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


def _refuse_designs(request: TableRequest) -> None:
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


def parse_weights(text: str) -> dict[str, float]:
    """Planned shares from ``control=0.5,double=0.5``.

    Raises:
        TableError: an entry is not ``variant=number`` with a positive number.
    """
    weights = {}
    for entry in text.split(","):
        variant, equals, share = entry.rpartition("=")
        weight = _number(share)
        if not equals or not variant.strip() or not 0 < weight < float("inf"):
            raise TableError(
                f"--weights: found {entry!r}, expected variant=share with a positive number,"
                " for example control=0.5,double=0.5"
            )
        if variant.strip() in weights:
            raise TableError(f"--weights: {variant.strip()} is named twice")
        weights[variant.strip()] = weight
    return weights


def parse_ratio(text: str) -> Outcome:
    """A ratio from ``sales/visits``.

    Raises:
        TableError: there are not two names with one line between them.
    """
    parts = tuple(part.strip() for part in text.split("/"))
    if len(parts) != 2 or not all(parts):
        raise TableError(f"--ratio: found {text!r}, expected ABOVE/BELOW, such as sales/visits")
    return Outcome("ratio", parts)


def parse_quantile(text: str) -> Outcome:
    """A quantile from ``minutes:0.9``.

    Raises:
        TableError: there is no share behind a colon.
    """
    name, colon, share = text.rpartition(":")
    if not colon or not name.strip() or not 0 < _number(share) < 1:
        raise TableError(
            f"--quantile: found {text!r}, expected COLUMN:SHARE with a share between 0 and 1,"
            " such as minutes:0.9"
        )
    return Outcome("quantile", (name.strip(),), share=float(share))


def parse_survival(text: str) -> Outcome:
    """A time to an event from ``week,arrest`` or ``week,arrest,52``.

    Raises:
        TableError: there are not two columns, or the horizon is not above 0.
    """
    parts = [part.strip() for part in text.split(",")]
    if len(parts) not in (2, 3) or not all(parts) or not all(_number(p) > 0 for p in parts[2:]):
        raise TableError(
            f"--survival: found {text!r}, expected DURATION,EVENT or DURATION,EVENT,HORIZON,"
            " such as days,finished,28"
        )
    horizon = float(parts[2]) if len(parts) == 3 else None
    return Outcome("survival", (parts[0], parts[1]), horizon=horizon)


def parse_guardrail(text: str, margin: float | None = None) -> Outcome:
    """A guardrail from ``sales``, ``sales:0.2`` or ``complaints:0.1:decrease``.

    Args:
        text: the column, the loss that is still acceptable, which way is better.
        margin: for a guardrail that names none.

    Raises:
        TableError: the margin is no number, or the direction no direction.
    """
    found = _column_and_number(text)
    if found is None or (found[1] is not None and not found[1] >= 0):
        raise TableError(
            f"--guardrail: found {text!r}, expected COLUMN, COLUMN:MARGIN or"
            " COLUMN:MARGIN:decrease with a margin of 0 or more, such as sales:0.2"
        )
    name, limit, direction = found
    limit = margin if limit is None else limit
    return Outcome("mean", (name,), direction, is_guardrail=True, margin=limit)


def parse_co_primary(text: str) -> Outcome:
    """A co-primary from ``sales:0.2`` or ``complaints:0.1:decrease``.

    Raises:
        TableError: the smallest difference that matters is missing, or not above 0.
    """
    found = _column_and_number(text)
    if found is None or found[1] is None or not found[1] > 0:
        raise TableError(
            f"--co-primary: found {text!r}, expected COLUMN:EFFECT or COLUMN:EFFECT:decrease with"
            " the smallest difference that matters, above 0, such as sales:0.2"
        )
    name, effect, direction = found
    return Outcome("mean", (name,), direction, is_co_primary=True, minimum_effect=effect)


def _column_and_number(text: str) -> tuple[str, float | None, Direction] | None:
    """COLUMN, COLUMN:NUMBER or either with a direction; None: it is none of these."""
    name, *rest = (part.strip() for part in text.split(":"))
    direction: Direction = "increase"
    if rest and rest[-1] in ("increase", "decrease"):
        direction = "decrease" if rest.pop() == "decrease" else "increase"
    if not name or len(rest) > 1:
        return None
    return name, _number(rest[0]) if rest else None, direction


def parse_looks(
    sequential: str | None, planned: int | None, information: str | None
) -> Looks | None:
    """Which look this is, from ``2/5``, or from the planned number and the shares so far.

    Raises:
        TableError: they do not say which look it is, or contradict each other.
    """
    if sequential is None and planned is None and information is None:
        return None
    shares = tuple(_number(part) for part in information.split(",")) if information else ()
    if sequential is not None:
        look, _, of = sequential.partition("/")
        if not (_is_count(look) and _is_count(of)):
            raise TableError(
                f"--sequential: found {sequential!r}, expected LOOK/LOOKS, such as 2/5"
            )
        if planned not in (None, int(of)):
            raise TableError(f"--looks: found {planned}, expected {of.strip()}, as in --sequential")
        return Looks(int(look), int(of), shares)
    if planned is None or not shares:
        raise TableError(
            "--looks: which one is it? Add --sequential LOOK/LOOKS, such as 2/5, or --information"
            " with one share for each look so far, such as 0.2,0.45"
        )
    return Looks(len(shares), planned, shares)


def parse_titles(texts: Iterable[str]) -> dict[str, str]:
    """Titles from ``double=Double points``.

    Raises:
        TableError: an entry has no name or no title.
    """
    titles = {}
    for text in texts:
        name, _, title = text.partition("=")
        if not name.strip() or not title.strip():
            raise TableError(
                f"--title: found {text!r}, expected NAME=TITLE, such as 'double=Double points'"
            )
        titles[name.strip()] = title.strip()
    return titles


def _is_count(text: str) -> bool:
    """Whether it is a whole number of a size that somebody may have meant."""
    return text.strip().isdecimal() and len(text.strip()) <= 9


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
