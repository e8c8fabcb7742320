"""What every decision rule does without an effect, with one, and how often intervals hold.

Writes the tables of docs/statistics/error-rates.md. Rules are rows in ``_rules.RULES``, data
shapes rows in ``_coverage.SETTINGS``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from analysis.methods.group_sequential import crossing
from benchmarks import _coverage, _primaries, _rules, _stopping

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "statistics" / "error-rates.md"
REPETITIONS: Final = 100_000
COVERAGE_REPETITIONS: Final = 20_000
STOPPING_REPETITIONS: Final = 5_000
CHUNK: Final = 20_000
LOOKS: Final = (1, 5, 14, 28)
SEED: Final = 20_261_123
MOST_ERRORS: Final = 4.0
"""Monte-Carlo standard errors that a measured rate may lie beyond what is promised."""


@dataclass(frozen=True)
class Rate:
    """How often one rule made a call."""

    rule: _rules.Rule
    looks: int
    n: int
    calls: int
    stopped_at: float  # mean share of the planned information at the end of the experiment

    @property
    def share(self) -> float:
        """The share of experiments with a call."""
        return self.calls / self.n

    @property
    def too_high(self) -> bool:
        """Whether it is more than promised, and more than the simulation can be off by."""
        if self.rule.nominal is None:
            return False
        error = (self.rule.nominal * (1 - self.rule.nominal) / self.n) ** 0.5
        return bool(self.share > self.rule.nominal + MOST_ERRORS * error)


def measure(rule: _rules.Rule, looks: int, n: int, effect: float = 0.0) -> Rate:
    """How often the rule calls, in ``n`` experiments with so many looks."""
    calls, ended = 0, 0.0
    for chunk, begin in enumerate(range(0, n, CHUNK)):
        # Every rule meets the same experiments, and a new rule changes no other's figures.
        rng = np.random.default_rng([SEED, looks, chunk])
        experiments = _rules.Experiments(rng, looks, min(CHUNK, n - begin), effect)
        first = rule.calls(experiments)
        called = first != _rules.NEVER
        calls += int(called.sum())
        ended += float(np.where(called, experiments.times[first], 1.0).sum())
    return Rate(rule, looks, n, calls, ended / n)


def false_calls(n: int = REPETITIONS, looks: Sequence[int] = LOOKS) -> list[list[Rate]]:
    """Every rule without an effect: one row a rule, one rate a number of looks."""
    return [[measure(rule, k, n) for k in looks] for rule in _rules.RULES]


def powers(n: int = REPETITIONS, looks: Sequence[int] = LOOKS) -> list[list[Rate]]:
    """The rules that look for an effect, at the effect that one test finds in 80 %."""
    finders = [rule for rule in _rules.RULES if rule.powers]
    return [[measure(rule, k, n, _rules.EFFECT_OF_80) for k in looks] for rule in finders]


SPENDINGS: Final = ("obrien_fleming", "hwang_shih_decani:-4", "kim_demets:2", "pocock")


def theoretical_power(spending: str, looks: int) -> float:
    """The power that integration gives, to compare with what simulation finds."""
    times = list(np.arange(1, looks + 1) / looks)
    z = _rules.spending_bounds(np.array(times), spending)
    return crossing(times, list(z), _rules.EFFECT_OF_80).ever


def coverages(n: int = COVERAGE_REPETITIONS) -> list[tuple[_coverage.Setting, float, float]]:
    """Every setting with the share of intervals that hold, and of refusals."""
    found = []
    for number, setting in enumerate(_coverage.SETTINGS):
        rng = np.random.default_rng([SEED, number])
        found.append((setting, *_coverage.coverage(setting, rng, n)))
    return found


def run() -> None:
    """Measure everything, write the page's tables and say what is beyond its promise."""
    false, found, held = false_calls(), powers(), coverages()
    stopped = _stopping.after_stop(SEED, STOPPING_REPETITIONS)
    for name, lines in (
        ("false-calls", _false_lines(false)),
        ("power", _power_lines(found)),
        ("co-primaries", _primaries_lines(_primaries.measure_all(SEED, REPETITIONS))),
        ("stopping", _stopping_lines(stopped)),
        ("coverage", _coverage_lines(held)),
    ):
        print("\n".join(["", *lines]))
        _replace(name, lines)
    for row in false:
        for rate in row:
            if rate.too_high:
                print(f"BEYOND ITS PROMISE: {rate.rule.title}, {rate.looks} looks: {rate.share}")


def _false_lines(rows: list[list[Rate]]) -> list[str]:
    return _lines(
        ("rule", "promised", *(_looks(rate.looks) for rate in rows[0])),
        [
            (
                row[0].rule.title,
                "" if row[0].rule.nominal is None else _percent(row[0].rule.nominal, 1),
                *(_percent(rate.share) for rate in row),
            )
            for row in rows
        ],
    )


def _power_lines(rows: list[list[Rate]]) -> list[str]:
    cells = [
        (
            row[0].rule.title,
            *(f"{_percent(rate.share, 1)} at {rate.stopped_at:.2f}" for rate in row),
        )
        for row in rows
    ]
    theory = [
        (
            f"theory: {spending}",
            *(_percent(theoretical_power(spending, rate.looks), 1) for rate in rows[0]),
        )
        for spending in SPENDINGS
    ]
    return _lines(("rule", *(_looks(rate.looks) for rate in rows[0])), [*cells, *theory])


def _primaries_lines(rows: list[_primaries.Found]) -> list[str]:
    return _lines(
        (
            "correlation",
            "looks",
            "no effect: SHIP",
            "no effect: SHIP or ROLL BACK",
            "one effect: any other found",
            "four effects: found by Holm",
            "found by Bonferroni",
        ),
        [
            (
                f"{row.world.rho:.1f}{', late co-primary' if row.world.late else ''}",
                str(row.world.looks),
                *(_percent(share) for share in (row.ship, row.call, row.family)),
                *(_percent(share, 1) for share in (row.by_holm, row.by_bonferroni)),
            )
            for row in rows
        ],
    )


def _stopping_lines(rows: list[_stopping.Stopped]) -> list[str]:
    return _lines(
        (
            "spending",
            "true effect",
            "plain: on average",
            "plain: 95 % hold it",
            "stage-wise: above it",
            "stage-wise: 95 % hold it",
        ),
        [
            (
                row.spending,
                f"{row.effect:.1f}",
                f"{row.plain_mean:.2f}",
                _percent(row.plain_holds, 1),
                _percent(row.above, 1),
                _percent(row.holds, 1),
            )
            for row in rows
        ],
    )


def _coverage_lines(rows: list[tuple[_coverage.Setting, float, float]]) -> list[str]:
    return _lines(
        ("method", "data", "holds the truth", "refused"),
        [
            (setting.method, setting.title, _percent(held, 1), _percent(refused, 1))
            for setting, held, refused in rows
        ],
    )


def _looks(looks: int) -> str:
    return "1 look" if looks == 1 else f"{looks} looks"


def _percent(share: float, digits: int = 2) -> str:
    return f"{100 * share:.{digits}f} %"


def _lines(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    table: Callable[[Sequence[str]], str] = lambda cells: f"| {' | '.join(cells)} |"  # noqa: E731
    return [table(head), "|---" * len(head) + "|", *(table(row) for row in rows)]


def _replace(name: str, lines: list[str]) -> None:
    """Put the lines between the page's two marks of this name."""
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    before, rest = PAGE.read_text().split(begin)
    after = rest.split(end)[1]
    PAGE.write_text("\n".join([before + begin, *lines, end + after]))
