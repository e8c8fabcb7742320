"""Designs over the API: defining, listing units, running, and what every SDK then decides."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from analysis.lake.reader import Lake
from assignment import evaluate, parse_payload
from assignment.blocks import assign_in_blocks, balance_of
from experiment_server.delivery import held
from experiment_server.delivery.service import PayloadCache
from experiment_server.environments.service import load_environment
from experiment_server.experiments.plans import design_structure
from experiment_server.experiments.service import load_experiment, load_phase
from experiment_server.ingest.sealing import lake_root, seal_all
from tests.contracts.peers import ask_ours, ask_python
from tests.experiment_server.experiments.test_experiments_api import EXPERIMENT, URL

MINE = f"{URL}/badge"
LEARNERS = [f"learner-{number}" for number in range(300)]
FACTORS = [
    {
        "key": "incentive",
        "levels": [{"key": "none", "payload": 0}, {"key": "bonus", "payload": 5, "weight": 3}],
    },
    {"key": "rhythm", "levels": [{"key": "daily"}, {"key": "weekly", "payload": "w"}]},
]
TREATMENTS = [
    {"key": "text", "payload": {"first": "text"}},
    {"key": "video", "payload": {"first": "video"}},
]
CROSSOVER = {"order": "counterbalanced", "period_days": 28}


@pytest.fixture
def client_key(keys):
    return keys.secret("client")


@pytest.fixture
def clock(app):
    """The delivery's clock: a list whose one member tests replace."""
    time = [datetime(2026, 1, 5, tzinfo=UTC)]
    app.extensions[held.PAYLOADS] = PayloadCache(now=lambda: time[0])
    return time


def define(client, editor, **changes):
    answer = client.post(URL, json={**EXPERIMENT, **changes}, headers=editor)
    assert answer.status_code == 201, answer.text
    return answer.json


def start(client, editor, at=None):
    answer = client.post(f"{MINE}/start", json=at and {"started_at": at}, headers=editor)
    assert answer.status_code == 200, answer.text
    return answer.json


def put_list(client, editor, items, version=1):
    headers = {**editor, "If-Match": str(version)}
    return client.put(f"{MINE}/allocation", json={"items": items}, headers=headers)


def payload(client, server_key):
    return client.get("/api/v1/payload", headers=server_key).json


def listing(units=LEARNERS, weights=None):
    """A stratified list of these units, and what it says of each."""
    strata = {
        unit: (("role", "seller" if number % 3 else "coach"),) for number, unit in enumerate(units)
    }
    lists = assign_in_blocks(strata, weights or {"control": 1, "badge": 3}, "spring")
    items = [{"unit": one.unit, "variant": one.variant, "stratum": one.stratum} for one in lists]
    return items, lists


# --- factorial


def test_factorial__started__gives_each_learner_a_level_of_each_factor(client, editor, server_key):
    made = define(client, editor, variants=[], factors=FACTORS)
    start(client, editor)
    sent = payload(client, server_key)

    read = parse_payload(sent)
    answers = [evaluate(read, "badge", {"id": learner}) for learner in LEARNERS]

    assert [variant["key"] for variant in made["variants"]] == [
        "none:daily",
        "none:weekly",
        "bonus:daily",
        "bonus:weekly",
    ]
    assert answers[0].value["incentive"] == (5 if "bonus" in answers[0].variant else 0)
    both = Counter(tuple(answer.variant.split(":")) for answer in answers)
    assert len(both) == 4
    # Independent: among the weekly as many have the bonus as among the daily (3 of 4).
    for rhythm in ("daily", "weekly"):
        n = both["bonus", rhythm] + both["none", rhythm]
        assert abs(both["bonus", rhythm] / n - 0.75) < 4 * (0.75 * 0.25 / n) ** 0.5
    asks = [("badge", {"id": learner}) for learner in LEARNERS]
    assert ask_python(sent, asks) == ask_ours(read, asks)


def test_factorial__and_crossover_at_once__is_refused(client, editor):
    changes = {"factors": FACTORS, "variants": [], "crossover": CROSSOVER}
    answer = client.post(URL, json={**EXPERIMENT, **changes}, headers=editor)

    assert answer.status_code == 422
    assert "crossover" in [error["field"] for error in answer.json["errors"]]


