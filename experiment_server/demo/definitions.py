"""What the demo asks the server for: the four experiments, two flags, a member, keys."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from experiment_server.app import bootstrap
from experiment_server.columns import utc_now
from experiment_server.db import Database
from experiment_server.demo.management import ManagementApi
from experiment_server.environments.service import create_key, load_environment
from experiment_server.members.service import create_member
from experiment_server.security.passwords import make_password
from experiment_server.security.roles import ADMIN, MANAGEMENT, SERVER, SYSTEM

ENVIRONMENT: Final = "production"  # what a fresh installation begins with
FIRST_LOOK_AFTER_DAYS: Final = 35  # the first week's learners have lived their window
DAYS_BETWEEN_LOOKS: Final = 7
LOOKS: Final = 4  # at the ends of weeks 5, 6, 7 and 8
ALPHA: Final = 0.01  # of each: four are read at once, and their learners make large effects plain

COMPLETIONS_MARGIN: Final = 0.2  # one course fewer for every fifth learner would be too many


@dataclass(frozen=True)
class Access:
    """How to get in: secrets that live as long as the store."""

    email: str
    password: str
    management_key: str
    server_key: str


def open_store(database: Database, email: str) -> Access:
    """A fresh store with an admin and two keys."""
    password = make_password()
    bootstrap(database)
    now = utc_now()
    with database.write() as session:
        created = load_environment(session, ENVIRONMENT)
        create_member(session, SYSTEM, email, ADMIN, password, now)
        _, management = create_key(session, SYSTEM, created, (MANAGEMENT, ADMIN, "setup"), now)
        _, server = create_key(session, SYSTEM, created, (SERVER, None, "learning platform"), now)
    return Access(email, password, management, server)


def create_definitions(api: ManagementApi, environment: str, experiments: Any) -> None:
    """The experiments as drafts, on metrics that every installation begins with."""
    for experiment in experiments:
        api.post(f"/environments/{environment}/experiments", _definition(experiment))


def create_flags(api: ManagementApi, environment: str, flags: Any) -> None:
    """The flags, each on for its share of the learners."""
    for flag in flags:
        api.post("/flags", {"key": flag.key, "title": flag.title, "description": flag.description})
        rule = {"title": f"{flag.coverage:.0%} of learners", "value": True}
        api.put(
            f"/flags/{flag.key}/environments/{environment}",
            {"enabled": True, "rules": [{**rule, "coverage": flag.coverage}]},
            version=0,
        )


def start_experiments(
    api: ManagementApi, environment: str, experiments: Any, started_at: datetime
) -> None:
    """Start them in the past, as an import of history does."""
    for experiment in experiments:
        api.post(
            f"/environments/{environment}/experiments/{experiment.key}/start",
            {"started_at": started_at.isoformat()},
        )


def _definition(experiment: Any) -> dict[str, Any]:
    return {
        "key": experiment.key,
        "title": experiment.title,
        "hypothesis": experiment.hypothesis,
        "domain": experiment.domain,
        "unit_kind": experiment.unit_kind,
        "variants": [
            {
                "key": experiment.control,
                "title": experiment.control.replace("-", " ").capitalize(),
                "weight": 0.5,
                "payload": experiment.control_payload,
            },
            {
                "key": experiment.treatment,
                "title": experiment.treatment.replace("-", " ").capitalize(),
                "weight": 0.5,
                "payload": experiment.treatment_payload,
            },
        ],
        "metrics": [
            {
                "metric": "energize_score",
                "role": "primary",
                "minimum_effect": experiment.minimum_effect,
            },
            {"metric": "sales", "role": "secondary"},
            {"metric": "active_days", "role": "secondary"},
            {
                "metric": "course_completions",
                "role": "guardrail",
                "margin": COMPLETIONS_MARGIN,
            },
        ],
        "analysis": {"alpha": ALPHA},
        "schedule": {
            "looks": LOOKS,
            "first_after_days": FIRST_LOOK_AFTER_DAYS,
            "every_days": DAYS_BETWEEN_LOOKS,
        },
    }
