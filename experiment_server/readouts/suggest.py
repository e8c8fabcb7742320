"""What the latest readout suggests for the time after an experiment. A suggestion, never done."""

from typing import Any

from sqlmodel import Session

from analysis.results import Verdict
from experiment_server.experiments.models import Experiment
from experiment_server.readouts.service import headline, list_readouts, to_readout


def suggest_after(session: Session, experiment: Experiment) -> dict[str, Any] | None:
    """To ship the winner when the readout that speaks for the experiment says so; else None."""
    if not experiment.phase:
        return None
    row = headline(list_readouts(session, experiment, experiment.phase))
    if row is None or row.verdict != Verdict.SHIP:
        return None
    decision = to_readout(row).decision
    if decision.winner is None:
        return None
    return {"rule": "ship", "variant": decision.winner, "because": decision.reason}
