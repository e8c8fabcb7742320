"""A bandit from end to end: batches turn once, shares follow the evidence, inference holds."""

from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest

from analysis.plan import AnalysisPlan
from experiment_server.app import create_app
from experiment_server.bandits import jobs
from experiment_server.experiments import allocations, changes, service
from experiment_server.experiments.bandit import batches_of
from experiment_server.ingest.service import receive
from experiment_server.metrics import service as metrics
from experiment_server.problems import Problem
from experiment_server.readouts import jobs as readouts_jobs
from experiment_server.readouts.read import read_by_hand
from experiment_server.readouts.service import to_readout
from experiment_server.schedule.run import run_jobs
from experiment_server.security.roles import SYSTEM
from experiment_server.state import State
from tests.factories import Keys, make_environment, sign_in
from tests.lived import DAY, START, Clock

RATES = {"plain": 1.0, "warm": 1.0, "bold": 2.0}
WISH = {
    "key": "nudge",
    "title": "Monday nudge",
    "hypothesis": "",
    "domain": "messaging",
    "unit_kind": "learner",
    "variants": [{"key": key, "title": "", "weight": 1, "payload": key} for key in RATES],
    "coverage": 1.0,
    "condition": {},
    "namespace": None,
    "forced": {},
    "metrics": [{"metric": "opened", "role": "primary", "minimum_effect": 0.3}],
    "analysis": {},
    "schedule": {"bandit": {"every_days": 4, "floor": 0.1, "leader_share": 0.8}},
}
METRIC = {
    "title": "Opened",
    "description": "",
    "kind": "count",
    "event_kinds": ["message_opened"],
    "direction": "increase",
    "window_days": 2,
    "minimum_effect": 0.3,
    "cap": None,
    "unit_label": "messages",
}


class World:
    """A server with a running bandit, and learners who meet its messages."""

    def __init__(self, settings, database):
        self.clock = Clock(START)
        self.state = State(settings=settings, database=database, clock=self.clock)
        self.environment = make_environment(database)
        self.rng = np.random.default_rng(11)
        self.n = 0
        with database.write() as session:
            metrics.create_metric(session, SYSTEM, "opened", METRIC, START)
            made = service.create_experiment(session, SYSTEM, self.environment, WISH, START)
            service.start_experiment(session, SYSTEM, made, START)

    def look_up(self):
        with self.state.database.read() as session:
            experiment = service.load_experiment(session, self.environment.id, "nudge")
            return experiment, service.list_phases(session, experiment)

    @property
    def phase(self):
        return self.look_up()[1][-1]

    @property
    def shares(self):
        return {each["key"]: each["weight"] for each in self.phase.design["variants"]}

    def live(self, n=240):
        """Learners who meet the current batch's messages, by its shares, in its first half."""
        began, items = self.phase.started_at, []
        shares = self.shares
        for variant in self.rng.choice(list(shares), size=n, p=list(shares.values())):
            self.n += 1
            met_at = began + float(self.rng.uniform(0, 1.9)) * DAY
            learner = f"l-{self.n}"
            at = {"learner": learner, "at": met_at.isoformat()}
            about = {"experiment": "nudge", "variant": str(variant)}
            items.append({"type": "exposure", "id": f"x-{self.n}", **about, **at})
            for k in range(int(self.rng.poisson(RATES[str(variant)]))):
                when = met_at + float(self.rng.uniform(0, 2)) * DAY
                event = {"type": "event", "id": f"e-{self.n}-{k}", "kind": "message_opened"}
                items.append({**event, "learner": learner, "at": when.isoformat()})
        self.clock.now = began + 4 * DAY
        for first in range(0, len(items), 1_000):
            part = items[first : first + 1_000]
            receipt = receive(
                self.state.database, self.environment.id, part, self.clock(), may_describe=True
            )
            assert not receipt.refused

    def turn(self):
        return run_jobs(self.state, jobs.JOBS, self.clock())


def run_looks(state, now):
    """The looks among what the readouts' jobs did; their roll-ups are made ready before."""
    return [run for run in run_jobs(state, readouts_jobs.JOBS, now) if run.job == "look"]


@pytest.fixture
def world(settings, database):
    return World(settings, database)


@pytest.fixture
def after_three(world):
    for _ in range(3):
        world.live()
        world.turn()
    return world


def test_bandit__better_variant__gets_more_and_nobody_less_than_the_floor(after_three):
    shares = after_three.shares

    assert shares["bold"] > 0.6
    assert min(shares.values()) >= 0.1 - 1e-9
    assert sum(shares.values()) == pytest.approx(1)


def test_bandit__each_batch__hashes_anew_and_knows_those_before(after_three):
    _, phases = after_three.look_up()

    assert [phase.seed for phase in phases] == [f"nudge:{n}" for n in (1, 2, 3, 4)]
    batches = batches_of(phases[-1])
    assert [batch.started_at for batch in batches] == [START + n * 4 * DAY for n in range(4)]
    assert batches[0].shares == pytest.approx((1 / 3, 1 / 3, 1 / 3))
    for earlier, later in pairwise(batches):
        assert earlier.ended_at == later.started_at


def test_bandit__payload__carries_the_new_shares(after_three, settings, database):
    client = create_app(settings, database).test_client()
    headers = Keys(after_three.environment, database).headers("server")

    payload = client.get("/api/v1/payload", headers=headers).json

    (rule,) = payload["features"]["nudge"]["rules"]
    assert rule["weights"] == pytest.approx(list(after_three.shares.values()))
    assert rule["seed"] == "nudge:4"


