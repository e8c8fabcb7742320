"""Reading statements back, and the manners of the resource: filters, pages, formats, headers."""

import json

import pytest

from tests.experiment_server.xapi.conftest import URL, Lrs, basic
from tests.experiment_server.xapi.examples import (
    ANN,
    BEN,
    COMPLETED,
    ID,
    OTHER_ID,
    REGISTRATION,
    STATEMENT,
    VOIDED,
    plain,
    reference,
)

PASSED = "http://adlnet.gov/expapi/verbs/passed"
FULL, SMALL, ABOUT_SMALL = (f"0000000{n}-0000-4000-8000-000000000000" for n in (1, 2, 3))
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def stored(lrs):
    """A full statement, then a small one, then one that refers to the small one."""
    lrs.put(FULL, STATEMENT)
    lrs.put(SMALL, plain(actor=BEN, verb={"id": PASSED}))
    lrs.put(ABOUT_SMALL, reference("https://example.org/verbs/confirmed", SMALL))
    return lrs


def test_find__without_a_filter__gives_all_the_latest_first(stored):
    assert stored.find() == [ABOUT_SMALL, SMALL, FULL]
    assert stored.find(ascending="true") == [FULL, SMALL, ABOUT_SMALL]


# what is asked, and what fits: a reference to a statement that fits comes along
FILTERS = {
    "agent": ({"agent": json.dumps(ANN)}, [ABOUT_SMALL, FULL]),
    "agent by another identifier": ({"agent": json.dumps(BEN)}, [ABOUT_SMALL, SMALL]),
    "agent named anywhere": (
        {"agent": json.dumps(BEN), "related_agents": "true"},
        [ABOUT_SMALL, SMALL, FULL],
    ),
    "verb": ({"verb": PASSED}, [ABOUT_SMALL, SMALL]),
    "activity": ({"activity": "https://lms.example.org/quiz/7"}, [ABOUT_SMALL, SMALL, FULL]),
    "activity of the context": ({"activity": "https://lms.example.org/module/2"}, []),
    "activity anywhere": (
        {"activity": "https://lms.example.org/module/2", "related_activities": "true"},
        [FULL],
    ),
    "registration": ({"registration": REGISTRATION.upper()}, [FULL]),
    "several": ({"verb": COMPLETED, "agent": json.dumps(ANN)}, [FULL]),
    "nothing fits": ({"verb": "https://example.org/verbs/none"}, []),
    "since long ago": ({"since": "2012-06-01T19:09:13.245Z"}, [ABOUT_SMALL, SMALL, FULL]),
    "until long ago": ({"until": "2012-06-01T19:09:13.245Z"}, []),
}


def test_find__by_each_filter__gives_what_fits(stored):
    found = {name: stored.find(**query) for name, (query, _fits) in FILTERS.items()}

    assert found == {name: fits for name, (_query, fits) in FILTERS.items()}


def test_find__since_and_until_a_stored_time__split_there(stored):
    at = stored.get(statementId=SMALL).json["stored"]

    assert stored.find(since=at) == [ABOUT_SMALL]
    assert stored.find(until=at) == [SMALL, FULL]


def test_find__a_voided_target__is_left_out_and_what_refers_to_it_is_not(stored):
    [voiding] = stored.post(reference(VOIDED, SMALL)).json

    assert stored.find(verb=PASSED) == [voiding, ABOUT_SMALL]


def test_find__page_by_page__gives_each_once_and_ends_without_more(stored):
    first = stored.get(limit=2, agent=json.dumps(BEN), related_agents=True)
    assert len(first.json["statements"]) == 2

    rest = stored.client.get(first.json["more"], headers=stored.headers)

    assert [one["id"] for one in rest.json["statements"]] == [FULL]
    assert rest.json["more"] == ""


@ON_SQLITE
def test_find__limit_zero__is_the_store_s_own_limit(stored):
    assert len(stored.find(limit=0)) == 3


@ON_SQLITE
def test_format__ids__has_only_what_identifies(stored):
    body = stored.get(statementId=FULL, format="ids").json

    assert body["actor"] == {**ANN, "objectType": "Agent"}
    assert body["verb"] == {"id": COMPLETED}
    assert body["object"] == {"id": "https://lms.example.org/quiz/7"}
    assert body["context"]["team"] == {"objectType": "Group", "member": [ANN, BEN]}


