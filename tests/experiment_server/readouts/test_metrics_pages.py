"""The pages of metrics: the list, the form, the preview, versions and uses."""

import re
from html import unescape

import pytest

from analysis.metrics import METRIC_KINDS
from experiment_server import web
from experiment_server.app import create_app
from experiment_server.ingest.place import open_lake
from experiment_server.metrics import form
from experiment_server.metrics.api import MetricBody, NewMetricBody
from tests.factories import make_environment, make_keys, sign_in
from tests.lived import DAY, START, live

HTML = {"Accept": "text/html"}
PAGE = "/metrics/production"
POSTS = {
    "key": "posts",
    "title": "Posts",
    "kind": "count",
    "event_kinds": "peer_post\npeer_comment",
    "window_days": "14",
    "direction": "increase",
    "covariate": "window",
    "minimum_effect": "0.5",
}


@pytest.fixture
def editor(client, database):
    """A form's fields with the token of a signed-in editor."""
    make_environment(database)
    return {"csrf_token": sign_in(client, database, "editor"), "version": "0", "act": "save"}


def text_of(answer):
    return unescape(re.sub(r"\s+", " ", answer.get_data(True)))


def error_of(answer, field):
    """What the page says beside a field."""
    found = re.search(rf'id="{field}-error">([^<]*)<', answer.get_data(True))
    return unescape(found[1]) if found else None


def test_form__fields__are_all_those_of_a_metric_in_their_order_of_use():
    assert set(form.FIELDS) == set(MetricBody.model_fields)
    assert {*form.FIELDS, "key"} == set(NewMetricBody.model_fields)
    assert all(one.help for one in form.FIELDS.values())
    offered = [value for value, _ in form.FIELDS["kind"].options]
    assert offered == [kind.name for kind in METRIC_KINDS]


