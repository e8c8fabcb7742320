"""Each kind of metric through the server's own way: define, start, live through it, read out."""

import re
from datetime import timedelta
from html import unescape

import numpy as np
import pytest

from experiment_server import web
from experiment_server.app import create_app
from experiment_server.ingest.service import receive
from experiment_server.readouts import jobs
from experiment_server.schedule.run import run_jobs
from experiment_server.state import State
from tests.factories import Keys, make_environment, sign_in
from tests.lived import DAY, START, Clock

HTML = {"Accept": "text/html"}
KEY = "kinds"
BASE = "/api/v1/environments/production/experiments"
N_LEARNERS = 160
KINDS = {
    "ratio": {"event_kinds": ["sale"], "denominator_kinds": ["session_started"]},
    "rate": {"event_kinds": ["course_completed"], "denominator_kinds": ["session_started"]},
    "quantile": {"event_kinds": ["sale"], "quantile": 0.5},
    "time_to_event": {"event_kinds": ["sale"], "direction": "decrease"},
}
METHODS = {
    "ratio": "ratio",
    "rate": "ratio",
    "quantile": "quantile",
    "time_to_event": "survival",
}
UNITS = {"ratio": "EUR", "rate": "share", "quantile": "EUR", "time_to_event": "days"}


@pytest.fixture
def program(settings, database):
    state = State(settings=settings, database=database, clock=Clock(START + 20 * DAY))
    environment = make_environment(database)
    app = create_app(settings, database)
    app.extensions[web.EXTENSION] = state
    return state, environment, app.test_client(), Keys(environment, database)


SALES = {"kind": "sum", "event_kinds": ["sale"], "cap_quantile": 0.99, "floor": 0.0}


def define(client, keys, *, unit_kind="learner", allocation=(), first=""):
    """Every kind of metric in one experiment, which is then started."""
    editor = keys.manage("admin")
    for kind, values in KINDS.items():
        body = {"key": kind, "title": f"The {kind}", "kind": kind, "window_days": 7, **values}
        answer = client.post(
            "/api/v1/metrics", json={**body, "unit_label": UNITS[kind]}, headers=editor
        )
        assert answer.status_code == 201, answer.json
    body = {"key": "sales", "title": "Sales", "window_days": 7, **SALES}
    assert client.post("/api/v1/metrics", json=body, headers=editor).status_code == 201
    used = [kind for kind in KINDS if unit_kind == "learner" or kind != "time_to_event"]
    used = [first, *used] if first else used
    wish = {
        "key": KEY,
        "title": "Kinds",
        "domain": "incentive",
        "unit_kind": unit_kind,
        "variants": [{"key": "plain"}, {"key": "bonus"}],
        "metrics": [
            {"metric": kind, "role": "secondary" if at else "primary"}
            for at, kind in enumerate(used)
        ],
    }
    created = client.post(BASE, json=wish, headers=editor)
    assert created.status_code == 201, created.json
    version = created.json["version"]
    if allocation:
        answer = client.put(
            f"{BASE}/{KEY}/allocation",
            json={"items": list(allocation)},
            headers={**editor, "If-Match": f'"{version}"'},
        )
        assert answer.status_code == 200, answer.json
        version = answer.json["version"]
    begun = client.post(
        f"{BASE}/{KEY}/start",
        json={"started_at": (START - 2 * DAY).isoformat()},
        headers={**editor, "If-Match": f'"{version}"'},
    )
    assert begun.status_code == 200, begun.json


def life(rng, number, variant, unit=None):
    """A week of visits; with a bonus, sales come sooner, are larger, and more courses are done."""
    better = variant == "bonus"
    learner = f"learner-{number}"
    met_at = START + float(rng.uniform(0, 5)) * DAY
    team = {} if unit is None else {"unit": unit}
    yield {
        "type": "exposure",
        "id": f"x-{number}",
        "experiment": KEY,
        "variant": variant,
        "learner": learner,
        "at": met_at.isoformat(),
        **team,
    }

    def event(name, kind, after, value=None):
        at = met_at + timedelta(days=float(after))
        worth = {} if value is None else {"value": value}
        return {
            "type": "event",
            "id": f"{name}-{number}",
            "kind": kind,
            "learner": learner,
            "at": at.isoformat(),
            **worth,
        }

    for visit in range(1 + int(rng.poisson(3))):
        yield event(f"s{visit}", "session_started", rng.uniform(0, 7))
        if rng.random() < (0.6 if better else 0.2):
            yield event(f"c{visit}", "course_completed", rng.uniform(0, 7))
    for sale in range(2):
        soon = rng.uniform(0, 3) if better else rng.uniform(3, 7)
        yield event(f"v{sale}", "sale", soon, float(rng.gamma(9, 6 if better else 2)))