@ON_SQLITE
@pytest.mark.parametrize(
    ("wanted", "display", "name"),
    [("de", "de", "en"), ("fr;q=0.4, en-GB", "en-US", "en"), ("fr", None, "fr"), ("", None, None)],
)
def test_format__canonical__has_one_language_the_reader_s_where_it_is_there(
    stored, wanted, display, name
):
    headers = {"Accept-Language": wanted}

    body = stored.get(headers, statementId=FULL, format="canonical").json

    texts = body["object"]["definition"]["name"]
    assert len(body["verb"]["display"]) == len(texts) == 1
    assert display in (None, *body["verb"]["display"])
    assert name in (None, *texts)
    assert all(
        len(one.get("description", "x")) == 1 for one in body["object"]["definition"]["choices"]
    )


@ON_SQLITE
def test_attachments__asked_for__come_as_multipart_with_the_statements_first(stored):
    answer = stored.get(attachments="true")

    assert answer.mimetype == "multipart/mixed"
    boundary = answer.mimetype_params["boundary"].encode()
    _before, part, end = answer.data.split(b"--" + boundary)
    assert json.loads(part.split(b"\r\n\r\n")[1])["statements"]
    assert end == b"--\r\n"


BAD_QUERIES = {
    "unknown": {"foo": "bar"},
    "case": {"StatementId": ID},
    "id": {"statementId": "nothing"},
    "both ids": {"statementId": ID, "voidedStatementId": ID},
    "id and filter": {"statementId": ID, "verb": COMPLETED},
    "voided id and limit": {"voidedStatementId": ID, "limit": 1},
    "agent as text": {"agent": "ann"},
    "agent without identifier": {"agent": '{"name": "Ann"}'},
    "agent deep": {"agent": "[" * 500},
    "verb": {"verb": "completed"},
    "activity": {"activity": "quiz 7"},
    "registration": {"registration": "one"},
    "since": {"since": "yesterday"},
    "until": {"until": "2026-13-01T00:00:00Z"},
    "limit": {"limit": -1},
    "limit in Arabic digits": {"limit": "\u0663"},
    "limit without end": {"limit": "9" * 40},
    "flag": {"ascending": "yes"},
    "related flag alone": {"related_agents": "1"},
    "format": {"format": "pretty"},
}


@ON_SQLITE
def test_query__that_the_specification_forbids__is_400_and_says_why(lrs):
    answers = {name: lrs.get(**query) for name, query in BAD_QUERIES.items()}

    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(
        BAD_QUERIES, 400
    )
    assert all(answer.json["errors"][0]["expected"] for answer in answers.values())


def test_headers__of_each_answer__name_the_version_and_how_far_it_is_complete(stored):
    page, missing = stored.get(), stored.get(statementId=ID)
    newest = page.json["statements"][0]["stored"]

    assert page.headers["X-Experience-API-Version"] == "1.0.3"
    assert page.headers["X-Experience-API-Consistent-Through"] == newest
    assert missing.status_code == 404
    assert missing.headers["X-Experience-API-Version"] == "1.0.3"
    assert "X-Experience-API-Consistent-Through" in missing.headers


@ON_SQLITE
def test_get__with_the_etag_it_had__is_304(stored):
    first = stored.get(statementId=FULL)

    again = stored.get({"If-None-Match": first.headers["ETag"]}, statementId=FULL)

    assert first.headers["Last-Modified"]
    assert (again.status_code, again.data) == (304, b"")


@ON_SQLITE
def test_head__like_get__has_headers_and_no_body(stored):
    answer = stored.client.head(URL, query_string={"statementId": FULL}, headers=stored.headers)

    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["ETag"]


@ON_SQLITE
@pytest.mark.parametrize("version", [None, "0.95", "1.1.0", "3.0", "1.0.x", ""])
def test_version__missing_or_another__is_400_by_xapi_00331(lrs, version):
    headers = {name: value for name, value in lrs.headers.items() if "Version" not in name}
    if version is not None:
        headers["X-Experience-API-Version"] = version
    other = Lrs(lrs.client, headers)

    answers = [other.post(plain()), other.put(ID, plain()), other.get()]

    assert [answer.status_code for answer in answers] == [400, 400, 400]
    assert lrs.find() == []


@ON_SQLITE
def test_version__two__is_answered_by_two_and_kept(lrs2):
    [statement_id] = lrs2.post(plain()).json

    answer = lrs2.get(statementId=statement_id)

    assert answer.headers["X-Experience-API-Version"] == "2.0.0"
    assert answer.json["version"] == "2.0.0"


@ON_SQLITE
def test_about__by_version__names_what_is_spoken(lrs, lrs2):
    of_one = lrs.client.get("/xapi/about", headers=lrs.headers)
    of_two = lrs2.client.get("/xapi/about", headers=lrs2.headers)

    assert of_one.json == {"version": ["1.0.0", "1.0.1", "1.0.2", "1.0.3"]}
    assert of_two.json["version"][-1] == "2.0.0"


