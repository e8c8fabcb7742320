"""Pausing, what applies after a stop, previews: through the API, down to what SDKs decide."""

from datetime import timedelta

import pytest

from assignment import evaluate, parse_payload
from tests.experiment_server import official_sdk
from tests.experiment_server.experiments.test_experiments_api import EXPERIMENT
from tests.factories import NOW

URL = "/api/v1/environments/production/experiments"
LEARNERS = [f"learner-{number}" for number in range(600)]
RING = {"name": "onboarding", "low": 0.1, "high": 0.8}


@pytest.fixture
def do(client, editor):
    """Does something to the experiment; the answer's JSON."""

    def act(what, body=None, status=200):
        answer = client.post(f"{URL}/badge/{what}", json=body, headers=editor)
        assert answer.status_code == status, answer.text
        return answer.json

    return act


@pytest.fixture
def put(client, editor):
    def act(what, body, version, status=200):
        headers = {**editor, "If-Match": str(version)}
        answer = client.put(f"{URL}/badge/{what}", json=body, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json

    return act


@pytest.fixture
def define(client, editor):
    def make(**changes):
        answer = client.post(URL, json={**EXPERIMENT, **changes}, headers=editor)
        assert answer.status_code == 201, answer.text

    return make


@pytest.fixture
def decided(client, server_key):
    """What each learner gets, by our engine."""

    def ask(attributes=None, key="badge"):
        read = parse_payload(client.get("/api/v1/payload", headers=server_key).json)
        return [evaluate(read, key, {"id": unit, **(attributes or {})}) for unit in LEARNERS]

    return ask


@pytest.fixture
def elsewhere(client, keys):
    """What the official GrowthBook SDK gives each learner by a client's payload, and exposes."""
    client_key = keys.secret("client")

    def ask(attributes=None):
        features = client.get(f"/api/features/{client_key}").json["features"]
        learners = [{"id": unit, **(attributes or {})} for unit in LEARNERS]
        return official_sdk.ask(features, "badge", learners)

    return ask


def payloads(evaluations):
    return [each.value for each in evaluations]


def test_pause__everybody_gets_the_control_and_nobody_is_exposed(define, do, decided, elsewhere):
    define(forced={"learner-3": "badge"})
    do("start")

    paused = do("pause", {"reason": "the badge page is broken"})

    assert paused["state"] == "paused"
    assert paused["possible_actions"] == ["resume", "stop"]
    assert {(each.variant, each.reason, each.in_experiment) for each in decided()} == {
        ("control", "paused", False)
    }
    values, exposed = elsewhere()
    assert values == [{"badge": False}] * len(LEARNERS)
    assert exposed == set()


def test_resume__goes_on_with_the_same_phase_seed_and_buckets(define, do, decided):
    define(coverage=0.7)
    first = do("start")
    before = decided()
    do("pause", {"reason": "an outage"})
    resumed = do("resume")

    assert decided() == before
    assert resumed["state"] == "running"
    assert [phase["seed"] for phase in resumed["phases"]] == [
        phase["seed"] for phase in first["phases"]
    ]
    (pause,) = resumed["phases"][0]["pauses"]
    assert pause["reason"] == "an outage"
    assert pause["resumed_at"] >= pause["paused_at"]


def test_paused__keeps_its_part_of_the_namespace(define, do, client, editor):
    define(namespace=RING)
    do("start")
    do("pause")
    other = {**EXPERIMENT, "key": "other", "namespace": RING}
    assert client.post(URL, json=other, headers=editor).status_code == 201

    refused = client.post(f"{URL}/other/start", headers=editor)

    assert refused.status_code == 409
    assert "badge" in refused.json["detail"]


@pytest.mark.parametrize("what", ["pause", "resume"])
def test_pause__of_a_draft__is_409_and_says_what_is_possible(define, do, what):
    define()

    refused = do(what, status=409)

    assert "start" in refused["detail"]


def test_stop__without_a_word__reverts_everybody_to_the_control(define, do, decided, elsewhere):
    define()
    do("start")
    stopped = do("stop")

    assert stopped["after"] == {"rule": "revert", "variant": None}
    assert {(each.variant, each.value["badge"], each.reason) for each in decided()} == {
        ("control", False, "reverted")
    }
    assert elsewhere() == ([{"badge": False}] * len(LEARNERS), set())


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"coverage": 0.4, "namespace": RING, "condition": {"role": "seller"}},
        {"unit_kind": "team", "forced": {"t1": "badge"}},
    ],
    ids=["plain", "narrow", "team"],
)
def test_keep__every_unit_has_the_payload_that_it_had(define, do, decided, elsewhere, changes):
    define(**changes)
    do("start")
    attributes = {"role": "seller", "team": "t7"}
    before, (official_before, exposed_before) = decided(attributes), elsewhere(attributes)
    do("stop", {"after": {"rule": "keep"}})
    after = decided(attributes)

    assert payloads(after) == payloads(before)
    assert [each.variant for each in after] == [each.variant for each in before]
    assert not any(each.in_experiment for each in after)
    assert {each.reason for each in after} >= {"kept"}
    assert elsewhere(attributes) == (official_before, set())
    assert official_before == payloads(before)
    assert exposed_before == {n for n, each in enumerate(before) if each.in_experiment} != set()