def test_factorial__stopped_and_shipped__gives_everybody_one_cell(client, editor, server_key):
    define(client, editor, variants=[], factors=FACTORS)
    start(client, editor)
    after = {"rule": "ship", "variant": "bonus:weekly"}
    answer = client.post(f"{MINE}/stop", json={"after": after}, headers=editor)

    read = parse_payload(payload(client, server_key))

    assert answer.status_code == 200, answer.text
    assert evaluate(read, "badge", {"id": "ann"}).value == {"incentive": 5, "rhythm": "w"}


# --- crossover


def test_crossover__at_each_boundary__moves_everybody_on_and_is_news(
    client, editor, server_key, clock
):
    define(client, editor, variants=TREATMENTS, crossover=CROSSOVER)
    begun = datetime.fromisoformat(start(client, editor)["phases"][0]["started_at"])
    seen, etags, dates = [], set(), []
    asks = [("badge", {"id": learner}) for learner in LEARNERS]
    for days in (0, 27, 28, 55, 56):
        clock[0] = begun + timedelta(days=days)
        answer = client.get("/api/v1/payload", headers=server_key)
        read = parse_payload(answer.json)
        seen.append([evaluate(read, "badge", {"id": learner}) for learner in LEARNERS])
        etags.add(answer.headers["ETag"])
        dates.append(answer.json["dateUpdated"])
        assert ask_python(answer.json, asks) == ask_ours(read, asks)

    first, still, second, last, over = seen
    assert [one.variant for one in first] == [one.variant for one in still]
    assert {one.variant for one in first} == {"order-1/1", "order-2/1"}
    for before, after in zip(first, second, strict=True):
        assert after.variant == before.variant[:-1] + "2"
        assert {before.value["first"], after.value["first"]} == {"text", "video"}
        assert after.in_experiment
    assert [one.variant for one in second] == [one.variant for one in last]
    assert {(one.variant, one.in_experiment, one.value["first"]) for one in over} == {
        ("text", False, "text")
    }
    assert len(etags) == 3
    assert dates[0] == dates[1] < dates[2] == dates[3] < dates[4]


def test_crossover__two_servers__turn_at_the_same_moment_without_a_job(
    client, app, database, editor
):
    define(client, editor, variants=TREATMENTS, crossover=CROSSOVER)
    start(client, editor, "2026-01-05T00:00:00Z")
    time = [datetime(2026, 2, 1, 23, 59, 59, tzinfo=UTC)]
    servers = [PayloadCache(now=lambda: time[0]) for _ in range(2)]

    before = [server.current(database, 1) for server in servers]
    time[0] += timedelta(seconds=1)
    after = [server.current(database, 1) for server in servers]

    for editions in (before, after):
        assert editions[0]["servers"].etag == editions[1]["servers"].etag
    assert before[0].token != after[0].token
    assert before[0]["servers"].etag != after[0]["servers"].etag
    assert before[0].version == after[0].version
    assert servers[0].current(database, 1) is after[0]


def test_crossover__remembering_sdk__does_not_keep_the_first_period(client, editor, server_key):
    define(client, editor, variants=TREATMENTS, crossover=CROSSOVER)
    start(client, editor)

    (rule,) = payload(client, server_key)["features"]["badge"]["rules"]

    assert rule["disableStickyBucketing"] is True


def test_crossover__exposures__are_taken_for_every_period(client, editor, server_key):
    define(client, editor, variants=TREATMENTS, crossover=CROSSOVER)
    start(client, editor, "2026-01-05T00:00:00Z")
    exposure = {
        "type": "exposure",
        "experiment": "badge",
        "learner": "ann",
        "at": "2026-02-03T09:00:00Z",
    }
    items = [
        {**exposure, "id": str(number), "variant": variant}
        for number, variant in enumerate(("order-1/1", "order-1/2", "text"))
    ]

    answer = client.post("/api/v1/events", json={"items": items}, headers=server_key)

    assert answer.json["accepted"] == 2
    assert [refused["field"] for refused in answer.json["refused"]] == ["variant"]


def test_crossover__forced_and_shipped__take_a_treatment(client, editor, server_key):
    define(client, editor, variants=TREATMENTS, crossover=CROSSOVER, forced={"ann": "video"})
    start(client, editor)
    forced = evaluate(parse_payload(payload(client, server_key)), "badge", {"id": "ann"})
    after = {"after": {"rule": "ship", "variant": "video"}}
    stopped = client.post(f"{MINE}/stop", json=after, headers=editor)
    shipped = evaluate(parse_payload(payload(client, server_key)), "badge", {"id": "bob"})

    assert stopped.status_code == 200, stopped.text
    assert (forced.value, forced.reason) == ({"first": "video"}, "forced")
    assert shipped.value == {"first": "video"}