def test_bandit__same_slot_twice__turns_once(world):
    world.live()
    world.turn()

    assert world.turn() == []
    assert len(world.look_up()[1]) == 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_bandit__before_the_batch_is_over__stays(world):
    world.live()
    world.clock.now = START + 4 * DAY - timedelta(seconds=1)

    assert world.turn() == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_bandit__nobody_came__keeps_its_shares(world):
    world.clock.now = START + 4 * DAY
    world.turn()

    assert len(world.look_up()[1]) == 2
    assert list(world.shares.values()) == pytest.approx([1 / 3] * 3)


def test_bandit__server_was_down__begins_the_next_batch_when_it_is_back(world):
    world.live()
    world.clock.now = START + 11 * DAY
    world.turn()

    _, phases = world.look_up()
    assert [phase.started_at for phase in phases] == [START, START + 11 * DAY]
    assert phases[0].stopped_at == START + 11 * DAY


def test_bandit__paused__turns_later_by_the_pause(world):
    experiment, _ = world.look_up()
    with world.state.database.write() as session:
        row = service.load_experiment(session, world.environment.id, experiment.key)
        changes.pause_experiment(session, SYSTEM, row, "", START + DAY)
    world.clock.now = START + 5 * DAY
    assert world.turn() == []
    with world.state.database.write() as session:
        row = service.load_experiment(session, world.environment.id, experiment.key)
        changes.resume_experiment(session, SYSTEM, row, START + 3 * DAY)
    assert world.turn() == []

    world.clock.now = START + 6 * DAY

    assert [run.outcome for run in world.turn()] == ["done"]


def test_readout__of_a_bandit__is_batched_and_covers_the_truth(after_three):
    after_three.live()
    row = read_by_hand(after_three.state, after_three.environment, "nudge", after_three.clock())

    found = to_readout(row)
    warm, bold = found.primary.estimates
    assert (warm.method, bold.method) == ("batched", "batched")
    assert bold.low <= 1.0 <= bold.high
    assert warm.low <= 0.0 <= warm.high
    assert bold.effect > 0.5
    assert sum(found.n_exposed.values()) == 4 * 240
    ratio = next(check for check in found.checks if check.name == "sample_ratio")
    assert ratio.passed
    assert len(AnalysisPlan.from_json(row.plan).batches) == 4


def test_readout__bandit_that_is_stopped__is_read_once_over_all_batches(after_three):
    after_three.live()
    with after_three.state.database.write() as session:
        row = service.load_experiment(session, after_three.environment.id, "nudge")
        service.stop_experiment(session, SYSTEM, row, "", after_three.clock())

    looks = run_looks(after_three.state, after_three.clock() + DAY)

    assert [look.outcome for look in looks] == ["done"]
    assert after_three.turn() == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_page__of_a_bandit__shows_the_shares_of_each_batch(after_three, settings, database):
    client = create_app(settings, database).test_client()
    sign_in(client, database, "viewer")

    text = client.get("/experiments/production/nudge").text

    assert "Shares by batch" in text
    assert text.count('<tr><th scope="row">Batch ') == 4


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"schedule": {"bandit": {"every_days": 1}}}, "metrics[0].metric"),
        ({"schedule": {"bandit": {"every_days": 4, "floor": 0.4}}}, "schedule.bandit.floor"),
        ({"schedule": {"looks": 3, "bandit": {"every_days": 4}}}, "schedule.looks"),
        ({"schedule": {"bandit": {"every_days": 0}}}, "schedule.bandit.every_days"),
        ({"unit_kind": "team"}, "unit_kind"),
    ],
)
def test_definition__that_no_bandit_can_be__names_the_field(
    world, settings, database, change, field
):
    client = create_app(settings, database).test_client()
    keys = Keys(world.environment, database)
    body = {**WISH, "key": "other", **change}

    answer = client.post(
        "/api/v1/environments/production/experiments", json=body, headers=keys.manage("editor")
    )

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == [field]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_bandit__its_look_is_due__moves_no_more_and_is_read_once(world):
    world.live()
    world.clock.now = START + 50 * DAY

    world.turn()
    looks = run_looks(world.state, world.clock())

    assert len(world.look_up()[1]) == 1
    assert [(look.outcome, look.slot_at) for look in looks] == [("done", START + 40 * DAY)]


def test_bandit__and_a_list__refuse_each_other(database):
    environment = make_environment(database)
    item = [{"unit": "ann", "variant": "bold", "stratum": ""}]
    without = {**WISH, "key": "plain-nudge", "schedule": {}}
    with database.write() as session:
        metrics.create_metric(session, SYSTEM, "opened", METRIC, START)
        bandit = service.create_experiment(session, SYSTEM, environment, WISH, START)
        plain = service.create_experiment(session, SYSTEM, environment, without, START)
        allocations.set_allocation(session, SYSTEM, plain, 1, item, START)

        with pytest.raises(Problem, match="bandit") as listed:
            allocations.set_allocation(session, SYSTEM, bandit, 1, item, START)
        with pytest.raises(Problem) as turned:
            service.change_experiment(session, SYSTEM, plain, 2, {**WISH, "key": "x"}, START)

    assert (listed.value.status, turned.value.status) == (409, 422)
    assert turned.value.errors[0].field == "allocation"