def test_ship__everybody_has_the_variant_until_it_is_archived(define, do, decided, elsewhere):
    define(coverage=0.1, condition={"role": "seller"})
    do("start")
    do("stop", {"after": {"rule": "ship", "variant": "badge"}})

    assert {(each.variant, each.value["badge"], each.reason) for each in decided()} == {
        ("badge", True, "shipped")
    }
    assert elsewhere() == ([{"badge": True}] * len(LEARNERS), set())
    do("archive")
    assert {each.reason for each in decided()} == {"unknown_flag"}


def test_ship__a_variant_that_does_not_exist__is_422_and_names_those_that_do(define, do):
    define()
    do("start")

    refused = do("stop", {"after": {"rule": "ship", "variant": "bagde"}}, status=422)

    assert refused["errors"][0]["field"] == "after.variant"
    assert "badge" in refused["errors"][0]["expected"]


def test_after__of_a_stopped_experiment__can_change_with_the_current_version(
    define, do, put, decided
):
    define()
    do("start")
    version = do("stop")["version"]
    wish = {"rule": "ship", "variant": "badge"}

    assert put("after", wish, version)["after"] == wish
    assert {each.reason for each in decided()} == {"shipped"}
    put("after", wish, version, status=412)
    put("after", {"rule": "revert", "variant": "badge"}, version + 1, status=422)


def test_after__while_it_runs__is_409(define, do, put):
    define()
    version = do("start")["version"]

    put("after", {"rule": "keep"}, version, status=409)


def test_restart__forgets_what_applied_after_the_phase_before(define, do, decided):
    define()
    do("start")
    do("stop", {"after": {"rule": "ship", "variant": "badge"}})

    assert do("start")["after"] is None
    assert {each.reason for each in decided()} == {"split"}


def test_preview__of_a_draft__shows_it_to_them_and_to_nobody_else(
    define, put, decided, elsewhere, client, server_key
):
    define()
    put("previews", {"items": {"learner-1": "badge", "learner-2": "control"}}, 1)

    found = decided()
    assert [(each.variant, each.reason) for each in found[:4]] == [
        (None, "unknown_flag"),
        ("badge", "preview"),
        ("control", "preview"),
        (None, "unknown_flag"),
    ]
    assert not any(each.in_experiment for each in found)
    values, exposed = elsewhere()
    assert values[:4] == [None, {"badge": True}, {"badge": False}, None]
    assert set(map(str, values[3:])) == {"None"}
    assert exposed == set()


def test_preview__clients_read_no_learners_id(define, put, client, keys):
    define()
    put("previews", {"items": {"canary-learner": "badge"}}, 1)

    for_clients = client.get("/api/v1/payload", headers=keys.headers("client"))
    for_growthbook = client.get(f"/api/features/{keys.secret('client')}")

    for answer in (for_clients, for_growthbook):
        assert "badge" in answer.json["features"]
        assert "canary" not in answer.text


@pytest.mark.parametrize("after", ["running", "keep", "ship"])
def test_payload_of_a_client__says_the_same_as_a_servers(define, do, put, client, keys, after):
    define(forced={"learner-5": "control"}, namespace=RING)
    put("previews", {"items": {"learner-1": "badge", "learner-2": "control"}}, 1)
    do("start")
    if after != "running":
        variant = {"variant": "badge"} if after == "ship" else {}
        do("stop", {"after": {"rule": after, **variant}})

    told = []
    for kind in ("server", "client"):
        read = parse_payload(client.get("/api/v1/payload", headers=keys.headers(kind)).json)
        found = [evaluate(read, "badge", {"id": unit}) for unit in LEARNERS]
        told.append([(each.value, each.variant, each.reason) for each in found])

    assert told[0] == told[1]


