"""A small learning program that lived until yesterday: what the browser tests walk through."""

from datetime import UTC, datetime, timedelta

import numpy as np

from experiment_server.app import bootstrap
from experiment_server.db import Database
from experiment_server.environments import service as environments
from experiment_server.experiments import service as experiments
from experiment_server.flags import service as flags
from experiment_server.ingest.service import receive
from experiment_server.metrics import service as metrics
from experiment_server.readouts import jobs
from experiment_server.reports import service as reports
from experiment_server.schedule.run import run_jobs
from experiment_server.security.roles import SYSTEM
from experiment_server.state import State
from tests.factories import make_member

DAY = timedelta(days=1)
N_LEARNERS = 160
N_DAYS = 56
KINDS = ("challenge_completed", "peer_comment", "content_viewed", "reward_claimed")
VARIANTS = (("plain", "Plain"), ("badge", "Streak badge"))


def make_program(settings) -> State:
    """A fresh store with members, flags, two experiments, eight weeks of events and a report."""
    database = Database(settings.database_url)
    bootstrap(database)
    now = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    state = State(settings=settings, database=database, clock=lambda: now)
    with database.write() as session:
        environment = environments.load_environment(session, "production")
        environments.create_environment(session, SYSTEM, "staging", "Staging", now)
        _define(session, environment, now - N_DAYS * DAY)
    for role in ("editor", "viewer"):
        make_member(database, role)
    items = _lives(np.random.default_rng(11), now - N_DAYS * DAY)
    for first in range(0, len(items), 1_000):
        batch = items[first : first + 1_000]
        receipt = receive(database, environment.id, batch, now, may_describe=True)
        assert not receipt.refused, receipt.refused[0]
    not_taken = [{**_event(len(items), 0, "stroll", now - DAY), "properties": {"long": "x" * 300}}]
    receive(database, environment.id, not_taken, now, may_describe=True)
    run_jobs(state, jobs.JOBS, now)
    reports.make_report(state, environment, "weekly", now)
    database.dispose()
    return state


def _define(session, environment, began):
    values = {
        "title": "Challenges completed",
        "description": "",
        "kind": "count",
        "event_kinds": ["challenge_completed"],
        "direction": "increase",
        "window_days": 14,
        "minimum_effect": 0.5,
        "cap": None,
        "unit_label": "challenges",
    }
    metrics.create_metric(session, SYSTEM, "challenges-walked", values, began)
    for key, title in (("streak-badge", "Streak badges"), ("new-order", "Practice before theory")):
        wish = _wish(key, title)
        made = experiments.create_experiment(session, SYSTEM, environment, wish, began)
        if key == "streak-badge":
            experiments.start_experiment(session, SYSTEM, made, began, began)
    flag = {
        "title": "New course page",
        "description": "The page with the progress bar.",
        "value_type": "boolean",
        "default_value": False,
    }
    flags.create_flag(session, SYSTEM, "new-course-page", flag, began)


def _wish(key, title):
    return {
        "key": key,
        "title": title,
        "hypothesis": "A visible streak makes tomorrow's visit more likely.",
        "domain": "incentive",
        "unit_kind": "learner",
        "variants": [
            {"key": name, "title": shown, "weight": 1, "payload": {"badge": name}}
            for name, shown in VARIANTS
        ],
        "coverage": 1.0,
        "condition": {},
        "namespace": None,
        "forced": {},
        "metrics": [
            {"metric": "challenges-walked", "role": "primary", "minimum_effect": None},
            {"metric": "energize_score", "role": "secondary", "minimum_effect": None},
        ],
        "analysis": {},
        "schedule": {"looks": 3, "first_after_days": 35, "every_days": 7},
    }


def _lives(rng, start):
    items = []
    for n in range(N_LEARNERS):
        variant = VARIANTS[n % 2][0]
        items.append(_exposure(n, variant, start + float(rng.uniform(14, 28)) * DAY))
        pull = 0.35 + 0.2 * (variant == "badge") + float(rng.normal(0, 0.1))
        for day in range(N_DAYS):
            for _ in range(int(rng.poisson(max(pull, 0.05)))):
                at = start + (day + float(rng.uniform(0, 0.95))) * DAY
                items.append(_event(len(items), n, str(rng.choice(KINDS)), at))
    return items


def _exposure(n, variant, at):
    return {
        "type": "exposure",
        "id": f"x-{n}",
        "experiment": "streak-badge",
        "variant": variant,
        "learner": f"learner-{n}",
        "at": at.isoformat(),
    }


def _event(number, n, kind, at):
    about = {"activity": kind.replace("_", " "), "course": "Onboarding", "step": 1 + number % 4}
    return {
        "type": "event",
        "id": f"e-{number}",
        "kind": kind,
        "learner": f"learner-{n}",
        "at": at.isoformat(),
        "properties": about,
    }
