"""Storing statements, on both databases: once, never changed, voided, all or none, and an event."""

from concurrent.futures import ThreadPoolExecutor

import orjson
import pytest
from sqlmodel import select

from experiment_server.ingest.pseudonyms import Pseudonyms
from experiment_server.quarantine.models import QuarantinedItem
from experiment_server.xapi import service
from experiment_server.xapi.models import XapiMention, XapiStatement
from tests.experiment_server.buffered import buffered_rows
from tests.experiment_server.xapi.conftest import Lrs, basic
from tests.experiment_server.xapi.examples import (
    ANN,
    BEN,
    ID,
    OTHER_ID,
    STATEMENT,
    VOIDED,
    changed,
    plain,
    reference,
)
from tests.factories import make_keys


def events(database, keys):
    return buffered_rows(database, keys.environment.id, "events")


def test_post__one_statement__is_given_back_with_what_a_store_fills_in(lrs):
    [statement_id] = lrs.post(STATEMENT).json

    found = lrs.get(statementId=statement_id)

    body = found.json
    assert found.status_code == 200
    assert body["id"] == statement_id
    assert body["version"] == "1.0.0"
    assert body["stored"].endswith("Z")
    assert body["authority"]["account"]["name"].startswith("key:")
    assert body["context"]["contextActivities"]["parent"] == [
        STATEMENT["context"]["contextActivities"]["parent"]  # XAPI-00096: in an array
    ]
    for name in ("actor", "verb", "object", "result", "timestamp"):
        assert body[name] == STATEMENT[name]


def test_post__without_a_timestamp__has_that_of_its_storing(lrs):
    [statement_id] = lrs.post(plain()).json

    body = lrs.get(statementId=statement_id).json

    assert body["timestamp"] == body["stored"]


def test_post__authority_and_stored_of_the_sender__are_replaced(lrs):
    sent = plain(authority=BEN, stored="2001-01-01T00:00:00Z")

    [statement_id] = lrs.post(sent).json

    body = lrs.get(statementId=statement_id).json
    assert "mbox" not in body["authority"]
    assert body["stored"] > "2026"


def test_post__batch__gives_the_ids_in_order(lrs):
    answer = lrs.post([plain(id=ID), plain(), plain(id=OTHER_ID)])

    assert answer.status_code == 200
    assert (answer.json[0], answer.json[2]) == (ID, OTHER_ID)


def test_post__batch_with_a_bad_statement__stores_nothing(lrs, database, keys):
    answer = lrs.post([plain(id=ID), plain(verb={"id": "should fail"})])

    assert answer.status_code == 400
    assert lrs.get(statementId=ID).status_code == 404
    assert events(database, keys) == []


def test_post__the_same_statement_again__is_stored_once_and_one_event(lrs, database, keys):
    first = lrs.post({**STATEMENT, "id": ID})
    kept = lrs.get(statementId=ID).json

    again = lrs.post({**STATEMENT, "id": ID})
    as_given_back = lrs.put(ID, kept)

    assert (first.status_code, again.status_code, again.json) == (200, 200, [ID])
    assert as_given_back.status_code == 204
    assert lrs.find() == [ID]
    assert lrs.get(statementId=ID).json == kept
    assert [row["event_id"] for row in events(database, keys)] == [f"xapi:{ID}"]


def test_post__the_same_batch_by_four_at_once__is_stored_once(app, lrs, database, keys):
    batch = [plain(id=f"{number:08x}-0000-4000-8000-000000000000") for number in range(20)]

    def send(_number):
        return Lrs(app.test_client(), lrs.headers).post(batch).status_code

    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(send, range(4)))

    assert statuses == [200] * 4
    assert len(lrs.find()) == len(events(database, keys)) == 20


SAME = {
    "display of the verb": changed("verb.display", {"en": "done"}),
    "definition of the activity": changed("object.definition", {"name": {"en": "Other"}}),
    "order of members": changed("context.team.member", [BEN, ANN]),
    "one activity in an array": changed(
        "context.contextActivities.parent", [{"id": "https://lms.example.org/module/2"}]
    ),
    "written otherwise": changed("timestamp", "2026-03-01T10:30:00.123000+01:00"),
    "number": changed("result.score.raw", 50.0),
}
DIFFERENT = {
    "actor": changed("actor", BEN),
    "verb": changed("verb.id", "http://adlnet.gov/expapi/verbs/passed"),
    "object": changed("object.id", "https://lms.example.org/quiz/8"),
    "result": changed("result.success", False),
    "context": changed("context.platform", "Other"),
    "time": changed("timestamp", "2026-03-01T09:31:00Z"),
}


@pytest.mark.parametrize("difference", SAME)
def test_post__what_immutability_leaves_out__is_the_same_statement(lrs, difference):
    lrs.post({**STATEMENT, "id": ID})

    answer = lrs.post({**SAME[difference], "id": ID})

    assert answer.status_code == 200


@pytest.mark.parametrize("difference", DIFFERENT)
def test_post__another_statement_with_the_id__is_409_and_changes_nothing(lrs, difference):
    lrs.post({**STATEMENT, "id": ID})
    before = lrs.get(statementId=ID).json

    by_post = lrs.post([plain(id=OTHER_ID), {**DIFFERENT[difference], "id": ID}])
    by_put = lrs.put(ID.upper(), DIFFERENT[difference])

    assert (by_post.status_code, by_put.status_code) == (409, 409)
    assert lrs.get(statementId=ID).json == before
    assert lrs.get(statementId=OTHER_ID).status_code == 404