def test_preview__while_it_runs__is_not_in_the_experiment(define, do, put, decided):
    define()
    version = do("start")["version"]
    before = decided()
    unit = next(n for n, each in enumerate(before) if each.variant == "control")
    put("previews", {"items": {LEARNERS[unit]: "badge"}}, version)

    after = decided()
    assert (after[unit].variant, after[unit].in_experiment) == ("badge", False)
    assert after[:unit] + after[unit + 1 :] != []
    assert payloads(after[:unit]) == payloads(before[:unit])


@pytest.mark.parametrize(
    ("items", "field"),
    [
        ({"learner-1": "bagde"}, "previews.learner-1"),
        ({f"learner-{number}": "badge" for number in range(51)}, "items"),
    ],
    ids=["unknown variant", "too many"],
)
def test_preview__that_does_not_fit__is_422(define, put, items, field):
    define()

    refused = put("previews", {"items": items}, 1, status=422)

    assert refused["errors"][0]["field"].replace("'", "") == field


def test_preview__of_an_older_version_or_a_stopped_experiment__is_refused(define, do, put):
    define()
    put("previews", {"items": {}}, 0, status=412)
    do("start")
    version = do("stop")["version"]
    put("previews", {"items": {}}, version, status=409)


def test_changes__each_is_in_the_audit_log(define, do, put, client, keys):
    define()
    put("previews", {"items": {"learner-1": "badge"}}, 1)
    for what in ("start", "pause", "resume", "stop"):
        version = do(what)["version"]
    put("after", {"rule": "keep"}, version)

    found = client.get("/api/v1/audit", headers=keys.manage("admin")).json["items"]

    told = {each["action"] for each in found}
    assert {f"experiment.{verb}" for verb in ("previews", "pause", "resume", "after")} <= told


@pytest.mark.parametrize("what", ["pause", "resume"])
def test_pause__needs_the_permission_to_run(define, client, keys, what):
    define()

    answer = client.post(f"{URL}/badge/{what}", headers=keys.manage("analyst"))

    assert answer.status_code == 403


def test_pause__the_looks_after_it_come_later_by_its_length(define, do, database):
    from experiment_server.experiments import changes, service
    from experiment_server.experiments.plans import look_times
    from experiment_server.readouts.looks import list_due
    from experiment_server.security.roles import SYSTEM

    define(schedule={"looks": 3, "first_after_days": 10, "every_days": 10})
    day = timedelta(days=1)
    with database.write() as session:
        experiment = service.load_experiment(session, _place(session), "badge")
        phase = service.start_experiment(session, SYSTEM, experiment, NOW)
        changes.pause_experiment(session, SYSTEM, experiment, "", NOW + 12 * day)
        while_paused = look_times(experiment, phase)
        due_while_paused = list_due(session, NOW + 40 * day)
        changes.resume_experiment(session, SYSTEM, experiment, NOW + 17 * day)
        resumed = look_times(experiment, phase)
        due = list_due(session, NOW + 12 * day)

    assert while_paused == [NOW + 10 * day]
    assert due_while_paused == []
    assert resumed == [NOW + 10 * day, NOW + 25 * day, NOW + 35 * day]
    assert [(each.look.number, each.look.final) for each in due] == [(1, False)]


def test_stop__while_paused__ends_the_pause_and_looks_where_it_stopped(define, database):
    from experiment_server.experiments import changes, service
    from experiment_server.experiments.pauses import read_pauses
    from experiment_server.readouts.looks import plan_looks
    from experiment_server.security.roles import SYSTEM

    define(schedule={"looks": 3, "first_after_days": 10, "every_days": 10})
    day = timedelta(days=1)
    with database.write() as session:
        experiment = service.load_experiment(session, _place(session), "badge")
        phase = service.start_experiment(session, SYSTEM, experiment, NOW)
        changes.pause_experiment(session, SYSTEM, experiment, "", NOW + 12 * day)
        service.stop_experiment(session, SYSTEM, experiment, "enough", NOW + 15 * day)
        looks = plan_looks(experiment, phase)
        (pause,) = read_pauses(phase.pauses)

    assert pause.resumed_at == NOW + 15 * day
    assert [(look.at, look.final) for look in looks] == [
        (NOW + 10 * day, False),
        (NOW + 15 * day, True),
    ]


def _place(session):
    from experiment_server.environments.service import load_environment

    return load_environment(session, "production").id
