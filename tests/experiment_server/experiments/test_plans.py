from datetime import timedelta

import pytest

from analysis.plan import AnalysisPlan, PreviousLook
from experiment_server.experiments import service
from experiment_server.experiments.plans import LookWish, build_plan, look_times
from experiment_server.metrics.service import (
    change_metric,
    create_metric,
    ensure_built_in,
    load_metric,
    plain,
)
from experiment_server.problems import Problem
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
        {
            "metric": "sales",
            "role": "guardrail",
            "minimum_effect": 5.0,
            "margin": 4.0,
            "value_per_unit": 0.3,
            "currency": "EUR",
        },
    ],
    "analysis": {"alpha": 0.01, "sides": "one", "spending": "kim_demets:2", "care": 0.05},
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


def test_plan__variants_with_prices__has_their_costs(database):
    environment = make_environment(database)
    variants = [
        {**variant, "cost_per_learner": cost}
        for variant, cost in zip(WISH["variants"], (0, 2.5), strict=True)
    ]
    with database.write() as session:
        ensure_built_in(session, NOW)
        wish = {**WISH, "variants": variants}
        experiment = service.create_experiment(session, SYSTEM, environment, wish, NOW)
        phase = service.start_experiment(session, SYSTEM, experiment, NOW)

    assert build_plan(experiment, phase, LookWish(as_of=NOW + timedelta(days=40))).costs == (0, 2.5)


def test_plan__variants_without_prices__has_no_costs(running):
    experiment, phase = running

    assert "cost_per_learner" not in phase.design["variants"][0]
    assert build_plan(experiment, phase, LookWish(as_of=NOW + timedelta(days=40))).costs == ()


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
    assert plan.titles == {"control": "control", "badge": "badge"}
    assert (plan.sides, plan.spending, plan.care) == ("one", "kim_demets:2", 0.05)
    guardrail = plan.metrics[1]
    assert (guardrail.margin, guardrail.value_per_unit, guardrail.currency) == (4.0, 0.3, "EUR")
    assert plan.primary.margin is None
    assert AnalysisPlan.from_json(plan.to_json()) == plan


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("metrics[0].margin", {"metrics": [{**WISH["metrics"][0], "margin": 1.0}]}),
        ("analysis.spending", {"analysis": {"spending": "pocok"}}),
        ("analysis.spending", {"analysis": {"spending": "kim_demets:-1"}}),
    ],
)
def test_design__margin_or_spending_that_makes_no_sense__is_refused(database, field, change):
    environment = make_environment(database)
    with database.write() as session:
        ensure_built_in(session, NOW)
        with pytest.raises(Problem) as refused:
            service.create_experiment(session, SYSTEM, environment, {**WISH, **change}, NOW)

    assert [error.field for error in refused.value.errors] == [field]


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


FACTORIAL = {
    **WISH,
    "unit_kind": "learner",
    "variants": [],
    "factors": [
        {
            "key": "reward",
            "title": "Reward",
            "levels": [
                {"key": "none", "title": "", "weight": 1, "payload": None},
                {"key": "points", "title": "Points", "weight": 1, "payload": 5},
            ],
        },
        {
            "key": "rhythm",
            "title": "",
            "levels": [
                {"key": "daily", "title": "", "weight": 1, "payload": None},
                {"key": "weekly", "title": "", "weight": 3, "payload": None},
            ],
        },
    ],
}


def test_plan__factorial__names_the_factors_and_what_each_variant_stands_for(database):
    environment = make_environment(database)
    with database.write() as session:
        ensure_built_in(session, NOW)
        experiment = service.create_experiment(session, SYSTEM, environment, FACTORIAL, NOW)
        phase = service.start_experiment(session, SYSTEM, experiment, NOW)

    plan = build_plan(experiment, phase, LookWish(NOW + timedelta(days=35)))

    assert [factor.title for factor in plan.factors] == ["Reward", "rhythm"]
    assert plan.factors[0].level_titles == ("none", "Points")
    assert set(plan.cells) == set(plan.variants)
    assert plan.cells["points:weekly"] == ("points", "weekly")
    assert plan.control == "none:daily"
    assert AnalysisPlan.from_json(plan.to_json()) == plan


FITTING = {
    "title": "Sales a visit",
    "description": "",
    "kind": "ratio",
    "event_kinds": ["sale"],
    "denominator_kinds": ["session_started"],
    "direction": "increase",
    "window_days": 14,
    "minimum_effect": 1.0,
    "unit_label": "EUR",
}
NOT_FOR_TEAMS = {
    "life": {**FITTING, "kind": "time_to_event", "denominator_kinds": []},
    "model": {**FITTING, "kind": "sum", "denominator_kinds": [], "covariate": "model"},
}