def live(state, environment, variant_of, unit_of=lambda _number: None):
    """Everybody's items, through the door that programs use."""
    rng = np.random.default_rng(3)
    items = []
    for n in range(N_LEARNERS):
        items += life(rng, n, variant_of(n), unit_of(n))
    now = START + 20 * DAY
    for first in range(0, len(items), 1_000):
        receipt = receive(
            state.database, environment.id, items[first : first + 1_000], now, may_describe=True
        )
        assert not receipt.refused, receipt.refused[0]


def read_out(client, keys):
    answer = client.post(
        f"{BASE}/{KEY}/readouts",
        json={"as_of": (START + 20 * DAY).isoformat()},
        headers=keys.manage("analyst"),
    )
    assert answer.status_code == 201, answer.json
    return answer.json


def by_metric(readout):
    return {metric["key"]: metric["estimates"][0] for metric in readout["readout"]["metrics"]}


def test_readout__of_every_kind__finds_what_was_done(program):
    state, environment, client, keys = program
    define(client, keys)
    live(state, environment, lambda n: ("plain", "bonus")[n % 2])

    read = read_out(client, keys)
    found = by_metric(read)

    assert {kind: each["method"] for kind, each in found.items()} == METHODS
    assert found["ratio"]["low"] > 0
    assert found["rate"]["low"] > 0
    assert found["rate"]["effect"] == pytest.approx(0.4, abs=0.2)
    assert found["quantile"]["effect"] == pytest.approx(34.7, abs=8)  # 52.0 and 17.3
    assert found["time_to_event"]["high"] < 0  # sooner, and so better
    assert found["time_to_event"]["posterior"]["p_better"] > 0.99
    plan = {metric["key"]: metric for metric in read["plan"]["metrics"]}
    assert plan["ratio"]["denominator_kinds"] == ["session_started"]
    assert plan["quantile"]["quantile"] == 0.5


def test_page__of_a_ratio_and_a_quantile__says_units_and_which_way_is_better(program, database):
    state, environment, client, keys = program
    define(client, keys)
    live(state, environment, lambda n: ("plain", "bonus")[n % 2])
    run_jobs(state, jobs.JOBS, state.clock())
    sign_in(client, database, "viewer")

    page = client.get(f"/experiments/production/{KEY}", headers=HTML)

    assert page.status_code == 200
    for kind, unit in UNITS.items():
        card = page.text.split(f"<h3>The {kind}</h3>")[1].split("</article>")[0]
        verb = "lowered" if kind == "time_to_event" else "raised"
        assert f"{verb} it by" in card
        assert f" {unit} against" in card
    assert not re.search(r"\bnan\b", page.text, re.IGNORECASE)
    assert "of the control's quantile" in unescape(page.text)
    assert "of the control's ratio" in unescape(page.text)


def test_readout__of_a_listed_experiment__is_stratified(program):
    state, environment, client, keys = program
    arms = [("plain", "bonus")[n // 2 % 2] for n in range(N_LEARNERS)]
    listed = [
        {"unit": f"learner-{n}", "variant": arms[n], "stratum": f"role={n % 2}"}
        for n in range(N_LEARNERS)
    ]
    define(client, keys, allocation=listed, first="sales")
    live(state, environment, arms.__getitem__)

    read = read_out(client, keys)

    assert read["plan"]["strata"] == ["stratum"]
    assert by_metric(read)["sales"]["method"] == "stratified"
    assert by_metric(read)["sales"]["low"] > 0
    assert by_metric(read)["quantile"]["method"] == "quantile"


def test_readout__of_teams__has_ratios_and_quantiles_by_team(program):
    state, environment, client, keys = program
    define(client, keys, unit_kind="team")
    live(
        state,
        environment,
        lambda n: ("plain", "bonus")[n % 20 % 2],
        lambda n: f"team-{n % 20}",
    )

    found = by_metric(read_out(client, keys))

    assert {kind: each["n"] for kind, each in found.items()} == dict.fromkeys(found, 10)
    assert all(each["effect"] > 0 and each["p_value"] < 0.001 for each in found.values())
