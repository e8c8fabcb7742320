"""The outbox: sent once when it goes well, tried again when it does not, given up in the end."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlmodel import select

from experiment_server.notify import jobs, service
from experiment_server.notify.channels import CHANNELS
from experiment_server.notify.channels.channel import Message
from experiment_server.notify.models import OutboxMessage
from experiment_server.problems import Problem
from experiment_server.schedule.run import run_jobs
from experiment_server.security.roles import SYSTEM
from experiment_server.state import State
from tests.factories import NOW, make_environment

# apprise asks for a module that Python 3.13 no longer has, and copes without it
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

MESSAGE = Message("Winners", "SHIP: Streak bonus")


class Flaky:
    """A channel that fails until it is mended."""

    def __init__(self, monkeypatch):
        self.broken, self.sent = True, []
        monkeypatch.setitem(CHANNELS, "file", self)
        monkeypatch.setitem(CHANNELS, "log", self)

    def check(self, _target, _data_dir):
        pass

    def send(self, _target, message, _data_dir):
        if self.broken:
            raise ConnectionError("https://hooks.example.org/SECRET is away")
        self.sent.append(message)


def enqueue(database, environment):
    with database.write() as session:
        return service.enqueue(session, environment, MESSAGE, NOW)


def outbox(database):
    with database.read() as session:
        return list(session.exec(select(OutboxMessage).order_by(OutboxMessage.id)))


def test_enqueue__a_new_environment__goes_to_a_file_and_the_log(database, tmp_path):
    environment = make_environment(database)

    assert enqueue(database, environment) == 2
    assert service.deliver(database, tmp_path, NOW) == (2, 0)
    assert "Streak bonus" in (tmp_path / "reports.log").read_text()
    assert all(message.sent_at == NOW for message in outbox(database))


def test_enqueue__a_channel_that_is_off__gets_nothing(database):
    environment = make_environment(database)
    with database.write() as session:
        service.ensure_channels(session, environment, NOW)
        for channel in service.list_channels(session, environment):
            channel.enabled = False

    assert enqueue(database, environment) == 0


def test_deliver__again__sends_nothing_twice(database, tmp_path):
    environment = make_environment(database)
    enqueue(database, environment)
    service.deliver(database, tmp_path, NOW)

    assert service.deliver(database, tmp_path, NOW + timedelta(days=1)) == (0, 0)


def test_deliver__by_four_servers_at_once__sends_each_message_once(database, tmp_path, monkeypatch):
    flaky = Flaky(monkeypatch)
    flaky.broken = False
    environment = make_environment(database)
    for _ in range(5):
        enqueue(database, environment)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: service.deliver(database, tmp_path, NOW), range(4)))

    assert len(flaky.sent) == 10


def test_deliver__a_channel_that_fails__is_tried_again_later_and_then_succeeds(
    database, tmp_path, monkeypatch
):
    flaky = Flaky(monkeypatch)
    environment = make_environment(database)
    enqueue(database, environment)

    assert service.deliver(database, tmp_path, NOW) == (0, 2)
    assert service.deliver(database, tmp_path, NOW) == (0, 0)  # not at once
    flaky.broken = False
    assert service.deliver(database, tmp_path, NOW + timedelta(minutes=1)) == (2, 0)
    assert [message.attempts for message in outbox(database)] == [2, 2]


def test_deliver__a_channel_that_never_works__is_given_up(database, tmp_path, monkeypatch):
    Flaky(monkeypatch)
    enqueue(database, make_environment(database))

    failed = [
        service.deliver(database, tmp_path, NOW + timedelta(days=day)).failed for day in range(12)
    ]

    assert failed == [2] * service.MAX_ATTEMPTS + [0] * (12 - service.MAX_ATTEMPTS)


def test_deliver__a_foreign_error__keeps_the_secret_of_its_text(database, tmp_path, monkeypatch):
    Flaky(monkeypatch)
    enqueue(database, make_environment(database))
    service.deliver(database, tmp_path, NOW)

    assert {message.error for message in outbox(database)} == {"ConnectionError"}


def test_add_channel__a_target_that_cannot_work__is_a_422(database, tmp_path):
    environment = make_environment(database)

    wanted = ("apprise_url", "Chat", "nosuchschema://x")

    def add():
        with database.write() as session:
            service.add_channel(session, SYSTEM, environment, wanted, tmp_path, NOW)

    with pytest.raises(Problem) as refusal:
        add()

    assert refusal.value.status == 422
    assert "slack://" in refusal.value.errors[0].remedy


def test_job__messages_wait__sends_them_at_the_next_tick(settings, database):
    state = State(settings=settings, database=database, clock=lambda: NOW)
    enqueue(database, make_environment(database))

    results = run_jobs(state, jobs.JOBS, NOW)

    assert [result.outcome for result in results] == ["done"]
    assert all(message.sent_at for message in outbox(database))
    assert run_jobs(state, jobs.JOBS, NOW + timedelta(hours=1)) == []
