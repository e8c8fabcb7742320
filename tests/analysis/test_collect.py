"""The one pass against a plain reading of the rules, over random small lakes."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from analysis.collect import collect
from analysis.energize.norms import COMPONENTS, Norms, existing_weights
from analysis.energize.reference import Happening, score_learner
from analysis.methods import compare, cupac
from analysis.plan import AnalysisPlan, MetricPlan
from analysis.read import run_readout
from analysis.segments import SEGMENTS
from analysis.statistics.life import LifeTable
from analysis.statistics.moments import Moments
from tests.analysis.lakes import START, day, description, event, exposure, write_lake

SCALE = {
    "active_days": 4.0,
    "challenges": 2.0,
    "course_units": 3.0,
    "claims": 1.0,
    "peer_actions": 2.0,
}
NORMS = Norms(
    version="test",
    window_days=14,
    half_saturation=SCALE,
    weights=existing_weights(SCALE),
    calibrated_from="2026-01-01T00:00:00+00:00",
    calibrated_to="2026-01-15T00:00:00+00:00",
)
METRICS = (
    MetricPlan("energize", "Energize Score", "score", "primary", window_days=14),
    MetricPlan("sales", "Sales", "sum", event_kinds=("sale",), window_days=10, cap=60.0),
    MetricPlan("posts", "Posts", "count", event_kinds=("peer_post", "peer_comment"), window_days=7),
    MetricPlan("sold", "Sold", "proportion", event_kinds=("sale",), window_days=14),
    MetricPlan("still", "Still there", "retention", window_days=9),
    MetricPlan(
        "amount",
        "Amount",
        "sum",
        event_kinds=("sale", "course_progressed"),
        window_days=14,
        floor=5.0,
        cap_quantile=0.8,
    ),
    MetricPlan("days", "Active days", "active_days", window_days=21),
    MetricPlan(
        "worth",
        "Worth of a session",
        "ratio",
        event_kinds=("sale", "course_progressed"),
        denominator_kinds=("session_started", "peer_post"),
        window_days=12,
    ),
    MetricPlan(
        "replies",
        "Comments a post",
        "rate",
        event_kinds=("peer_comment",),
        denominator_kinds=("peer_post",),
        window_days=16,
    ),
)
KINDS = (
    "session_started",
    "challenge_completed",
    "course_progressed",
    "course_completed",
    "reward_claimed",
    "reward_offered",
    "peer_post",
    "peer_comment",
    "sale",
    "custom:quiz",
)


DAY_40 = day(40)


def plan_of(unit_kind="learner", as_of=DAY_40, metrics=METRICS, **changes):
    given = {
        "experiment": "points",
        "title": "Points",
        "domain": "incentive",
        "unit_kind": unit_kind,
        "variants": ("control", "double"),
        "weights": (0.5, 0.5),
        "metrics": metrics,
        "started_at": day(5),
        "as_of": as_of,
        "score_version": "test",
    }
    return AnalysisPlan(**{**given, **changes})


# --- the rules, read aloud: lists of rows, loops, nothing shared with the engine


def plain_first_exposures(plan, exposures):
    met = [
        row
        for row in exposures
        if row["experiment"] == plan.experiment
        and row["unit_kind"] == plan.unit_kind
        and plan.started_at <= row["exposed_at"] < plan.as_of
    ]
    variants_of = {}
    for row in met:
        variants_of.setdefault(row["unit"], set()).add(row["variant"])
    crossed = {unit for unit, variants in variants_of.items() if len(variants) > 1}
    first = {}
    for row in sorted(met, key=lambda row: (row["exposed_at"], row["event_id"])):
        first.setdefault(row["learner"], row)
    kept = {learner: row for learner, row in first.items() if row["unit"] not in crossed}
    return kept, variants_of, crossed


KIND_DEFAULTS = {"course_progressed": 1.0, "course_completed": 1.0}


def plain_ratio(metric, inside, named):
    above = [KIND_DEFAULTS.get(kind, 0.0) if value is None else value for _, kind, value in named]
    below = [kind for _, kind, _ in inside if kind in metric.denominator_kinds]
    return (sum(above) if metric.kind == "ratio" else len(named)), len(below)


def plain_outcome(metric, events, start):
    inside = [
        ((row["occurred_at"] - start) // timedelta(days=1), row["kind"], row["value"])
        for row in events
        if start <= row["occurred_at"] < start + timedelta(days=metric.window_days)
    ]
    named = [(d, kind, value) for d, kind, value in inside if kind in metric.event_kinds]
    absent = ("reward_offered", "sale")
    active = {d for d, kind, _ in inside if kind not in absent}
    if metric.denominator_kinds:
        return plain_ratio(metric, inside, named)
    if metric.kind == "sum":
        return sum(KIND_DEFAULTS.get(k, 0.0) if v is None else v for _, k, v in named)
    if metric.kind in ("count", "proportion"):
        return float(len(named) if metric.kind == "count" else bool(named))
    if metric.kind == "retention":
        return float(any(d >= metric.window_days - 7 for d in active))
    if metric.kind == "active_days":
        return float(len(active))
    return score_learner((Happening(*one) for one in inside), NORMS, metric.window_days)


def plain_rows(plan, metric, exposures, events, until=None):
    """(variant, unit, outcome, covariate) of each learner whose window is complete."""
    kept, _, _ = plain_first_exposures(plan, exposures)
    until = until or plan.as_of
    rows = []
    for learner, row in sorted(kept.items()):
        start, span = row["exposed_at"], timedelta(days=metric.window_days)
        if start + span > min(plan.as_of, until):
            continue
        mine = [e for e in events if e["learner"] == learner and e["occurred_at"] < plan.as_of]
        after, before = (
            plain_outcome(metric, mine, start),
            plain_outcome(metric, mine, start - span),
        )
        rows.append((row["variant"], row["unit"], after, before))
    return rows


def plain_caps(metric, rows):
    """The least and the most that an outcome and a covariate may be."""
    low = -np.inf if metric.floor is None else metric.floor
    high = np.inf if metric.cap is None else metric.cap
    if metric.cap_quantile is None or not rows:
        return (low, high), (low, high)
    after, before = (np.maximum([row[at] for row in rows], low) for at in (2, 3))
    return tuple((low, np.quantile(each, metric.cap_quantile)) for each in (after, before))


def plain_columns(metric, rows):
    """(variant, unit, values) of each learner, with caps and what they are shown beside."""
    if metric.kind not in ("count", "sum", "active_days"):
        return [(v, u, columns_of(metric, a, b)) for v, u, a, b in rows]
    rows = [row for row in rows if row[0] in ("control", "double")]
    limits, limits_before = plain_caps(metric, rows)
    capped = any(each is not None for each in (metric.cap, metric.floor, metric.cap_quantile))
    usual = np.inf if capped or not rows else np.quantile([row[2] for row in rows], 0.99)
    return [
        (v, u, [float(np.clip(a, *limits)), float(np.clip(b, *limits_before)), min(a, usual)])
        for v, u, a, b in rows
    ]


def number(outcome):
    return outcome if isinstance(outcome, float) else outcome.score


# --- random small lakes


def random_rows(seed, unit_kind):
    """Learners with late, early, borderline and foreign events; some exposed twice or across."""
    rng = np.random.default_rng(seed)
    exposures, events = [], []
    for learner in range(24):
        name, team = f"learner-{learner}", f"team-{learner % 6}"
        n_exposures = 1 + (rng.random() < 0.4)
        for _ in range(n_exposures):
            crossing = rng.random() < 0.06
            index = learner % 6 if unit_kind == "team" else learner
            variant = ("control", "double")[(index + crossing) % 2]
            # Whole days too, so that windows begin and end exactly at an event or at the look.
            at = day(float(rng.choice([rng.integers(0, 36), rng.uniform(0, 36)])))
            unit = team if unit_kind == "team" else None
            if unit and rng.random() < 0.1:
                unit = f"team-{rng.integers(6)}"  # changed team
            exposures.append(exposure(name, variant, at, unit=unit))
            nearby = [near for near in (-14, -7, 0, 7, 14) if rng.random() < 0.4]
            events += [event(name, "challenge_completed", at + timedelta(near)) for near in nearby]
        for _ in range(rng.integers(0, 30)):
            kind = KINDS[rng.integers(len(KINDS))]
            value = None if rng.random() < 0.5 else float(rng.integers(0, 80))
            at = day(rng.uniform(-20, 60))
            late = at + timedelta(days=float(rng.uniform(0, 30)))
            events.append(event(name, kind, at, value, received_at=late))
    exposures.append(exposure("stranger", "double", day(9), experiment="another"))
    exposures.append(exposure("unplanned", "retired variant", day(9)))
    return exposures, events


def assert_same(found, columns, rows):
    matrix = np.array(rows, dtype=float).reshape(len(rows), len(columns))
    if isinstance(found, Moments):
        assert found.n == len(rows)
        if rows:
            np.testing.assert_allclose(found.mean, matrix.mean(axis=0), atol=1e-9)
            centred = matrix - matrix.mean(axis=0)
            np.testing.assert_allclose(found.m2, centred.T @ centred, atol=1e-7)


def assert_same_teams(found, columns, rows):
    teams = {}
    for unit, values in rows:
        teams.setdefault(unit, []).append(values)
    expected_n = [len(teams[unit]) for unit in sorted(teams)]
    expected = [np.sum(teams[unit], axis=0) for unit in sorted(teams)]
    assert found.n.tolist() == expected_n
    np.testing.assert_allclose(
        found.sums, np.array(expected).reshape(len(teams), len(columns)), atol=1e-9
    )


def columns_of(metric, after, before):
    if metric.kind in ("ratio", "rate"):
        return [after[0], before[0], after[1], before[1]]
    if metric.kind != "score":
        return [after, before]
    parts = [after.points[name] for name in COMPONENTS]
    return [after.score, before.score, *parts, after.without_incentive]


@pytest.mark.parametrize("as_of", [day(40), day(33.37), day(20)])
@pytest.mark.parametrize("unit_kind", ["learner", "team"])
@pytest.mark.parametrize("seed", range(4))
def test_collect__random_lakes__is_what_the_rules_say(tmp_path, seed, unit_kind, as_of):
    exposures, events = random_rows(seed, unit_kind)
    lake = write_lake(tmp_path, exposures=exposures, events=events)
    plan = plan_of(unit_kind, as_of)

    collected = collect(plan, lake, NORMS)

    _kept, variants_of, crossed = plain_first_exposures(plan, exposures)
    assert collected.n_crossed == len(crossed)
    for variant in plan.variants:
        units = {u for u, met in variants_of.items() if met == {variant}}
        assert collected.n_exposed[variant] == len(units)
    for metric in METRICS:
        rows = plain_rows(plan, metric, exposures, events)
        for variant in plan.variants:
            found = collected.metrics[metric.key][variant]
            mine = [(u, values) for v, u, values in plain_columns(metric, rows) if v == variant]
            if unit_kind == "team":
                assert_same_teams(found, found.columns, mine)
            else:
                assert_same(found, found.columns, [values for _, values in mine])
            if metric.role == "primary":
                assert collected.n_learners[variant] == len(mine)
                assert collected.n_mature[variant] == len({unit for unit, _ in mine})


@pytest.mark.parametrize("unit_kind", ["learner", "team"])
@pytest.mark.parametrize("seed", range(3))
def test_trend__each_day__holds_the_units_complete_at_its_end(tmp_path, seed, unit_kind):
    exposures, events = random_rows(seed, unit_kind)
    lake = write_lake(tmp_path, exposures=exposures, events=events)
    plan = plan_of(unit_kind, day(33.37))

    trend = collect(plan, lake, NORMS).trend

    days = sorted(trend)
    assert days[-1] == day(33).date().isoformat()
    for number_of_day in range((day(33) - START).days + 1):
        iso = day(number_of_day).date().isoformat()
        rows = plain_rows(plan, plan.primary, exposures, events, until=day(number_of_day + 1))
        if iso not in trend:
            assert rows == []
            continue
        for variant in plan.variants:
            mine = [(u, [number(a), number(b)]) for v, u, a, b in rows if v == variant]
            found = trend[iso][variant]
            assert found.columns == ("outcome", "covariate")
            if unit_kind == "team":
                assert_same_teams(found, found.columns, mine)
            else:
                assert_same(found, found.columns, [values for _, values in mine])


@pytest.mark.parametrize("unit_kind", ["learner", "team"])
def test_collect__a_ratio_as_primary__has_its_denominator_every_day(tmp_path, unit_kind):
    exposures, events = random_rows(2, unit_kind)
    lake = write_lake(tmp_path, exposures=exposures, events=events)
    metric = replace(METRICS[-1], role="primary")
    plan = plan_of(unit_kind, metrics=(metric,))

    collected = collect(plan, lake)

    last = collected.trend[max(collected.trend)]["double"]
    found = collected.metrics["replies"]["double"]
    assert last.columns == found.columns
    assert last.n_learners == found.n_learners
    for column in found.columns:
        assert last.mean_of(column) == pytest.approx(found.mean_of(column))


def test_collect__score__components_add_up_to_the_outcome(tmp_path):
    exposures, events = random_rows(1, "learner")
    lake = write_lake(tmp_path, exposures=exposures, events=events)

    found = collect(plan_of(), lake, NORMS).metrics["energize"]["double"]

    assert found.columns == ("outcome", "covariate", *COMPONENTS, "without_incentive")
    parts = sum(found.mean_of(name) for name in COMPONENTS)
    assert parts == pytest.approx(found.mean_of("outcome"))


# --- segments and strata


def segmented_lake(root, unit_kind="learner"):
    rng = np.random.default_rng(12)
    exposures, events, described = [], [], []
    for learner in range(60):
        name, variant = f"learner-{learner}", ("control", "double")[learner % 2]
        unit = f"team-{learner % 8}" if unit_kind == "team" else None
        role = ("seller", "manager", None)[learner % 3]
        exposures.append(exposure(name, variant, day(10), unit=unit, role=role, region="north"))
        events += [event(name, "sale", day(11), float(v)) for v in rng.integers(1, 20, 3)]
        if learner % 5:
            started = (day(10) - timedelta(days=(30, 89, 90, 364, 365)[learner % 5])).date()
            described += [
                description(name, day(2), started_on=day(1).date()),
                description(name, day(3), started_on=started),
                # Read only by looks after it.
                description(name, day(50), started_on=day(0).date()),
            ]
    return write_lake(root, exposures=exposures, events=events, learners=described)


SALES = (MetricPlan("sales", "Sales", "sum", "primary", event_kinds=("sale",), window_days=7),)


@pytest.mark.parametrize("unit_kind", ["learner", "team"])
def test_collect__segments__add_up_to_each_variant(tmp_path, unit_kind):
    plan = plan_of(unit_kind, metrics=SALES)

    collected = collect(plan, segmented_lake(tmp_path, unit_kind))

    for segment in SEGMENTS:
        levels = collected.segments["sales"][segment]
        for variant in plan.variants:
            whole = collected.metrics["sales"][variant]
            parts = [of_level[variant] for of_level in levels.values() if variant in of_level]
            assert sum(part.n_learners for part in parts) == whole.n_learners == 30
            total = sum(part.n_learners * part.mean_of("outcome") for part in parts)
            assert total / 30 == pytest.approx(whole.mean_of("outcome"))


def test_collect__segments__say_what_was_known_at_exposure(tmp_path):
    found = collect(plan_of(metrics=SALES), segmented_lake(tmp_path)).segments["sales"]

    def counts(segment):
        return {level: sum(s.n for s in by.values()) for level, by in found[segment].items()}

    assert counts("role") == {"seller": 20, "manager": 20, "unknown": 20}
    assert counts("region") == {"north": 60}
    assert counts("tenure") == {
        "unknown": 12,
        "under 3 months": 12,
        "under a year": 24,
        "a year or more": 12,
    }


BUSY = ("session_started", "challenge_completed", "course_progressed", "peer_post")


def engaged_lake(root):
    """Learner n met a variant on day 20, and was active on n days of the two weeks before."""
    exposures = [exposure(f"learner-{n}", ("control", "double")[n % 2], day(20)) for n in range(15)]
    before = [event(f"learner-{n}", BUSY[d % 4], day(6.5 + d)) for n in range(15) for d in range(n)]
    # What comes with the exposure or after it is no prior engagement, and this is long before.
    after = [event("learner-0", BUSY[0], day(20 + d)) for d in range(10)]
    long_ago = [event("learner-0", BUSY[0], day(5.5))]
    return write_lake(root, exposures=exposures, events=[*before, *after, *long_ago])


def learners_by_band(collected, metric):
    levels = collected.segments[metric]["prior_engagement"]
    return {level: sum(each.n_learners for each in arms.values()) for level, arms in levels.items()}


@pytest.mark.parametrize("unit_kind", ["learner", "team"])
def test_collect__prior_engagement_without_a_score__counts_active_days_before(tmp_path, unit_kind):
    sales = (replace(SALES[0], window_days=14),)
    exposures_of = {"learner": engaged_lake, "team": engaged_teams}[unit_kind]

    found = collect(plan_of(unit_kind, metrics=sales), exposures_of(tmp_path))

    # Bands stand in their order; of two weeks, 1 day is less than 1 a week, 4 are 2 a week.
    assert list(learners_by_band(found, "sales").items()) == [
        ("none", 1),
        ("low (less than 1 day a week)", 1),
        ("middle (1 to 2 days a week)", 2),
        ("high (2 days a week or more)", 11),
    ]


def engaged_teams(root):
    engaged_lake(root)
    met = [
        exposure(f"learner-{n}", ("control", "double")[n % 2], day(20), unit=f"team-{n % 4}")
        for n in range(15)
    ]
    return write_lake(root, exposures=met)


def test_collect__prior_engagement_of_a_score__bands_the_score_before(tmp_path):
    lake, plan = engaged_lake(tmp_path), plan_of(metrics=METRICS[:2])

    found = collect(plan, lake, NORMS)

    scores = [
        score_learner([Happening(d, BUSY[d % 4]) for d in range(n)], NORMS).score for n in range(15)
    ]
    expected = {
        "none": sum(score == 0 for score in scores),
        "low (under 25 points)": sum(0 < score < 25 for score in scores),
        "middle (25 to 50 points)": sum(25 <= score < 50 for score in scores),
        "high (50 points or more)": sum(score >= 50 for score in scores),
    }
    wanted = {level: n for level, n in expected.items() if n}
    assert len(wanted) >= 3
    assert learners_by_band(found, "energize") == learners_by_band(found, "sales") == wanted


def test_collect__prior_engagement_as_a_stratum__compares_within_it(tmp_path):
    sales = (replace(SALES[0], window_days=14),)
    plan = plan_of(metrics=sales, strata=("prior_engagement",))

    found = collect(plan, engaged_lake(tmp_path)).metrics["sales"]["control"]

    assert {name: part.n for name, part in found.parts.items()} == {
        "prior_engagement=none": 1,
        "prior_engagement=middle (1 to 2 days a week)": 1,
        "prior_engagement=high (2 days a week or more)": 6,
    }


def test_collect__plan_with_strata__keeps_them_apart(tmp_path):
    lake = segmented_lake(tmp_path)

    plain = collect(plan_of(metrics=SALES), lake).metrics["sales"]["double"]
    strata = collect(plan_of(metrics=SALES, strata=("role", "region")), lake)

    found = strata.metrics["sales"]["double"]
    assert sorted(found.parts) == [
        "role=manager, region=north",
        "role=seller, region=north",
        "role=unknown, region=north",
    ]
    assert found.n == plain.n == sum(part.n for part in found.parts.values())
    assert found.mean == pytest.approx(plain.mean)
    assert found.m2 == pytest.approx(plain.m2)
    contrast = compare(strata.metrics["sales"]["control"], found)
    assert contrast.method == "stratified"


def listed_lake(root, n_listed=32):
    """A keen and a slow stratum, four times as many keen ones doubled; some left to the hash."""
    rng = np.random.default_rng(5)
    exposures, events = [], []
    for learner in range(40):
        name = f"learner-{learner}"
        stratum = None if learner >= n_listed else ("slow", "keen")[learner % 2]
        variant = "double" if learner % 10 in (0, 1, 3, 5, 7) else "control"
        exposures.append(exposure(name, variant, day(10), stratum=stratum))
        usual = 20 if stratum == "keen" else 5
        events += [event(name, "sale", day(11), usual + float(rng.uniform(0, 2)))]
    return write_lake(root, exposures=exposures, events=events)


def test_collect__stratum_of_a_list__compares_within_it(tmp_path):
    lake = listed_lake(tmp_path)

    raw = collect(plan_of(metrics=SALES), lake).metrics["sales"]
    found = collect(plan_of(metrics=SALES, strata=("stratum",)), lake).metrics["sales"]

    assert sorted(found["double"].parts) == ["stratum=keen", "stratum=slow", "stratum=unknown"]
    assert found["double"].n == raw["double"].n
    naive, fair = (compare(each["control"], each["double"]) for each in (raw, found))
    assert naive.effect > 5  # keen ones sell more, and more of them were doubled
    assert abs(fair.effect) < 4 * fair.se < 3


def test_collect__stratum_of_a_list__is_no_segment(tmp_path):
    collected = collect(plan_of(metrics=SALES, strata=("stratum",)), listed_lake(tmp_path))

    assert set(collected.segments["sales"]) == set(SEGMENTS)


def test_collect__stratum_where_nobody_was_listed__is_one(tmp_path):
    plan = plan_of(metrics=SALES, strata=("stratum",))

    found = collect(plan, listed_lake(tmp_path, n_listed=0)).metrics["sales"]

    assert list(found["control"].parts) == ["stratum=unknown"]


def test_collect__strata_it_does_not_know__names_those_there_are(tmp_path):
    with pytest.raises(ValueError, match="strata: found 'shoe size', expected any of role, region"):
        collect(plan_of(metrics=SALES, strata=("shoe size",)), write_lake(tmp_path))


def test_plan__strata__goes_to_json_and_back():
    plan = plan_of(strata=("role",))

    assert AnalysisPlan.from_json(plan.to_json()) == plan


# --- a model's prediction as covariate


def test_collect__model_as_covariate__is_fitted_to_the_time_before(tmp_path):
    exposures, events = random_rows(3, "learner")
    metric = MetricPlan("days", "Posts", "count", "primary", window_days=8, covariate="model",
                        event_kinds=("peer_post", "challenge_completed"))  # fmt: skip
    plan = plan_of(metrics=(metric,), started_at=day(5), as_of=day(50))

    found = collect(plan, write_lake(tmp_path, exposures=exposures, events=events)).metrics["days"]

    kept, _, _ = plain_first_exposures(plan, exposures)
    kinds = (metric, replace(metric, kind="active_days", event_kinds=()),
             replace(metric, kind="retention", event_kinds=()))  # fmt: skip
    rows, variants = [], []
    for learner, row in sorted(kept.items()):
        if (
            row["exposed_at"] + timedelta(days=8) > plan.as_of
            or row["variant"] == "retired variant"
        ):
            continue
        mine = [e for e in events if e["learner"] == learner and e["occurred_at"] < plan.as_of]
        starts = [row["exposed_at"] - timedelta(days=8 * back) for back in (0, 1, 2)]
        after, before, earlier = ([plain_outcome(k, mine, at) for k in kinds] for at in starts)
        rows.append([after[0], *before, *earlier])
        variants.append(row["variant"])
    names = ("outcome", "a", "b", "c", "x", "y", "z")
    matrix = np.array(rows)
    model = cupac.fit(Moments.of(names, matrix), "a", ("x", "y", "z"))
    predicted = model.intercept + matrix[:, 1:4] @ np.array(model.weights)
    for variant in plan.variants:
        at = np.array(variants) == variant
        expected = np.column_stack([matrix[at, 0], predicted[at]])
        assert found[variant].columns == ("outcome", "covariate", "other_cap")
        assert_same(found[variant].only(("outcome", "covariate")), ("o", "c"), expected.tolist())


@pytest.mark.parametrize(("unit_kind", "metric"), [("team", METRICS[0]), ("learner", METRICS[-1])])
def test_collect__model_that_does_not_fit__says_so(tmp_path, unit_kind, metric):
    plan = plan_of(unit_kind, metrics=(replace(metric, role="primary", covariate="model"),))

    with pytest.raises(ValueError, match="covariate is 'model', which needs learners"):
        collect(plan, write_lake(tmp_path), NORMS)


# --- caps


def test_collect__one_enormous_sale__is_seen_beside_the_cap(tmp_path):
    names = [f"learner-{number}" for number in range(40)]
    met = [exposure(n, ("control", "double")[i % 2], day(6)) for i, n in enumerate(names)]
    events = [event(n, "sale", day(7), float(i % 7 + 1)) for i, n in enumerate(names)]
    events.append(event("learner-1", "sale", day(8), 1e6))
    lake = write_lake(tmp_path, exposures=met, events=events)
    sales = replace(SALES[0], cap_quantile=0.9)

    capped = collect(plan_of(metrics=(sales,)), lake).metrics["sales"]
    plain = collect(plan_of(metrics=SALES), lake).metrics["sales"]

    for found, free, held in ((capped, "other_cap", "outcome"), (plain, "outcome", "other_cap")):
        assert found["double"].mean_of(free) > 50_000
        assert found["control"].mean_of(free) < 8
        effect = compare(found["control"], found["double"], held).effect
        without = compare(found["control"], found["double"], free).effect
        assert abs(effect) < abs(without)
    assert capped["double"].mean_of("outcome") <= 7


# --- time to an event

CERTIFIED = MetricPlan(
    "certified", "Days to a course", "time_to_event", event_kinds=("course_completed",),
    window_days=14, direction="decrease",
)  # fmt: skip


def plain_lives(plan, exposures, events):
    """(variant, time, whether it happened) of every learner met, read aloud."""
    kept, _, _ = plain_first_exposures(plan, exposures)
    for learner, row in kept.items():
        start = row["exposed_at"]
        watched = min((plan.as_of - start) // timedelta(days=1), CERTIFIED.window_days)
        days = [
            (e["occurred_at"] - start) // timedelta(days=1)
            for e in events
            if e["learner"] == learner and e["kind"] == "course_completed"
            if e["occurred_at"] >= start
        ]
        first = min(days, default=None)
        if first is not None and first < watched:
            yield row["variant"], first + 1, True
        else:
            yield row["variant"], watched, False


@pytest.mark.parametrize("as_of", [day(40), day(33.37), day(20)])
@pytest.mark.parametrize("seed", range(3))
def test_collect__time_to_event__watches_everyone_as_far_as_they_go(tmp_path, seed, as_of):
    exposures, events = random_rows(seed, "learner")
    plan = plan_of(as_of=as_of, metrics=(METRICS[1], CERTIFIED, METRICS[0]))

    collected = collect(plan, write_lake(tmp_path, exposures=exposures, events=events), NORMS)

    lives = list(plain_lives(plan, exposures, events))
    for variant in plan.variants:
        mine = [(time, happened, 1) for v, time, happened in lives if v == variant]
        expected = LifeTable.of(14, mine)
        found = collected.metrics["certified"][variant]
        assert found.time.tolist() == expected.time.tolist()
        assert found.events.tolist() == expected.events.tolist()
        assert found.censored.tolist() == expected.censored.tolist()
        parts = collected.segments["certified"]["role"]
        assert sum(level[variant].n for level in parts.values() if variant in level) == found.n


def test_collect__time_to_event_as_primary__is_read_out(tmp_path):
    exposures, events = random_rows(4, "learner")
    lake = write_lake(tmp_path, exposures=exposures, events=events)
    plan = plan_of(metrics=(replace(CERTIFIED, role="primary"),))

    readout = run_readout(plan, lake)

    estimate = readout.primary.estimates[0]
    assert estimate.method == "survival"
    assert 0 < estimate.mean <= 14
    assert readout.trend == ()


def test_collect__time_to_event_of_teams__is_refused(tmp_path):
    plan = plan_of("team", metrics=(replace(CERTIFIED, role="primary"),))

    with pytest.raises(ValueError, match="teams were randomised; use kind proportion"):
        collect(plan, write_lake(tmp_path))


# --- quantiles


@pytest.mark.parametrize("unit_kind", ["learner", "team"])
def test_collect__quantile__is_over_all_values_of_mature_learners(tmp_path, unit_kind):
    exposures, events = random_rows(6, unit_kind)
    events += [
        event(row["learner"], "sale", row["exposed_at"] + timedelta(days=later), 7.0 * later + 1)
        for row in exposures
        for later in (-1, 0, 3, 11, 12)
    ]
    median = MetricPlan("median", "Median sale", "quantile", event_kinds=("sale",), quantile=0.5,
                        window_days=12)  # fmt: skip
    plan = plan_of(unit_kind, metrics=(METRICS[0], median))

    collected = collect(plan, write_lake(tmp_path, exposures=exposures, events=events), NORMS)

    kept, _, _ = plain_first_exposures(plan, exposures)
    assert kept
    for variant in plan.variants:
        mine = {
            learner: (row["unit"], row["exposed_at"])
            for learner, row in kept.items()
            if row["variant"] == variant and row["exposed_at"] + timedelta(days=12) <= plan.as_of
        }
        sales = [e for e in events if e["kind"] == "sale" and e["value"] is not None]
        inside = [
            (mine[e["learner"]][0], e["value"])
            for e in sales
            if e["learner"] in mine
            and timedelta(0) <= e["occurred_at"] - mine[e["learner"]][1] < timedelta(days=12)
        ]
        values, units = [value for _, value in inside], {unit for unit, _ in inside}
        found = collected.metrics["median"][variant]
        if not values:
            assert found.n == 0
            continue
        assert found.value == pytest.approx(np.median(values))
        assert found.n == len(units)
        assert found.counts.mean_of("values") * found.n == pytest.approx(len(values))


@pytest.mark.parametrize("share", [0.0, 1.0, 50.0])
def test_collect__quantile_that_is_no_share__says_so(tmp_path, share):
    metric = MetricPlan("m", "M", "quantile", "primary", event_kinds=("sale",), quantile=share)

    with pytest.raises(ValueError, match="metric m: quantile is"):
        collect(plan_of(metrics=(metric,)), write_lake(tmp_path))


def test_collect__repeated_exposures__count_once(tmp_path):
    lake = write_lake(
        tmp_path,
        exposures=[exposure("ada", "double", day(6 + hour / 24)) for hour in range(5)],
        events=[event("ada", "sale", day(7), 10.0)],
    )

    collected = collect(plan_of(), lake, NORMS)

    assert collected.n_exposed == {"control": 0, "double": 1}
    assert collected.metrics["sales"]["double"].n == 1
    assert collected.metrics["sales"]["double"].mean_of("outcome") == 10.0


def test_collect__an_exposure_before_the_start__is_not_counted(tmp_path):
    lake = write_lake(tmp_path, exposures=[exposure("ada", "double", day(4.999))])

    collected = collect(plan_of(), lake, NORMS)

    assert collected.n_exposed == {"control": 0, "double": 0}


def test_collect__the_window_ends_exactly_at_the_look__is_complete(tmp_path):
    lake = write_lake(tmp_path, exposures=[exposure("ada", "double", day(10))])
    one_us = timedelta(microseconds=1)

    at_the_end = collect(plan_of(as_of=day(24)), lake, NORMS)
    just_before = collect(plan_of(as_of=day(24) - one_us), lake, NORMS)

    assert at_the_end.n_mature["double"] == 1
    assert just_before.n_mature["double"] == 0


def test_collect__a_unit_met_two_variants__is_dropped_and_counted(tmp_path):
    met = [
        exposure("ada", "double", day(6)),
        exposure("ada", "control", day(7)),
        exposure("bo", "control", day(6)),
    ]

    collected = collect(plan_of(), write_lake(tmp_path, exposures=met), NORMS)

    assert collected.n_crossed == 1
    assert collected.n_exposed == {"control": 1, "double": 0}


def test_collect__a_learner_changed_team__stays_with_the_first(tmp_path):
    met = [
        exposure("ada", "double", day(6), unit="north"),
        exposure("ada", "control", day(8), unit="south"),
        exposure("bo", "control", day(6), unit="south"),
    ]

    collected = collect(plan_of("team"), write_lake(tmp_path, exposures=met), NORMS)

    assert collected.n_crossed == 0
    assert collected.n_learners == {"control": 1, "double": 1}


def test_collect__an_empty_lake__counts_nobody(tmp_path):
    collected = collect(plan_of(), write_lake(tmp_path), NORMS)

    assert collected.n_exposed == {"control": 0, "double": 0}
    assert collected.metrics["energize"]["control"].n == 0
    assert collected.trend == {}
    assert collected.latest_received_at is None


def test_collect__rows_that_came_late__are_the_latest_received(tmp_path):
    lake = write_lake(
        tmp_path,
        exposures=[exposure("ada", "double", day(6))],
        events=[
            event("ada", "sale", day(7), 1.0, received_at=day(30)),
            event("ada", "sale", day(50), 1.0, received_at=day(51)),
        ],
    )

    assert collect(plan_of(), lake, NORMS).latest_received_at == day(30)


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        (MetricPlan("x", "X", "median", "primary"), "metric kind: found 'median'"),
        (MetricPlan("x", "X", "count", "primary"), "metric x: event_kinds is empty"),
        (
            MetricPlan("x", "X", "count", "primary", event_kinds=("clicked",)),
            "metric x: event_kinds holds 'clicked'",
        ),
        (
            MetricPlan("x", "X", "ratio", "primary", event_kinds=("sale",)),
            "metric x: denominator_kinds is \\(\\), but kind ratio needs it",
        ),
        (
            MetricPlan(
                "x",
                "X",
                "rate",
                "primary",
                event_kinds=("sale",),
                denominator_kinds=("clicked",),
            ),
            "metric x: denominator_kinds holds 'clicked'",
        ),
        (MetricPlan("x", "X", "score", "primary", cap=50.0), "metric x: cap is 50"),
        (
            MetricPlan("x", "X", "count", "primary", event_kinds=("sale",), cap_quantile=99),
            "metric x: cap_quantile is 99, expected a share",
        ),
        (
            MetricPlan("x", "X", "sum", "primary", event_kinds=("sale",), floor=9, cap=9),
            "metric x: floor is 9, expected less than the cap, 9",
        ),
        (MetricPlan("x", "X", "retention", "primary", window_days=0), "window_days is 0"),
    ],
)
def test_collect__a_metric_it_cannot_compute__says_what_to_change(tmp_path, metric, message):
    with pytest.raises(ValueError, match=message):
        collect(plan_of(metrics=(metric,)), write_lake(tmp_path), NORMS)


def test_collect__a_score_without_norms__says_to_calibrate(tmp_path):
    with pytest.raises(ValueError, match="metric energize: kind score needs the score's norms"):
        collect(plan_of(), write_lake(tmp_path))
