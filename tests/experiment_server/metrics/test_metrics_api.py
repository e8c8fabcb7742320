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
        ({"kind": "ratio"}, "denominator_kinds"),
        ({"kind": "rate", "denominator_kinds": []}, "denominator_kinds"),
        ({"kind": "rate", "denominator_kinds": ["peer_pots"]}, "denominator_kinds[0]"),
        (
            {"kind": "rate", "denominator_kinds": ["session_started"], "event_kinds": []},
            "event_kinds",
        ),
        ({"kind": "ratio", "denominator_kinds": ["session_started"], "cap": 5}, "cap"),
        (
            {"kind": "ratio", "denominator_kinds": ["session_started"], "covariate": "model"},
            "covariate",
        ),
        ({"denominator_kinds": ["session_started"]}, "denominator_kinds"),
        ({"kind": "quantile"}, "quantile"),
        ({"kind": "quantile", "quantile": 0}, "quantile"),
        ({"kind": "quantile", "quantile": 1}, "quantile"),
        ({"kind": "quantile", "quantile": 50}, "quantile"),
        ({"kind": "quantile", "quantile": "half"}, "quantile"),
        ({"kind": "quantile", "quantile": 0.5, "cap_quantile": 0.9}, "cap_quantile"),
        ({"kind": "quantile", "quantile": 0.5, "covariate": "model"}, "covariate"),
        ({"quantile": 0.5}, "quantile"),
        ({"kind": "time_to_event", "event_kinds": []}, "event_kinds"),
        ({"kind": "time_to_event", "floor": 1}, "floor"),
        ({"kind": "proportion", "floor": 0}, "floor"),
        ({"floor": 5, "cap": 5}, "floor"),
        ({"cap_quantile": 0.5}, "cap_quantile"),
        ({"cap_quantile": 0.99, "cap": 5}, "cap_quantile"),
        ({"covariate": "oracle"}, "covariate"),
        ({"denominators": ["session_started"]}, "denominators"),
    ],
)
def test_metric__that_does_not_fit__names_the_field(client, editor, change, field):
    answer = client.post(URL, json={**METRIC, **change}, headers=editor)

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == [field]


NEW_KINDS = {
    "ratio": {"event_kinds": ["sale"], "denominator_kinds": ["session_started"]},
    "rate": {"event_kinds": ["course_completed"], "denominator_kinds": ["session_started"]},
    "quantile": {"event_kinds": ["sale"], "quantile": 0.9},
    "time_to_event": {"event_kinds": ["sale"]},
    "sum": {
        "event_kinds": ["sale"],
        "floor": -5.0,
        "cap_quantile": 0.99,
        "covariate": "model",
    },
}


@pytest.mark.parametrize("kind", NEW_KINDS)
def test_metric__of_each_kind__comes_back_as_it_was_sent(client, editor, kind):
    body = {"key": "posts", "title": "Posts", "kind": kind, **NEW_KINDS[kind]}

    answer = client.post(URL, json=body, headers=editor)
    read = client.get(f"{URL}/posts", headers=editor).json

    assert answer.status_code == 201, answer.json
    assert {name: read[name] for name in body} == body
    assert read["version"] == 1


def test_metric__changed_to_a_ratio__has_a_new_version_and_an_audit_of_both(client, editor):
    client.post(URL, json=METRIC, headers=editor)
    body = {"title": "Posts a visit", "kind": "rate", **NEW_KINDS["rate"]}

    answer = client.put(f"{URL}/posts", json=body, headers={**editor, "If-Match": '"1"'})

    assert (answer.status_code, answer.json["version"]) == (200, 2)
    assert answer.json["denominator_kinds"] == ["session_started"]


def test_metric__unknown_kind__is_told_every_kind_there_is(client, editor):
    answer = client.post(URL, json={**METRIC, "kind": "magic"}, headers=editor)

    expected = answer.json["errors"][0]["expected"]
    assert all(kind in expected for kind in METRIC_KINDS_BY_NAME)


def test_openapi__of_a_metric__names_every_kind_and_its_fields(client):
    found = client.get("/openapi.json").json["components"]["schemas"]["NewMetricBody"]["properties"]

    assert all(kind in found["kind"]["description"] for kind in METRIC_KINDS_BY_NAME)
    assert {"denominator_kinds", "quantile", "floor", "cap_quantile", "covariate"} <= set(found)


def test_metric__stale_edit__is_412_and_changes_nothing(client, editor):
    client.post(URL, json=METRIC, headers=editor)
    body = {name: value for name, value in METRIC.items() if name != "key"} | {"title": "X"}

    answer = client.put(f"{URL}/posts", json=body, headers={**editor, "If-Match": '"2"'})

    assert answer.status_code == 412
    assert client.get(f"{URL}/posts", headers=editor).json["title"] == "Posts"