def test_crossover__readout__compares_within_units_and_is_due_at_the_end(
    client, keys, editor, database
):
    define(client, editor, variants=TREATMENTS, crossover=CROSSOVER)
    started = start(client, editor, "2026-01-05T00:00:00Z")

    answer = client.post(f"{MINE}/readouts", json={}, headers=keys.manage("admin"))

    days = 2 * CROSSOVER["period_days"]
    end = datetime(2026, 1, 5, tzinfo=UTC) + timedelta(days=days)
    assert [datetime.fromisoformat(at) for at in started["phases"][0]["look_times"]] == [end]
    assert answer.status_code == 201, answer.text
    assert list(answer.json["readout"]["n_exposed"]) == ["text", "video"]
    with database.read() as session:
        experiment = load_experiment(session, 1, "badge")
        structure = design_structure(load_phase(session, experiment))
    assert structure["orders"] == {"order-1": ["text", "video"], "order-2": ["video", "text"]}


# --- stratified lists


def test_list__in_force__decides_for_its_units_and_counts_them(client, editor, server_key):
    items, lists = listing()
    define(client, editor, coverage=0.5)
    stored = put_list(client, editor, items)
    start(client, editor)
    sent = payload(client, server_key)
    read = parse_payload(sent)

    answers = {learner: evaluate(read, "badge", {"id": learner}) for learner in LEARNERS}

    assert stored.status_code == 200, stored.text
    assert stored.json["allocation"] == {
        "revision": 1,
        "n_units": 300,
        "counts": {"control": 75, "badge": 225},
        "strata": 2,
    }
    assert all(answers[one.unit].variant == one.variant for one in lists)
    assert all(answer.in_experiment for answer in answers.values())
    asks = [("badge", {"id": f"learner-{number}"}) for number in range(600)]
    assert ask_python(sent, asks) == ask_ours(read, asks)
    balance = balance_of(lists, {"control": 1, "badge": 3})
    assert all(row.largest_gap <= 3 for row in balance)


def test_list__with_a_coverage_of_0__has_all_who_take_part(client, editor, server_key):
    items, lists = listing(LEARNERS[:20])
    define(client, editor, coverage=0)
    put_list(client, editor, items)
    start(client, editor)
    sent = payload(client, server_key)

    asks = [("badge", {"id": learner}) for learner in LEARNERS]
    expected = {one.unit: one.variant for one in lists}
    for answers in (ask_ours(parse_payload(sent), asks), ask_python(sent, asks)):
        assert [one.variant for one in answers] == [expected.get(one) for one in LEARNERS]


def test_list__for_clients__decides_the_same_and_names_nobody(
    client, editor, server_key, client_key
):
    items, _ = listing(["4711", *(f"canary-{number}" for number in range(700))])
    define(client, editor, condition={"role": "seller"})
    put_list(client, editor, items)
    start(client, editor)
    whole, shown = payload(client, server_key), client.get(f"/api/features/{client_key}").json
    asks = [
        ("badge", {"id": unit, "role": "seller"})
        for unit in ["4711", *(f"canary-{number}" for number in range(-700, 900))]
    ]

    told = ask_python(shown, asks)

    assert told == ask_ours(parse_payload(whole), asks) == ask_ours(parse_payload(shown), asks)
    assert {one.variant for one in told} == {"control", "badge"}
    assert "canary" not in json.dumps(shown)
    assert '"4711"' not in json.dumps(shown)
    assert shown["savedGroups"] == {}


def test_list__of_teams__decides_for_whole_teams(client, editor, server_key, client_key):
    teams = [f"team-{number}" for number in range(40)]
    items, lists = listing(teams, {"control": 1, "badge": 1})
    define(client, editor, unit_kind="team", variants=[{"key": "control"}, {"key": "badge"}])
    put_list(client, editor, items)
    start(client, editor)
    asks = [("badge", {"id": "ann", "team": team}) for team in teams]
    whole = payload(client, server_key)
    shown = client.get(f"/api/features/{client_key}").json

    expected = {one.unit: one.variant for one in lists}
    assert [one.variant for one in ask_ours(parse_payload(whole), asks)] == [
        expected[team] for team in teams
    ]
    assert ask_python(shown, asks) == ask_python(whole, asks)
    assert "team-7" not in json.dumps(shown)


