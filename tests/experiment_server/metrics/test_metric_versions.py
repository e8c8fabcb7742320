"""Every change of a metric is kept, and a readout names the version that it used."""

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from experiment_server.db import MIGRATIONS, Database
from experiment_server.metrics import service
from experiment_server.metrics.differences import differences
from experiment_server.readouts.read import read_by_hand
from experiment_server.readouts.service import to_readout
from experiment_server.security.roles import SYSTEM
from tests.factories import NOW, make_keys
from tests.lived import KEY, live

URL = "/api/v1/metrics"
POSTS = {"title": "Posts", "kind": "count", "event_kinds": ["peer_post"], "cap": 20.0}


@pytest.fixture
def editor(database):
    return make_keys(database).manage("editor")


@pytest.fixture
def changed(client, editor):
    """A metric that was changed twice."""
    client.post(URL, json={**POSTS, "key": "posts"}, headers=editor)
    kinds = ["peer_post", "peer_comment"]
    for version, change in ((1, {"cap": 50.0}), (2, {"cap": None, "event_kinds": kinds})):
        answer = client.put(
            f"{URL}/posts", json={**POSTS, **change}, headers={**editor, "If-Match": f'"{version}"'}
        )
        assert answer.status_code == 200, answer.json
    return editor


def test_versions__each_change__is_kept_with_who_when_and_what(client, changed):
    found = client.get(f"{URL}/posts/versions", headers=changed).json["items"]

    assert [one["version"] for one in found] == [3, 2, 1]
    assert all(one["changed_by"].startswith("management key") for one in found)
    assert found[1]["changes"] == ["The cap went from 20 to 50."]
    assert found[0]["changes"] == [
        "The events are now with peer_comment.",
        "The cap was 50; there is none now.",
    ]
    assert (found[2]["changes"], found[2]["changes_numbers"]) == ([], False)
    assert found[2]["definition"]["cap"] == 20.0


def test_version__against_another__says_what_differs(client, changed):
    found = client.get(f"{URL}/posts/versions/1?against=3", headers=changed).json

    assert found["definition"]["event_kinds"] == ["peer_post"]
    assert found["changes"] == [
        "The events are now without peer_comment.",
        "The cap is now 20; there was none.",
    ]
    assert found["changes_numbers"]


@pytest.mark.parametrize("path", ["posts/versions/9", "posts/versions/2?against=x", "no/versions"])
def test_version__that_is_not_there__is_404(client, changed, path):
    assert client.get(f"{URL}/{path}", headers=changed).status_code == 404


def test_version__stale_edit__keeps_none(client, changed):
    answer = client.put(f"{URL}/posts", json=POSTS, headers={**changed, "If-Match": '"1"'})

    assert answer.status_code == 412
    assert len(client.get(f"{URL}/posts/versions", headers=changed).json["items"]) == 3


def test_differences__title_only__is_told_and_changes_no_number(client, editor):
    client.post(URL, json={**POSTS, "key": "posts"}, headers=editor)
    client.put(f"{URL}/posts", json={**POSTS, "title": "X"}, headers={**editor, "If-Match": '"1"'})

    found = client.get(f"{URL}/posts/versions/2", headers=editor).json

    assert found["changes"] == ['The title went from "Posts" to "X".']
    assert found["changes_numbers"] is False


def test_differences__other_order_of_events__is_told():
    before, after = ({"event_kinds": kinds} for kinds in (["a", "b"], ["b", "a"]))

    assert differences(before, after) == ["The events are now in another order."]


def downgraded(database_url, to):
    """The database without the tables that came later."""
    opened = Database(database_url)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with opened.connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, to)
    return opened, config


def test_migration__metrics_that_exist__have_the_versions_that_the_audit_log_tells(database_url):
    first = Database(database_url)
    with first.write() as session:
        values = {"title": "Posts", "kind": "count", "event_kinds": ["peer_post"]}
        posts = service.create_metric(session, SYSTEM, "posts", values, NOW)
        service.change_metric(session, SYSTEM, posts, 1, {**values, "cap": 7.0}, NOW)
        sales = service.create_metric(session, SYSTEM, "sales", values, NOW)
        service.change_metric(session, SYSTEM, sales, 1, {**values, "cap": 7.0}, NOW)
    with first.connect() as connection:  # an installation that cleans its audit log
        connection.execute(sa.text("DELETE FROM audit_entry WHERE resource = 'metric:sales'"))
    first.dispose()

    opened, config = downgraded(database_url, "0009")
    with opened.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    with opened.read() as session:
        found = {
            key: [
                (one.version, one.definition["cap"], one.changed_by, one.changed_at)
                for one in service.list_versions(session, service.load_metric(session, key))
            ]
            for key in ("posts", "sales")
        }
    opened.dispose()
    whom = SYSTEM.title
    assert [each[:3] for each in found["posts"]] == [(2, 7.0, whom), (1, None, whom)]
    assert found["posts"][0][3] == NOW
    assert found["sales"] == [(2, 7.0, "", NOW)]


def test_readout__metric_changed_after_the_start__names_the_version_it_started_with(
    settings, database
):
    lived = live(settings, database, n_learners=60)
    with database.write() as session:
        metric = service.load_metric(session, "challenges")
        values = {name: getattr(metric, name) for name in service.FIELDS}
        service.change_metric(session, SYSTEM, metric, 1, {**values, "cap": 1.0}, NOW)

    row = read_by_hand(lived.state, lived.environment, KEY, lived.state.clock())

    assert to_readout(row).primary.version == 1
    assert row.plan["metrics"][0]["version"] == 1
    assert row.plan["metrics"][0]["cap"] is None