def test_put__a_statement__is_204_and_has_the_id(lrs):
    answer = lrs.put(ID, plain())

    assert (answer.status_code, answer.data) == (204, b"")
    assert lrs.get(statementId=ID).json["id"] == ID


@pytest.mark.parametrize(
    ("statement_id", "body"),
    [(None, plain()), ("nothing", plain()), (ID, plain(id=OTHER_ID)), (ID, [plain()])],
)
def test_put__without_one_id_and_one_statement__is_400(lrs, statement_id, body):
    assert lrs.put(statement_id, body).status_code == 400


def test_voiding__a_statement__hides_it_from_all_but_voided_statement_id(lrs):
    lrs.put(ID, plain())

    [voiding] = lrs.post(reference(VOIDED, ID)).json

    assert lrs.get(statementId=ID).status_code == 404
    assert lrs.get(voidedStatementId=ID).json["id"] == ID
    assert lrs.get(voidedStatementId=voiding).status_code == 404
    assert lrs.find() == [voiding]


def test_voiding__before_the_statement_comes__voids_it_and_makes_no_event(lrs, database, keys):
    lrs.post(reference(VOIDED, ID))

    lrs.put(ID, plain())

    assert lrs.get(voidedStatementId=ID).status_code == 200
    assert events(database, keys) == []


def test_voiding__a_voiding_statement__is_ignored(lrs):
    lrs.put(ID, plain())
    lrs.put(OTHER_ID, reference(VOIDED, ID))

    lrs.post(reference(VOIDED, OTHER_ID))

    assert lrs.get(statementId=OTHER_ID).status_code == 200
    assert lrs.get(voidedStatementId=ID).status_code == 200


def test_voiding__with_a_client_key__is_403(client, keys, lrs):
    public = Lrs(client, {**lrs.headers, **basic(keys.secret("client"))})
    lrs.put(ID, plain())

    answer = public.post(reference(VOIDED, ID))

    assert answer.status_code == 403
    assert public.post(plain()).status_code == 200
    assert lrs.get(statementId=ID).status_code == 200


def test_event__of_a_statement__has_the_pseudonym_kind_share_and_places(lrs, database, keys):
    lrs.put(ID, STATEMENT)

    [row] = events(database, keys)

    assert row["learner"] == Pseudonyms(keys.environment.pseudonym_key).learner("ann")
    assert (row["kind"], row["value"]) == ("challenge_completed", 0.5)
    assert row["activity"] == "https://lms.example.org/quiz/7"
    assert row["course"] == "https://lms.example.org/course/1"
    assert "ann" not in orjson.dumps(row).decode()


def test_statement__that_no_kind_rule_knows__is_kept_and_waits_in_quarantine(lrs, database, keys):
    lrs.put(ID, plain(verb={"id": "https://example.org/verbs/danced"}))

    assert lrs.get(statementId=ID).status_code == 200
    assert events(database, keys) == []
    with database.read() as session:
        [waiting] = session.exec(select(QuarantinedItem)).all()
    assert (waiting.standard, waiting.field) == ("xapi", "verb")
    assert waiting.learner == Pseudonyms(keys.environment.pseudonym_key).learner("ann")


def test_statement__that_rules_are_silent_about__is_kept_and_nothing_else(lrs, database, keys):
    lrs.put(ID, plain(verb={"id": "http://adlnet.gov/expapi/verbs/registered"}))

    with database.read() as session:
        assert session.exec(select(QuarantinedItem)).all() == []
    assert lrs.get(statementId=ID).status_code == 200
    assert events(database, keys) == []


def test_store__of_another_environment__is_another_store(client, database, lrs):
    other = Lrs(client, {**lrs.headers, **basic(make_keys(database, "staging").secret())})
    lrs.put(ID, plain())

    stored = other.put(ID, STATEMENT)

    assert other.get(statementId=ID).json["context"]
    assert stored.status_code == 204
    assert "context" not in lrs.get(statementId=ID).json


def test_forget_learner__named_in_any_role__removes_the_statement_and_its_mentions(
    lrs, database, keys
):
    carl = {"account": {"homePage": "https://lms.example.org", "name": "carl"}}
    lrs.put(ID, STATEMENT)  # ann's, with ben as instructor
    [kept] = lrs.post(plain(actor=carl)).json
    pseudonym = Pseudonyms(keys.environment.pseudonym_key).learner("ben@example.org")

    with database.write() as session:
        n_removed = service.forget_learner(session, keys.environment.id, pseudonym)

    assert n_removed == 1
    assert lrs.find() == [kept]
    with database.read() as session:
        [left] = session.exec(select(XapiStatement)).all()
        assert {row.position for row in session.exec(select(XapiMention))} == {left.position}


def test_forget_before__a_time__removes_what_was_stored_before(lrs, database, keys):
    lrs.put(ID, plain())
    lrs.put(OTHER_ID, plain())
    with database.read() as session:
        last = service.consistent_through(session, keys.environment.id)

    with database.write() as session:
        n_removed = service.forget_before(session, keys.environment.id, last)

    assert n_removed == 1
    assert lrs.find() == [OTHER_ID]


def test_post__a_key_twice_among_very_many__is_refused_at_once(lrs):
    keys = "".join(f'"{n}":0,' for n in range(300_000))

    answer = lrs.post_raw("{" + keys + '"last":0,"last":1}')

    assert answer.status_code == 400
    assert "the key 'last' twice" in answer.json["detail"]