def test_metric__made_by_the_form__is_there_and_in_the_list(client, editor):
    answer = client.post(f"{PAGE}/_new", data={**editor, **POSTS}, headers=HTML)

    assert answer.status_code == 303
    shown = text_of(client.get(answer.location, headers=HTML))
    assert "The metric is there" in shown
    assert "peer_post, peer_comment" in shown
    assert "Version 1" in shown
    assert f'href="{PAGE}/posts">Posts</a>' in text_of(client.get(PAGE, headers=HTML))


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"title": ""}, "title", "at least 1 character"),
        ({"key": "Über"}, "key", "lower-case letters"),
        ({"event_kinds": "peer_pots"}, "event_kinds", "Check its spelling"),
        ({"event_kinds": ""}, "event_kinds", "at least one kind of event"),
        ({"window_days": "soon"}, "window_days", "valid integer"),
        ({"window_days": "0"}, "window_days", "greater than or equal to 1"),
        ({"minimum_effect": "0,5"}, "minimum_effect", "valid number"),
        ({"minimum_effect": "nan"}, "minimum_effect", ""),
        ({"cap": "1e999"}, "cap", ""),
        ({"quantile": "0.5"}, "quantile", "only the kinds quantile have it"),
        ({"kind": "rate"}, "denominator_kinds", "what a rate needs"),
        ({"kind": "magic"}, "kind", "one of score, count"),
        ({"floor": "9", "cap": "3"}, "floor", "less than the cap"),
    ],
)
@pytest.mark.parametrize("act", ["save", "preview"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_form__field_that_does_not_fit__says_so_beside_it_and_keeps_what_was_typed(
    client, editor, change, field, says, act
):
    data = {**editor, **POSTS, **change, "act": act}

    answer = client.post(f"{PAGE}/_new", data=data, headers=HTML)

    assert answer.status_code == 422
    assert says in error_of(answer, field)
    assert "Nothing was stored yet" in text_of(answer)
    assert re.search(r'id="description-error"', answer.get_data(True)) is None
    assert 'value="14"' in answer.get_data(True) or field == "window_days"


def test_form__key_in_use__says_so_beside_it(client, editor):
    client.post(f"{PAGE}/_new", data={**editor, **POSTS}, headers=HTML)

    answer = client.post(f"{PAGE}/_new", data={**editor, **POSTS}, headers=HTML)

    assert answer.status_code == 409
    assert "not in use" in error_of(answer, "key")


def test_form__hostile_text__is_shown_as_text(client, editor):
    data = {**editor, **POSTS, "title": '"><script>alert(1)</script>', "event_kinds": "</textarea>"}

    answer = client.post(f"{PAGE}/_new", data=data, headers=HTML)

    assert answer.status_code == 422
    assert "<script>alert" not in answer.get_data(True)
    assert "</textarea></textarea>" not in answer.get_data(True)


def test_metric__changed_by_the_form__is_a_new_version_with_its_difference(client, editor):
    client.post(f"{PAGE}/_new", data={**editor, **POSTS}, headers=HTML)
    shown = client.get(f"{PAGE}/posts/change", headers=HTML).get_data(True)
    assert 'name="version" value="1"' in shown
    assert "peer_post\npeer_comment</textarea>" in shown

    changed = {**editor, **POSTS, "version": "1", "cap": "20"}
    answer = client.post(f"{PAGE}/posts/change", data=changed, headers=HTML)

    assert answer.status_code == 303
    page = text_of(client.get(answer.location, headers=HTML))
    assert "Version 2 <small>changes numbers</small>" in page
    assert "The cap is now 20; there was none." in page


def test_metric__changed_by_somebody_meanwhile__loses_nothing(client, editor):
    client.post(f"{PAGE}/_new", data={**editor, **POSTS}, headers=HTML)
    first = {**editor, **POSTS, "version": "1", "cap": "20"}
    client.post(f"{PAGE}/posts/change", data=first, headers=HTML)

    mine = {**editor, **POSTS, "version": "1", "title": "Posts and comments"}
    stale = client.post(f"{PAGE}/posts/change", data=mine, headers=HTML)

    assert stale.status_code == 412
    assert "changed this metric meanwhile. The cap is now 20" in text_of(stale)
    assert 'value="Posts and comments"' in stale.get_data(True)
    assert 'name="version" value="2"' in stale.get_data(True)
    again = client.post(f"{PAGE}/posts/change", data={**mine, "version": "2"}, headers=HTML)
    assert again.status_code == 303


def test_viewer__reads_metrics_and_changes_none(client, database):
    make_environment(database)
    token = sign_in(client, database, "viewer")

    listed = client.get(PAGE, headers=HTML)

    assert listed.status_code == 200
    assert "New metric" not in text_of(listed)
    data = {**POSTS, "csrf_token": token, "act": "save", "version": "0"}
    assert client.post(f"{PAGE}/_new", data=data, headers=HTML).status_code == 403
    assert client.get(f"{PAGE}/_new", headers=HTML).status_code == 403


def test_form__without_its_token__is_refused(client, editor):
    data = {**POSTS, "act": "save", "version": "0"}

    assert client.post(f"{PAGE}/_new", data=data, headers=HTML).status_code == 403


@pytest.fixture
def program(settings, database):
    """A program with history and a running experiment, and the browser of an editor."""
    lived = live(settings, database, n_learners=240)
    open_lake(lived.state, lived.environment, fresh=True)
    lived.state.clock.now = START + 20 * DAY
    app = create_app(settings, database)
    app.extensions[web.EXTENSION] = lived.state
    client = app.test_client()
    return client, sign_in(client, database, "editor")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_preview__of_the_form__is_shown_and_stores_nothing(program):
    client, token = program
    data = {
        **POSTS,
        "event_kinds": "challenge_completed",
        "window_days": "7",
        "cap": "3",
        "csrf_token": token,
        "version": "0",
        "act": "preview",
    }

    answer = client.post(f"{PAGE}/_new", data=data, headers=HTML)

    assert answer.status_code == 200
    page = text_of(answer)
    assert "Nothing is stored yet" in page
    assert "The cap of 3 touches" in page
    assert re.search(
        r"The smallest difference that matters \(0.5, [\d.]+ % of the mean\) takes", page
    )
    assert "<svg" in answer.get_data(True)
    assert client.get(f"{PAGE}/posts", headers=HTML).status_code == 404


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_metric_page__shows_where_it_is_used_and_its_preview_when_asked(program):
    client, _ = program

    plain = text_of(client.get(f"{PAGE}/challenges", headers=HTML))
    asked = client.get(f"{PAGE}/challenges?preview=yes", headers=HTML)
    again = text_of(client.get(f"{PAGE}/challenges", headers=HTML))

    assert "Compute it" in plain
    assert "Streak bonus</a>" in plain
    assert "learners had" in text_of(asked)
    assert "Compute it" not in again


def test_metric_page__unknown__is_404_and_says_so(client, database):
    keys = make_keys(database)

    answer = client.get(f"{PAGE}/nothing", headers={**HTML, **keys.manage("viewer")})

    assert answer.status_code == 404
