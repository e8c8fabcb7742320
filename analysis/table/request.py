"""TableRequest: which columns of a file mean what."""

from dataclasses import dataclass, field


class TableError(ValueError):
    """The file or the request cannot be analysed; the message is one line that says what to do."""


@dataclass(frozen=True)
class TableRequest:
    """The columns of a table, and what was planned."""

    unit: str  # one row each
    variant: str
    control: str  # a value of the variant column
    outcomes: tuple[str, ...]  # the first is the primary
    covariate: str | None = None
    cluster: str | None = None  # what was randomised, when that is not the unit
    minimum_effect: float | None = None  # of the primary
    weights: dict[str, float] = field(default_factory=dict)  # variant -> planned share; {}: equal


def parse_weights(text: str) -> dict[str, float]:
    """Planned shares from ``control=0.5,double=0.5``.

    Raises:
        TableError: an entry is not ``variant=number`` with a positive number.
    """
    weights = {}
    for entry in text.split(","):
        variant, equals, share = entry.rpartition("=")
        try:
            weight = float(share)
        except ValueError:
            weight = 0.0
        if not equals or not variant.strip() or not 0 < weight < float("inf"):
            raise TableError(
                f"--weights: found {entry!r}, expected variant=share with a positive number,"
                " for example control=0.5,double=0.5"
            )
        if variant.strip() in weights:
            raise TableError(f"--weights: {variant.strip()} is named twice")
        weights[variant.strip()] = weight
    return weights