def test_list__of_a_crossover__gives_orders(client, editor, server_key, clock):
    define(client, editor, variants=TREATMENTS, crossover=CROSSOVER)
    put_list(client, editor, [{"unit": "ann", "variant": "order-2"}])
    start(client, editor, "2026-01-05T00:00:00Z")

    met = []
    for days in (0, 28, 56):
        clock[0] = datetime(2026, 1, 5, tzinfo=UTC) + timedelta(days=days)
        answer = evaluate(parse_payload(payload(client, server_key)), "badge", {"id": "ann"})
        met.append((answer.variant, answer.in_experiment))

    assert met == [("order-2/1", True), ("order-2/2", True), ("text", False)]


@pytest.mark.parametrize(
    ("items", "field"),
    [
        ([{"unit": "ann", "variant": "nothing"}], "items[0].variant"),
        ([{"unit": "ann", "variant": "badge"}] * 2, "items[1].unit"),
        ([{"unit": "", "variant": "badge"}], "items[0].unit"),
        ([{"unit": "a\u0007b", "variant": "badge"}], "items[0].unit"),
        ([{"unit": "ann"}], "items[0].variant"),
        ([], "items"),
    ],
)
def test_list__that_does_not_fit__names_the_entry(client, editor, items, field):
    define(client, editor)

    answer = put_list(client, editor, items)

    assert answer.status_code == 422
    assert field in [error["field"] for error in answer.json["errors"]]


def test_list__outside_the_namespace__is_refused_and_says_whom(client, editor):
    define(client, editor, namespace={"name": "home", "low": 0, "high": 0.5})
    items, _ = listing()

    answer = put_list(client, editor, items)

    assert answer.status_code == 422
    assert "'learner-" in answer.json["errors"][0]["found"]


def test_list__while_it_runs_or_of_an_old_version__is_refused(client, editor):
    define(client, editor)
    items, _ = listing()
    stale = put_list(client, editor, items, version=7)
    start(client, editor)
    running = put_list(client, editor, items, version=2)

    assert (stale.status_code, running.status_code) == (412, 409)


def test_list__replaced_or_deleted__leaves_no_rows_but_those_of_phases(client, editor, database):
    items, _ = listing()
    define(client, editor)
    put_list(client, editor, items)
    put_list(client, editor, items[:10], version=2)
    first = client.get(f"{MINE}/allocation", headers=editor).json["items"]
    start(client, editor)
    client.post(f"{MINE}/stop", headers=editor)
    version = client.get(MINE, headers=editor).json["version"]
    headers = {**editor, "If-Match": str(version)}
    cleared = client.delete(f"{MINE}/allocation", headers=headers)

    from sqlmodel import select

    from experiment_server.experiments.models import ListedUnit

    with database.read() as session:
        rows = session.exec(select(ListedUnit.revision)).all()
    assert first == sorted(items[:10], key=lambda item: item["unit"])
    assert cleared.json["allocation"] is None
    assert client.get(f"{MINE}/allocation", headers=editor).json["items"] == []
    assert rows == [2] * 10


def test_list__that_a_new_design_does_not_fit__keeps_the_design(client, editor):
    define(client, editor)
    put_list(client, editor, [{"unit": "ann", "variant": "badge"}])
    body = {name: value for name, value in EXPERIMENT.items() if name != "key"}
    variants = [{"key": "control"}, {"key": "stars"}]
    headers = {**editor, "If-Match": "2"}

    answer = client.put(MINE, json={**body, "variants": variants}, headers=headers)

    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == "allocation"


def test_list__kept_after_a_stop__still_decides(client, editor, server_key, client_key):
    items, lists = listing(LEARNERS[:40])
    define(client, editor)
    put_list(client, editor, items)
    start(client, editor)
    client.post(f"{MINE}/stop", json={"after": {"rule": "keep"}}, headers=editor)

    asks = [("badge", {"id": one.unit}) for one in lists]
    expected = [{"badge": one.variant == "badge"} for one in lists]
    for sent in (payload(client, server_key), client.get(f"/api/features/{client_key}").json):
        assert [one.value for one in ask_python(sent, asks)] == expected
        assert [one.variant for one in ask_python(sent, asks)] == [None] * 40


