"""Options: what people type on the command line, as the parts of a request."""

from collections.abc import Iterable, Sequence

from analysis.plan import Direction

from .request import Looks, Outcome, TableError


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


def parse_guardrails(texts: Sequence[str], margin: float | None = None) -> list[Outcome]:
    """The guardrails, with a margin for those that name none.

    Raises:
        TableError: one of them cannot be read, or there is none for the margin.
    """
    if margin is not None and not texts:
        raise TableError("--margin: found no guardrail to give it to; add --guardrail COLUMN")
    return [parse_guardrail(text, margin) for text in texts]


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
    sequential: str | None,
    planned: int | None,
    information: str | None,
    spending: str = Looks.spending,
) -> Looks | None:
    """Which look this is, from ``2/5``, or from the planned number and the shares so far.

    Raises:
        TableError: they do not say which look it is, or contradict each other.
    """
    if sequential is None and planned is None and information is None:
        if spending != Looks.spending:
            raise TableError(
                f"--spending: found {spending!r} for one look, which spends all of alpha; leave it"
                " out, or add --sequential LOOK/LOOKS"
            )
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
        return Looks(int(look), int(of), shares, spending)
    if planned is None or not shares:
        raise TableError(
            "--looks: which one is it? Add --sequential LOOK/LOOKS, such as 2/5, or --information"
            " with one share for each look so far, such as 0.2,0.45"
        )
    return Looks(len(shares), planned, shares, spending)


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
