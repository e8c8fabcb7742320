"""Definitions of one environment as the payload that SDKs receive."""

from datetime import datetime
from typing import Any, Final

from sqlmodel import Session

from experiment_server.delivery.protect import Secrets
from experiment_server.environments.models import Environment
from experiment_server.environments.service import secret_salt
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
        "dateUpdated": _time(max(changed), environment.payload_version),
        "momentum": {
            "format": FORMAT,
            "environment": environment.key,
            "version": environment.payload_version,
        },
    }


def list_server_only(session: Session) -> frozenset[str]:
    """The keys of the flags that clients do not learn of."""
    return frozenset(flag.key for flag in list_flags(session) if flag.server_only)


def secrets_of(environment: Environment) -> Secrets:
    """What the environment hides from clients."""
    return Secrets(frozenset(environment.secret_attributes), secret_salt(environment), {})


def _time(at: datetime, version: int) -> str:
    """The time of the last change; its fraction of a second counts the versions.

    What is removed leaves the time of an older change behind, and GrowthBook's JavaScript SDK
    takes two payloads of the same time for the same.
    """
    marked = at.replace(microsecond=version % 1_000_000)
    return marked.isoformat(timespec="microseconds").replace("+00:00", "Z")
