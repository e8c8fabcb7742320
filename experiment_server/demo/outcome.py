"""How the decisions compare with the planted truths."""

from dataclasses import dataclass
from typing import Any, Final

from analysis.results import Estimate, Readout, Verdict

VERDICT_OF_TRUTH: Final = {
    "better": Verdict.SHIP,
    "none": Verdict.NO_MEANINGFUL_DIFFERENCE,
    "worse": Verdict.ROLL_BACK,
}


@dataclass(frozen=True)
class Comparison:
    """One experiment: what was planted, what was decided."""

    key: str
    domain: str
    unit_kind: str
    truth: str
    decision: str
    estimate: str  # the effect, and its interval on a line of its own
    reason: str
    look: str

    @property
    def agrees(self) -> bool:
        """Whether the decision is the one that the truth asks for."""
        return self.decision == VERDICT_OF_TRUTH[self.truth]

    def to_json(self) -> dict[str, Any]:
        """What ``--json`` writes of it."""
        return {
            "key": self.key,
            "domain": self.domain,
            "unit": self.unit_kind,
            "truth": self.truth,
            "decision": self.decision,
            "agrees": self.agrees,
        }


def compare(planted: Any, readout: Readout) -> Comparison:
    """The last readout beside the planted truth."""
    estimate = readout.primary.estimates[0]
    return Comparison(
        key=planted.key,
        domain=planted.domain,
        unit_kind=planted.unit_kind,
        truth=planted.truth,
        decision=str(readout.decision.verdict),
        estimate=_words(estimate) if isinstance(estimate, Estimate) else estimate.reason,
        reason=readout.decision.reason,
        look=f"{readout.look}/{readout.looks_planned}",
    )


def _words(estimate: Estimate) -> str:
    return f"{estimate.effect:+.2f}\n{estimate.low:+.2f} to {estimate.high:+.2f}"
