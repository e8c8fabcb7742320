"""Definitions of one environment as the payload that SDKs receive."""

from datetime import datetime
from typing import Any, Final

from sqlmodel import Session

from experiment_server.environments.models import Environment
from experiment_server.experiments.design import compile_experiment
from experiment_server.experiments.service import list_running
from experiment_server.flags.compile import compile_flag
from experiment_server.flags.service import list_flag_environments, list_flags

FORMAT: Final = 1


def compile_payload(session: Session, environment: Environment) -> dict[str, Any]:
    """The payload: flags by their switch and rules, experiments as long as they run."""
    environment_id = int(environment.id or 0)
    places = list_flag_environments(session, environment_id)
    changed = [environment.created_at]
    features: dict[str, Any] = {}
    for flag in list_flags(session):
        place = places.get(int(flag.id or 0))
        features[flag.key] = compile_flag(flag, place)
        changed += [flag.updated_at, place.updated_at if place else flag.updated_at]
    for experiment, phase in list_running(session, environment_id):
        key, title = experiment.key, experiment.title
        features[key] = compile_experiment(key, title, phase.design, phase.seed)
        changed.append(experiment.updated_at)
    return {
        "features": features,
        "savedGroups": {},
        "dateUpdated": _time(max(changed)),
        "momentum": {
            "format": FORMAT,
            "environment": environment.key,
            "version": environment.payload_version,
        },
    }


def _time(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
