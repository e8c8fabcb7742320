"""Definitions of one environment as the payload that SDKs receive."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlmodel import Session

from experiment_server.delivery.protect import Secrets
from experiment_server.environments.models import Environment
from experiment_server.environments.service import secret_salt
from experiment_server.experiments.current import list_deliverable
from experiment_server.experiments.delivered import compile_delivered
from experiment_server.experiments.design import compile_groups
from experiment_server.experiments.designs import turns_around
from experiment_server.experiments.designs.kind import START
from experiment_server.experiments.listed import moment_of
from experiment_server.flags.compile import compile_flag
from experiment_server.flags.service import list_flag_environments, list_flags
from experiment_server.holdouts.service import list_active

FORMAT: Final = 1


@dataclass(frozen=True)
class Compiled:
    """A payload, and how long it holds if nobody changes a definition."""

    content: dict[str, Any]
    turned_at: datetime | None  # when a design moved on to its next period last
    until: datetime | None  # when one does next


def compile_payload(session: Session, environment: Environment, now: datetime) -> Compiled:
    """The payload: flags by their switch and rules, experiments until they are archived."""
    environment_id = int(environment.id or 0)
    places = list_flag_environments(session, environment_id)
    changed = [environment.created_at]
    features: dict[str, Any] = {}
    groups: dict[str, list[str]] = {}
    turns: list[tuple[datetime | None, datetime | None]] = []
    for flag in list_flags(session):
        place = places.get(int(flag.id or 0))
        features[flag.key] = compile_flag(flag, place)
        changed += [flag.updated_at, place.updated_at if place else flag.updated_at]
    holdouts = list_active(session, environment_id)
    changed += [holdout.updated_at for holdout in holdouts]
    for experiment, phase in list_deliverable(session, environment_id):
        moment = START if phase is None else moment_of(session, experiment, phase, now)
        feature = compile_delivered(experiment, phase, holdouts, moment)
        if feature is not None:
            features[experiment.key] = feature
            changed.append(experiment.updated_at)
        if feature is not None and phase is not None:
            groups |= compile_groups(phase.seed, moment)
            turns.append(turns_around(phase.design, phase.started_at, phase.stopped_at or now))
    passed = [at for at, _next in turns if at is not None]
    content = {
        "features": features,
        "savedGroups": groups,
        "dateUpdated": _time(max(changed + passed), environment.payload_version),
        "momentum": {
            "format": FORMAT,
            "environment": environment.key,
            "version": environment.payload_version,
        },
    }
    coming = [at for _last, at in turns if at is not None and at > now]
    return Compiled(content, max(passed, default=None), min(coming, default=None))


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
