"""Each kind on one learner whose days are easy to count; the pass over lakes is in test_collect."""

import pytest

from analysis.collect import collect
from analysis.metrics import METRIC_KINDS, metric_kind
from analysis.plan import AnalysisPlan, MetricPlan
from tests.analysis.lakes import day, event, exposure, write_lake

EVENTS = [
    # before the exposure on day 20
    event("ada", "sale", day(15), 40.0),
    event("ada", "course_progressed", day(19), None),
    # after it; the window ends with day 33
    event("ada", "sale", day(20), 10.0),
    event("ada", "sale", day(21), 30.0),
    event("ada", "sale", day(22), None),
    event("ada", "course_progressed", day(22), None),
    event("ada", "course_progressed", day(22.5), 3.0),
    event("ada", "course_completed", day(26.999), 0.9),
    event("ada", "sale", day(34), 1000.0),
]


def outcome_of(root, kind, **given):
    metric = MetricPlan("m", "M", kind, "primary", window_days=14, **given)
    plan = AnalysisPlan(
        experiment="points",
        title="Points",
        domain="incentive",
        unit_kind="learner",
        variants=("control", "double"),
        weights=(0.5, 0.5),
        metrics=(metric,),
        started_at=day(10),
        as_of=day(60),
    )
    lake = write_lake(root, exposures=[exposure("ada", "double", day(20))], events=EVENTS)
    found = collect(plan, lake).metrics["m"]["double"]
    return found.mean_of("outcome"), found.mean_of("covariate")


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        ("count", {"event_kinds": ("sale",)}, (3.0, 1.0)),
        ("count", {"event_kinds": ("sale",), "cap": 2.0}, (2.0, 1.0)),
        ("sum", {"event_kinds": ("sale",)}, (40.0, 40.0)),
        ("sum", {"event_kinds": ("sale",), "cap": 25.0}, (25.0, 25.0)),
        # An advance without a value is one unit of progress.
        ("sum", {"event_kinds": ("course_progressed",)}, (4.0, 1.0)),
        ("proportion", {"event_kinds": ("course_completed",)}, (1.0, 0.0)),
        ("active_days", {}, (2.0, 1.0)),
        ("active_days", {"event_kinds": ("sale",)}, (3.0, 1.0)),
        # The last seven days are 27 to 33: the course was completed a moment before them.
        ("retention", {}, (0.0, 1.0)),
        ("retention", {"event_kinds": ("sale",)}, (0.0, 1.0)),
    ],
)
def test_metric__one_learner__counts_what_its_kind_says(tmp_path, kind, given, expected):
    assert outcome_of(tmp_path, kind, **given) == expected


@pytest.mark.parametrize("kind", METRIC_KINDS, ids=lambda kind: kind.name)
def test_metric_kinds__each__is_found_by_its_name_and_says_what_it_means(kind):
    assert metric_kind(kind.name) is kind
    assert kind.meaning


def test_metric_kind__unknown__lists_those_there_are():
    with pytest.raises(ValueError, match="found 'mean', expected one of score, count, sum"):
        metric_kind("mean")