def test_list__exposure_of_a_listed_unit__reaches_the_lake_with_its_stratum(
    client, editor, server_key, database, settings
):
    define(client, editor)
    put_list(client, editor, [{"unit": "ann", "variant": "badge", "stratum": "role=coach"}])
    start(client, editor, "2026-01-05T00:00:00Z")
    exposure = {"type": "exposure", "experiment": "badge", "at": "2026-02-03T09:00:00Z"}
    items = [
        {**exposure, "id": unit, "learner": unit, "variant": "badge"} for unit in ("ann", "bob")
    ]
    sent = client.post("/api/v1/events", json={"items": items}, headers=server_key)
    with database.read() as session:
        environment = load_environment(session, "production")
    root = lake_root(settings.lake_dir, environment)
    seal_all(database, environment, root)

    rows = Lake.open(root).table("exposures").order_by("event_id").to_pyarrow().to_pylist()
    assert sent.json["accepted"] == 2
    assert [row["stratum"] for row in rows] == ["role=coach", None]


HOLDOUT = {"key": "q1", "title": "Nobody's quarter", "share": 0.3}


def test_list__exposure_of_a_unit_that_is_no_text__refuses_that_one_alone(
    client, editor, server_key
):
    define(client, editor)
    put_list(client, editor, [{"unit": "u" * 256, "variant": "badge", "stratum": "role=coach"}])
    start(client, editor, "2026-01-05T00:00:00Z")
    at = "2026-02-03T09:00:00Z"
    met = {"type": "exposure", "experiment": "badge", "variant": "badge", "at": at}
    items = [
        {**met, "id": "x-1", "learner": "u" * 256},
        {**met, "id": "x-2", "learner": ["ann"]},
        {**met, "id": "x-3", "learner": "\ud800"},
        {**met, "id": "x-4", "learner": "ann", "experiment": "badge\ud800"},
    ]

    answer = client.post(
        "/api/v1/events",
        data=json.dumps({"items": items}),
        content_type="application/json",
        headers=server_key,
    )

    assert answer.status_code == 202
    assert answer.json["accepted"] == 1
    fields = [(one["index"], one["field"]) for one in answer.json["refused"]]
    assert fields == [(1, "learner"), (2, "learner"), (3, "experiment")]


def test_list__of_learners_some_of_whom_are_held_out__leaves_those_out(client, editor, server_key):
    items, lists = listing()
    client.post("/api/v1/environments/production/holdouts", json=HOLDOUT, headers=editor)
    define(client, editor)
    put_list(client, editor, items)
    start(client, editor)
    sent = payload(client, server_key)
    read = parse_payload(sent)

    answers = {one.unit: evaluate(read, "badge", {"id": one.unit}) for one in lists}

    out = [unit for unit, answer in answers.items() if answer.reason == "held_out"]
    assert 50 < len(out) < 130
    for one in lists:
        if one.unit not in out:
            assert (answers[one.unit].variant, answers[one.unit].in_experiment) == (
                one.variant,
                True,
            )
    asks = [("badge", {"id": learner}) for learner in LEARNERS]
    assert ask_python(sent, asks) == ask_ours(read, asks)


def test_list__and_crossover__are_refused_where_a_holdout_is_measured(client, editor):
    client.post("/api/v1/environments/production/holdouts", json=HOLDOUT, headers=editor)
    define(client, editor)
    put_list(client, editor, [{"unit": "ann", "variant": "badge"}])
    body = {name: value for name, value in EXPERIMENT.items() if name != "key"}
    measuring = {**body, "holdout_key": "q1"}

    headers = {**editor, "If-Match": "2"}
    listed = client.put(MINE, json=measuring, headers=headers)
    crossed = client.post(
        URL, json={**measuring, "key": "two", "crossover": CROSSOVER}, headers=editor
    )

    assert (listed.status_code, crossed.status_code) == (422, 422)
    assert listed.json["errors"][0]["field"] == "allocation"
    assert "crossover" in [error["field"] for error in crossed.json["errors"]]


# --- namespaces


def test_namespaces__list__says_what_is_free_and_what_cannot_run_together(client, editor):
    for key, low, high in (("badge", 0, 0.5), ("two", 0.4, 0.6), ("three", 0.75, 1)):
        define(client, editor, key=key, namespace={"name": "home", "low": low, "high": high})
    start(client, editor)
    client.post(f"{URL}/three/start", headers=editor)

    answer = client.get("/api/v1/environments/production/namespaces", headers=editor)
    refused = client.post(f"{URL}/two/start", headers=editor)

    (home,) = answer.json["items"]
    assert home["free"] == [[0.5, 0.75]]
    assert home["overlaps"] == [["badge", "two"]]
    assert [one["experiment"] for one in home["experiments"]] == ["badge", "two", "three"]
    assert refused.status_code == 409
    assert "Free: 0.5 to 0.75." in refused.json["detail"]
