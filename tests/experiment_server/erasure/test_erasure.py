"""One learner leaves the store, the buffer, the lake and its history; nobody else does."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel, col, select
from typer.testing import CliRunner

from analysis.lake.reader import Lake
from analysis.lake.schema import TABLES
from experiment_server.audit.models import AuditEntry
from experiment_server.audit.service import record
from experiment_server.cli import app as cli
from experiment_server.columns import utc_now
from experiment_server.erasure import places, service
from experiment_server.experiments import allocations
from experiment_server.experiments import service as experiments
from experiment_server.experiments.models import Experiment, ListedUnit
from experiment_server.ingest import sealing
from experiment_server.ingest.buffer import count_buffered, read_buffered
from experiment_server.ingest.pseudonyms import Pseudonyms
from experiment_server.ingest.rewriting import rewriting
from experiment_server.ingest.sealing import SealingBusyError, lake_root, seal_all
from experiment_server.ingest.service import receive
from experiment_server.metrics import service as metrics
from experiment_server.quarantine import service as quarantine
from experiment_server.quarantine.held import Held, Why
from experiment_server.quarantine.models import QuarantinedItem
from experiment_server.security.roles import SYSTEM
from experiment_server.state import State
from tests.analysis.lakes import files_naming
from tests.factories import make_environment

ADA, BO = "ada-lovelace-17", "bo-diddley-18"
WISH = {
    "key": "badge",
    "title": "Badge",
    "hypothesis": "",
    "domain": "incentive",
    "unit_kind": "learner",
    "variants": [{"key": key, "title": "", "weight": 1, "payload": key} for key in ("off", "on")],
    "coverage": 1.0,
    "condition": {"id": {"$nin": [ADA]}},
    "namespace": None,
    "forced": {ADA: "on", BO: "off"},
    "metrics": [{"metric": "sales", "role": "primary", "minimum_effect": 1.0}],
    "analysis": {},
    "schedule": {},
}


class World:
    """A server that knows two learners in every way in which it can."""

    def __init__(self, settings, database):
        self.state = State(settings=settings, database=database)
        self.database = database
        self.environment = make_environment(database)
        self.root = lake_root(settings.lake_dir, self.environment)
        now = utc_now()
        listed = [{"unit": name, "variant": "on", "stratum": ""} for name in (ADA, BO)]
        with database.write() as session:
            metrics.ensure_built_in(session, now)
            made = experiments.create_experiment(session, SYSTEM, self.environment, WISH, now)
            allocations.set_allocation(session, SYSTEM, made, 1, listed, now)
            experiments.start_experiment(session, SYSTEM, made, now)

    def send(self, mark, *, bad=False):
        """An event and a description of each; ``bad``: one that is refused, too."""
        now = utc_now()
        at = (now - timedelta(minutes=5)).isoformat()
        items = []
        for name in (ADA, BO):
            about = {"learner": name, "at": at}
            items += [
                {"type": "event", "id": f"e-{mark}-{name}", "kind": "sale", "value": 3, **about},
                {
                    "type": "learner",
                    "id": f"l-{mark}-{name}",
                    **about,
                    "attributes": {"role": "seller", "manager": ADA},
                },
            ]
            if bad:
                items.append({"type": "event", "id": f"b-{name}", "kind": "no such kind", **about})
        receive(self.database, self.environment.id, items, now, may_describe=True)

    def pseudonym(self, name):
        return Pseudonyms(self.environment.pseudonym_key).learner(name)

    def on_disk(self):
        """Of the two, whom any byte of the lake names: rows, older files, logs."""
        return {name for name in (ADA, BO) if files_naming(self.root, self.pseudonym(name))}


@pytest.fixture
def world(settings, database):
    made = World(settings, database)
    made.send("sealed", bad=True)
    seal_all(database, made.environment, made.root)
    made.send("buffered")
    return made


def by_place(traces):
    return {trace.place: trace.n for trace in traces}


def test_erase__learner_known_everywhere__is_nowhere_and_the_other_stays(world):
    found = by_place(service.erase(world.state, SYSTEM, world.environment, ADA))

    assert found["rows of the lake's events"] == 2
    assert found["rows of the lake's learners"] == 2
    assert found["rows of others in the lake's learners (their manager was taken out)"] == 2
    assert found["things in quarantine"] == 1
    assert found["listed units"] == 1
    assert found["forced variants and previews"] == 2  # in the definition and in its phase
    assert found["targeting rules that name the learner"] == 1
    assert world.on_disk() == {BO}
    with world.database.read() as session:
        assert session.exec(select(ListedUnit.unit)).all() == [BO]
        assert session.exec(select(Experiment.forced)).one() == {BO: "off"}
        (kept,) = session.exec(select(QuarantinedItem)).all()
        assert BO in kept.raw


def test_erase__again__finds_nothing_but_the_rule_that_people_must_edit(world):
    service.erase(world.state, SYSTEM, world.environment, ADA)

    again = by_place(service.erase(world.state, SYSTEM, world.environment, ADA))

    assert {place for place, n in again.items() if n} == {"targeting rules that name the learner"}


def test_erase__audit__keeps_what_was_done_without_the_id(world):
    service.erase(world.state, SYSTEM, world.environment, ADA)

    with world.database.read() as session:
        entries = session.exec(select(AuditEntry).order_by(col(AuditEntry.id))).all()
    last = entries[-1]
    assert (last.action, last.resource) == ("learner.erase", "learner:(erased)")
    texts = [str([entry.before, entry.after]) for entry in entries]
    # the rule's condition, which people must edit, is not the learner's own
    assert all(ADA not in text for text in texts)
    assert any("(erased)" in text and BO in text for text in texts)


def test_erase__rows_that_arrive_while_it_waits__leave_the_buffer(world, monkeypatch):
    monkeypatch.setattr(service, "seal_all", lambda *_given: 0)

    found = by_place(service.erase(world.state, SYSTEM, world.environment, ADA))

    # two rows of hers; and one of the other's, whose manager she is
    assert found["rows on their way to the lake"] == 3
    with world.database.read() as session:
        assert count_buffered(session, world.environment.id) == 2
        rows = [row for _chunk, of in read_buffered(session, world.environment.id) for row in of]
    assert {row["learner"] for row in rows} == {world.pseudonym(BO)}
    assert [row["manager"] for row in rows if "manager" in row] == [None]
    seal_all(world.database, world.environment, world.root)
    assert world.on_disk() == {BO}


def test_erase__then_the_same_events_again__are_still_duplicates(world):
    service.erase(world.state, SYSTEM, world.environment, ADA)
    world.send("sealed")
    world.send("buffered")
    seal_all(world.database, world.environment, world.root)

    assert world.on_disk() == {BO}


def test_find__says_the_same_and_changes_nothing(world):
    found = by_place(service.find(world.state, world.environment, ADA))

    assert found["rows on their way to the lake"] == 3
    assert found["rows of the lake's events"] == 1
    assert found["rows of others in the lake's learners (their manager was taken out)"] == 1
    assert by_place(service.find(world.state, world.environment, ADA)) == found
    assert Lake.open(world.root).table("events").count().to_pyarrow().as_py() == 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_erase__sqlite_file__no_longer_contains_the_id(world, settings):
    with world.database.write() as session:
        session.execute(sa.text("UPDATE experiment SET condition = '{}'"))
        session.execute(sa.text("UPDATE experiment_phase SET design = '{}'"))
    path = Path(world.database.url.database)

    service.erase(world.state, SYSTEM, world.environment, ADA)

    written = path.read_bytes() + path.with_name(f"{path.name}-wal").read_bytes()
    assert BO.encode() in written
    assert ADA.encode() not in written


def test_places__each_table_that_names_learners__is_looked_at():
    told = Path(places.__file__).read_text()
    naming = {"learner", "learner_id", "unit", "forced", "previews"}
    tables = [mapper.class_ for mapper in SQLModel._sa_registry.mappers]

    holding = {each.__name__ for each in tables if naming & set(each.model_fields)}

    assert "ListedUnit" in holding
    by_their_own_service = {"QuarantinedItem", "XapiStatement"}
    assert [name for name in sorted(holding - by_their_own_service) if name not in told] == []


def test_command__dry_run_and_unknown_learner__say_so(world, settings, database_url):
    env = {
        "MOMENTUM_DATABASE_URL": database_url,
        "MOMENTUM_DATA_DIR": str(settings.data_dir),
        "MOMENTUM_LAKE_DIR": settings.lake_dir,
    }

    dry = CliRunner().invoke(cli, ["erase", ADA, "--dry-run"], env=env)
    refused = CliRunner().invoke(cli, ["erase", ADA], input="n\n", env=env)
    done = CliRunner().invoke(cli, ["erase", ADA, "--yes"], env=env)
    nobody = CliRunner().invoke(cli, ["erase", "nobody", "--yes"], env=env)

    assert "Nothing was changed." in dry.output
    assert refused.exit_code == 1
    assert "2  rows of the lake's events" in done.output
    assert "Edit them" in done.output
    assert "Nothing of such a learner was found" in nobody.output
    assert world.on_disk() == {BO}


def test_erase__quarantined_things_of_others_that_name_the_learner__go_and_no_others(world):
    statement = {"actor": {"mbox": f"mailto:{BO}"}, "context": {"instructor": {"name": ADA}}}
    managed = {"type": "learner", "learner": 5, "attributes": {"manager": ADA}}
    other = {"type": ADA, "learner": BO}
    alike = {"learner": f"{ADA}8"}
    with world.database.write() as session:
        why = Why("verb", "has no kind rule", "add one")
        held = [Held(one, why) for one in (statement, managed, other, alike)]
        quarantine.hold(session, world.environment.id, "xapi", held, utc_now())

    service.erase(world.state, SYSTEM, world.environment, ADA)

    with world.database.read() as session:
        kept = session.exec(
            select(QuarantinedItem.raw).where(QuarantinedItem.standard == "xapi")
        ).all()
    assert set(kept) == {json.dumps(one, separators=(",", ":")) for one in (other, alike)}


def test_erase__audit_entries_of_another_environment__stay_as_they_are(world):
    elsewhere = make_environment(world.database, "staging")
    pseudonym = world.pseudonym(ADA)
    with world.database.write() as session:
        for place in (world.environment, elsewhere):
            record(
                session,
                SYSTEM,
                "learner.read",
                f"learner:{pseudonym}",
                after={"forced": {ADA: "on"}},
                environment_id=place.id,
            )

    service.erase(world.state, SYSTEM, world.environment, ADA)

    with world.database.read() as session:
        found = session.exec(select(AuditEntry).where(AuditEntry.action == "learner.read")).all()
    assert {
        entry.environment_id: (entry.resource, list(entry.after["forced"])) for entry in found
    } == {
        world.environment.id: ("learner:(erased)", ["(erased)"]),
        elsewhere.id: (f"learner:{pseudonym}", [ADA]),
    }


def test_erase__while_the_lake_is_compacted__removes_nothing_and_says_why(world, monkeypatch):
    monkeypatch.setattr(sealing, "WAIT_S", 0.0)

    with (
        rewriting(world.database, world.environment.id),
        pytest.raises(SealingBusyError, match="being compacted"),
    ):
        service.erase(world.state, SYSTEM, world.environment, ADA)

    assert ADA in world.on_disk()


def test_erase__while_an_older_log_is_silenced__sealing_goes_on(world, monkeypatch):
    monkeypatch.setattr(sealing, "WAIT_S", 0.0)
    sealed, real = [], service.silence_ahead

    def silence(root, name):
        world.send(f"meanwhile-{name}")
        sealed.append(seal_all(world.database, world.environment, world.root))
        with pytest.raises(SealingBusyError), rewriting(world.database, world.environment.id):
            pass
        return real(root, name)

    monkeypatch.setattr(service, "silence_ahead", silence)

    service.erase(world.state, SYSTEM, world.environment, ADA)

    assert sealed == [4] * len(TABLES)
    assert world.on_disk() == {BO}


@pytest.mark.parametrize("table", TABLES)
def test_erase__interrupted_at_a_table__is_finished_by_the_second_call(world, monkeypatch, table):
    rollup = Path(world.root) / "_rollups" / "old"
    rollup.mkdir(parents=True)
    real = service.erase_learner

    def interrupted(root, name, *given):
        if name == table:
            raise OSError("the disk is gone")
        return real(root, name, *given)

    monkeypatch.setattr(service, "erase_learner", interrupted)
    with pytest.raises(OSError, match="disk"):
        service.erase(world.state, SYSTEM, world.environment, ADA)
    monkeypatch.setattr(service, "erase_learner", real)

    service.erase(world.state, SYSTEM, world.environment, ADA)

    assert world.on_disk() == {BO}
    assert not rollup.exists()
    with world.database.read() as session:
        actions = session.exec(select(AuditEntry.action)).all()
    assert actions.count("learner.erase") == 1
