from datetime import timedelta

import pytest

from analysis.plan import AnalysisPlan, PreviousLook
from experiment_server.experiments import service
from experiment_server.experiments.plans import LookWish, build_plan, look_times
from experiment_server.metrics.service import change_metric, ensure_built_in, load_metric, plain
from experiment_server.security.roles import SYSTEM
from tests.factories import NOW, make_environment

WISH = {
    "key": "badge",
    "title": "Welcome badge",
    "hypothesis": "",
    "domain": "incentive",
    "unit_kind": "team",
    "variants": [
        {"key": "control", "title": "", "weight": 1, "payload": None},
        {"key": "badge", "title": "", "weight": 3, "payload": None},
    ],
    "coverage": 0.5,
    "condition": {},
    "namespace": None,
    "forced": {},
    "metrics": [
        {"metric": "course_completions", "role": "primary", "minimum_effect": None},
        {"metric": "sales", "role": "guardrail", "minimum_effect": 5.0},
    ],
    "analysis": {"alpha": 0.01},
    "schedule": {"looks": 3},
}


@pytest.fixture
def running(database):
    environment = make_environment(database)
    with database.write() as session:
        ensure_built_in(session, NOW)
        experiment = service.create_experiment(session, SYSTEM, environment, WISH, NOW)
        phase = service.start_experiment(session, SYSTEM, experiment, NOW)
    return experiment, phase


def test_look_times__start_after_the_window_and_a_week(running):
    experiment, phase = running

    assert look_times(experiment, phase) == [NOW + timedelta(days=days) for days in (35, 42, 49)]


def test_plan__of_a_running_experiment__says_what_was_frozen(running):
    experiment, phase = running
    previous = (PreviousLook(1, 0.4, 0.001),)

    plan = build_plan(experiment, phase, LookWish(NOW + timedelta(days=42), 2, previous))

    assert plan.variants == ("control", "badge")
    assert plan.weights == (0.25, 0.75)
    assert (plan.alpha, plan.power, plan.minimum_days) == (0.01, 0.8, 14)
    assert (plan.look, plan.looks_planned, plan.final) == (2, 3, False)
    assert plan.previous_looks == previous
    assert plan.primary.event_kinds == ("course_completed",)
    assert [metric.minimum_effect for metric in plan.metrics] == [0.1, 5.0]
    assert AnalysisPlan.from_json(plan.to_json()) == plan


def test_plan__last_look__is_final(running):
    plan = build_plan(*running, LookWish(NOW, look=3))

    assert plan.final


def test_plan__after_a_metric_was_changed__stays_as_started(database, running):
    experiment, phase = running
    with database.write() as session:
        metric = load_metric(session, "course_completions")
        values = {**plain(metric), "window_days": 7}
        del values["key"]
        change_metric(session, SYSTEM, metric, 1, values, NOW)
    with database.read() as session:
        stored = service.load_experiment(session, 1, "badge")
        plan = build_plan(stored, service.load_phase(session, stored), LookWish(NOW))

    assert plan.primary.window_days == 28
    assert plan == build_plan(experiment, phase, LookWish(NOW))