def define(database, key, values):
    with database.write() as session:
        create_metric(session, SYSTEM, key, values, NOW)


def start(database, environment, key):
    with database.write() as session:
        experiment = service.load_experiment(session, environment.id, key)
        service.start_experiment(session, SYSTEM, experiment, NOW)


def on(metric, unit_kind="team"):
    uses = [{"metric": metric, "role": "primary", "minimum_effect": None}]
    return {**WISH, "unit_kind": unit_kind, "metrics": uses}


def test_plan__ratio__names_what_is_counted_below(database):
    define(database, "each", FITTING)
    environment = make_environment(database)
    with database.write() as session:
        experiment = service.create_experiment(session, SYSTEM, environment, on("each"), NOW)
        phase = service.start_experiment(session, SYSTEM, experiment, NOW)

    plan = build_plan(experiment, phase, LookWish(NOW))

    assert plan.primary.denominator_kinds == ("session_started",)
    assert (plan.primary.quantile, plan.primary.covariate) == (None, "window")
    assert AnalysisPlan.from_json(plan.to_json()) == plan


def test_plan__limits_and_covariate__are_those_of_the_metric(database):
    limits = {"floor": 0.5, "cap_quantile": 0.95}
    define(database, "each", {**NOT_FOR_TEAMS["model"], **limits})
    environment = make_environment(database)
    with database.write() as session:
        wish = on("each", "learner")
        experiment = service.create_experiment(session, SYSTEM, environment, wish, NOW)
        phase = service.start_experiment(session, SYSTEM, experiment, NOW)

    primary = build_plan(experiment, phase, LookWish(NOW)).primary

    assert (primary.floor, primary.cap, primary.cap_quantile) == (0.5, None, 0.95)
    assert primary.covariate == "model"


def test_plan__of_a_phase_started_before_these_fields__has_the_defaults(running):
    experiment, phase = running
    for use in phase.design["metrics"]:
        for name in ("denominator_kinds", "quantile", "floor", "cap_quantile", "covariate"):
            del use["definition"][name]

    primary = build_plan(experiment, phase, LookWish(NOW)).primary

    assert (primary.denominator_kinds, primary.covariate, primary.floor) == ((), "window", None)


@pytest.mark.parametrize("kind", NOT_FOR_TEAMS)
def test_design__teams_with_a_metric_of_learners__is_refused_when_defined(database, kind):
    define(database, "each", NOT_FOR_TEAMS[kind])
    environment = make_environment(database)
    with database.write() as session, pytest.raises(Problem) as refused:
        service.create_experiment(session, SYSTEM, environment, on("each"), NOW)

    error = refused.value.errors[0]
    assert (refused.value.status, error.field) == (422, "metrics[0].metric")
    assert error.remedy.startswith("Use ")


@pytest.mark.parametrize("kind", NOT_FOR_TEAMS)
def test_start__teams_with_a_metric_that_became_one_of_learners__is_refused(database, kind):
    define(database, "each", FITTING)
    environment = make_environment(database)
    with database.write() as session:
        service.create_experiment(session, SYSTEM, environment, on("each"), NOW)
        metric = load_metric(session, "each")
        change_metric(session, SYSTEM, metric, 1, {**FITTING, **NOT_FOR_TEAMS[kind]}, NOW)
    with pytest.raises(Problem) as refused:
        start(database, environment, "badge")

    assert [error.field for error in refused.value.errors] == ["metrics[0].metric"]
    with database.read() as session:
        kept = service.load_experiment(session, environment.id, "badge")
        assert (kept.state, kept.phase) == ("draft", 0)


def test_plan__events_that_show_take_up__are_in_it(database):
    wish = {
        **WISH,
        "unit_kind": "learner",
        "analysis": {"take_up_kinds": ["reward_claimed", "custom:opened"]},
    }
    environment = make_environment(database)
    with database.write() as session:
        ensure_built_in(session, NOW)
        experiment = service.create_experiment(session, SYSTEM, environment, wish, NOW)
        phase = service.start_experiment(session, SYSTEM, experiment, NOW)

    plan = build_plan(experiment, phase, LookWish(NOW + timedelta(days=42)))

    assert plan.take_up_kinds == ("reward_claimed", "custom:opened")
