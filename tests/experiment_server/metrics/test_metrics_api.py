import pytest

from analysis.metrics import METRIC_KINDS_BY_NAME
from experiment_server.metrics import service
from experiment_server.metrics.service import BUILT_IN, ensure_built_in
from tests.factories import NOW, make_keys

URL = "/api/v1/metrics"
METRIC = {"key": "posts", "title": "Posts", "kind": "count", "event_kinds": ["peer_post"]}


@pytest.fixture
def editor(database):
    return make_keys(database).manage("editor")


def test_built_in__added_twice__are_there_once_and_keep_what_people_changed(
    client, database, editor
):
    with database.write() as session:
        ensure_built_in(session, NOW)
    read = client.get(f"{URL}/sales", headers=editor).json
    changed = {name: read[name] for name in service.FIELDS} | {"title": "Revenue"}
    client.put(f"{URL}/sales", json=changed, headers={**editor, "If-Match": '"1"'})
    with database.write() as session:
        ensure_built_in(session, NOW)

    listed = client.get(URL, headers=editor).json["items"]

    assert len(listed) == len(BUILT_IN)
    assert next(each["title"] for each in listed if each["key"] == "sales") == "Revenue"


def test_built_in__each__is_of_a_kind_that_the_analysis_has():
    assert {row["kind"] for row in BUILT_IN} <= set(METRIC_KINDS_BY_NAME)


def test_metric__a_companys_own__is_data(client, editor):
    answer = client.post(
        URL, json={**METRIC, "event_kinds": ["custom:certificate"]}, headers=editor
    )

    assert answer.status_code == 201
    assert answer.json["window_days"] == 28


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "magic"}, "kind"),
        ({"event_kinds": []}, "event_kinds"),
        ({"event_kinds": ["peer_post", "peer_pots"]}, "event_kinds[1]"),
        ({"event_kinds": "peer_post"}, "event_kinds"),
        ({"kind": "score", "cap": 10}, "cap"),
        ({"window_days": 0}, "window_days"),
        ({"window_days": 2**40}, "window_days"),
        ({"minimum_effect": -1}, "minimum_effect"),
        ({"minimum_effect": "much"}, "minimum_effect"),
        ({"direction": "sideways"}, "direction"),
    ],
)
def test_metric__that_does_not_fit__names_the_field(client, editor, change, field):
    answer = client.post(URL, json={**METRIC, **change}, headers=editor)

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == [field]


def test_metric__stale_edit__is_412_and_changes_nothing(client, editor):
    client.post(URL, json=METRIC, headers=editor)
    body = {name: value for name, value in METRIC.items() if name != "key"} | {"title": "X"}

    answer = client.put(f"{URL}/posts", json=body, headers={**editor, "If-Match": '"2"'})

    assert answer.status_code == 412
    assert client.get(f"{URL}/posts", headers=editor).json["title"] == "Posts"
