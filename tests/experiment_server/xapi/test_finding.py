"""Finding statements: what fits is found by whichever way, and no way reads the whole store."""

import json
import random
from uuid import UUID

import pytest
import sqlalchemy as sa

from experiment_server.xapi import finding
from tests.experiment_server.xapi.examples import ANN, BEN, plain, reference

VERBS = [f"https://example.org/verbs/{name}" for name in ("sang", "danced", "drew")]
ACTIVITIES = [f"https://example.org/activities/{n}" for n in range(3)]
VOIDED = "http://adlnet.gov/expapi/verbs/voided"
QUERIES = [
    {"verb": VERBS[0]},
    {"agent": json.dumps(BEN)},
    {"agent": json.dumps(BEN), "related_agents": "true"},
    {"verb": VERBS[1], "activity": ACTIVITIES[1]},
    {"verb": VERBS[2], "agent": json.dumps(ANN), "activity": ACTIVITIES[0]},
    {"verb": "https://example.org/verbs/none"},
]
WAYS = pytest.mark.parametrize("few", [finding.FEW, 5, -1], ids=["gathered", "either", "walked"])


def identify(n):
    return str(UUID(int=n))


def make_store(rng, n_statements=60):
    """Statements, references to earlier ones and to later ones, references to those, voidings."""
    made = []
    for n in range(n_statements):
        target = identify(rng.randrange(n_statements))
        kind = rng.random()
        if kind < 0.4:
            one = reference(rng.choice(VERBS), target)
        elif kind < 0.45:
            one = reference(VOIDED, target)
        else:
            one = plain(verb={"id": rng.choice(VERBS)}, object={"id": rng.choice(ACTIVITIES)})
        made.append({**one, "id": identify(n), "actor": rng.choice([ANN, BEN])})
    return made


def is_reference(statement):
    return statement["object"].get("objectType") == "StatementRef"


def expected(statements, query):
    """The ids that a query gives, the latest first, by the specification's own words."""
    by_id = {one["id"]: one for one in statements}
    voiding = [one for one in statements if one["verb"]["id"] == VOIDED]
    voided = {one["object"]["id"] for one in voiding} - {one["id"] for one in voiding}

    def fits(one):
        return (
            query.get("verb", one["verb"]["id"]) == one["verb"]["id"]
            and ("agent" not in query or json.loads(query["agent"]) == one["actor"])
            and query.get("activity", one["object"]["id"]) == one["object"]["id"]
        )

    def leads(one, n_steps):
        if fits(one):
            return True
        target = by_id.get(one["object"]["id"]) if is_reference(one) else None
        return n_steps > 0 and target is not None and leads(target, n_steps - 1)

    found = [one["id"] for one in statements if one["id"] not in voided and leads(one, 2)]
    return found[::-1]


def find_by_pages(lrs, **query):
    """Every id, page by page."""
    answer = lrs.get(**query)
    found = [one["id"] for one in answer.json["statements"]]
    while answer.json["more"]:
        answer = lrs.client.get(answer.json["more"], headers=lrs.headers)
        found += [one["id"] for one in answer.json["statements"]]
    return found


@WAYS
def test_find__whatever_refers_to_what__gives_what_fits_in_pages_and_either_order(
    lrs, monkeypatch, few
):
    statements = make_store(random.Random(7))
    for one in statements:
        assert lrs.post(one).status_code == 200
    monkeypatch.setattr(finding, "FEW", few)

    for query in QUERIES:
        wanted = expected(statements, query)
        assert lrs.find(**query) == wanted
        assert find_by_pages(lrs, **query, limit=3) == wanted
        assert find_by_pages(lrs, **query, limit=4, ascending="true") == wanted[::-1]


def test_find__since_and_until_with_a_filter__are_spans_of_positions(lrs):
    stored = []
    for n in range(6):
        [one] = lrs.post(plain(verb={"id": VERBS[n % 2]})).json
        stored.append((one, lrs.get(statementId=one).json["stored"]))

    found = lrs.find(verb=VERBS[0], since=stored[0][1], until=stored[4][1])

    assert found == [stored[4][0], stored[2][0]]


@WAYS
def test_find__by_a_filter__goes_by_indexes_only(lrs, database, monkeypatch, few):
    for one in make_store(random.Random(7)):
        lrs.post(one)
    monkeypatch.setattr(finding, "FEW", few)
    asked = []

    def note(_connection, _cursor, statement, parameters, _context, _many):
        if "xapi_" in statement:
            asked.append((statement, parameters))

    sa.event.listen(database._engine, "before_cursor_execute", note)
    for query in (*QUERIES, {"since": "2040-01-01T00:00:00Z"}):
        lrs.find(**query)
    sa.event.remove(database._engine, "before_cursor_execute", note)

    plans = [line for one in asked for line in explain(database, *one)]
    assert asked
    assert [line for line in plans if "Seq Scan" in line or line.startswith("SCAN xapi")] == []


def explain(database, statement, parameters):
    """How the database would go about it, when there is much of everything."""
    is_postgresql = database.dialect == "postgresql"
    with database.read() as session:
        connection = session.connection()
        if is_postgresql:  # of so small a table it would read all
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        word = "EXPLAIN " if is_postgresql else "EXPLAIN QUERY PLAN "
        return [row[-1] for row in connection.exec_driver_sql(word + statement, parameters)]