@ON_SQLITE
@pytest.mark.parametrize("path", ["activities/state", "agents/profile", "activities", "agents"])
@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
def test_documents__of_any_kind__are_404_and_say_what_is_here(lrs, path, method):
    answer = lrs.client.open(f"/xapi/{path}", method=method, headers=lrs.headers)

    assert answer.status_code == 404
    assert "statements" in answer.json["detail"]


@ON_SQLITE
@pytest.mark.parametrize(
    "content_type", ["text/plain", "multipart/mixed; boundary=x", "application/xml"]
)
def test_post__of_another_media_type__is_400_by_xapi_00127(lrs, content_type):
    answer = lrs.post_raw(b"{}", content_type)

    assert answer.status_code == 400
    assert "application/json" in answer.json["detail"]


@ON_SQLITE
def test_post__parameter__is_400(lrs):
    assert lrs.post_raw(json.dumps(plain()), query="?statementId=" + ID).status_code == 400


@ON_SQLITE
def test_alternate_syntax__put_and_get_in_forms__do_as_the_methods_do(lrs):
    form = "application/x-www-form-urlencoded"
    put = lrs.client.post(
        URL + "?method=PUT",
        data={
            "statementId": ID,
            "content": json.dumps(plain()),
            "Content-Type": "application/json",
        },
        headers=lrs.headers,
    )
    got = lrs.client.post(URL + "?method=GET", data={"statementId": ID}, headers=lrs.headers)
    beside = lrs.post_raw("content=%7B%7D", form, "?method=PUT&statementId=" + OTHER_ID)
    without_content = lrs.post_raw("statementId=" + ID, form, "?method=PUT")

    assert (put.status_code, got.json["id"]) == (204, ID)
    assert (beside.status_code, without_content.status_code) == (400, 400)


HOSTILE = {
    "deep": b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    "deep list": b"[" * 100_000,
    "NaN": b'{"result": NaN}',
    "huge number": b'{"result": {"score": {"raw": 1e999}}}',
    "long number": b'{"result": {"score": {"raw": ' + b"9" * 5_000 + b"}}}",
    "lone surrogate": b'{"actor": "\\ud800"}',
    "NUL": json.dumps(plain(actor={**ANN, "name": "a\0b"})).encode(),
    "no UTF-8": b'{"actor": "\xff"}',
    "huge id": json.dumps(plain(id="i" * 200_000)).encode(),
    "long IRI": json.dumps(plain(verb={"id": "https://a.b/" + "x" * 3_000})).encode(),
    "nothing": b"",
    "empty list": b"[]",
    "list of lists": b"[[[]]]",
    "a number": b"42",
    "null": b"null",
}


@ON_SQLITE
def test_post__hostile_body__is_a_400_problem(lrs):
    answers = {name: lrs.post_raw(raw) for name, raw in HOSTILE.items()}

    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(
        HOSTILE, 400
    )
    assert all(answer.content_type == "application/problem+json" for answer in answers.values())


@ON_SQLITE
def test_post__too_large__is_413_by_xapi_00328(lrs):
    wide = plain(result={"extensions": {"https://a.b/c": ["x" * 90_000] * 4}})

    assert lrs.post(wide).status_code == 413
    assert lrs.post([plain()] * 1_001).status_code == 413
    assert lrs.post_raw(b" " * 6_000_000).status_code == 413


@ON_SQLITE
def test_credentials__of_each_kind__open_only_what_they_may(client, keys, lrs):
    version = {"X-Experience-API-Version": "1.0.3"}
    secret = keys.secret()
    cases = {
        "bearer": keys.headers(),
        "another user name": basic(secret, "someone"),
        "whole key as user name": basic(secret, secret),
        "no colon": {"Authorization": "Basic YWJj"},
        "no base64": {"Authorization": "Basic \u00a7"},
        "unknown key": basic(secret[:-1] + ("A" if secret[-1] != "A" else "B")),
        "client key": basic(keys.secret("client")),
        "management key": keys.manage("admin"),
        "nobody": {},
    }
    found = {
        name: (
            Lrs(client, {**headers, **version}).get().status_code,
            Lrs(client, {**headers, **version}).post(plain()).status_code,
        )
        for name, headers in cases.items()
    }

    assert found == {
        "bearer": (200, 200),
        "another user name": (401, 401),
        "whole key as user name": (401, 401),
        "no colon": (401, 401),
        "no base64": (401, 401),
        "unknown key": (401, 401),
        "client key": (403, 200),
        "management key": (403, 403),
        "nobody": (401, 401),
    }


@ON_SQLITE
def test_credentials__basic_elsewhere__are_401(client, keys):
    assert client.get("/api/v1/payload", headers=basic(keys.secret())).status_code == 401
