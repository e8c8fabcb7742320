"""Stock xAPI clients against a running server: ADL's for Python, @xapi/xapi for JavaScript."""

import warnings
from uuid import uuid4

import pytest

from tests.contracts.node_packages import Program, installed

with warnings.catch_warnings():  # it was written before Python 3.12 and warns of that at import
    warnings.simplefilter("ignore")
    import tincan

PACKAGES = ("@xapi/xapi@3.0.3",)
VERB = "http://adlnet.gov/expapi/verbs/experienced"
VOIDED = "http://adlnet.gov/expapi/verbs/voided"


def agent(name):
    return {"account": {"homePage": "https://lms.example.org", "name": name}}


@pytest.fixture
def lrs(live):
    """tincan's remote record store, with Basic credentials."""
    return tincan.RemoteLRS(
        endpoint=f"{live.url}/xapi/",
        version="1.0.3",
        username=live.server_key[:16],
        password=live.server_key,
    )


def statement(name, **members):
    return tincan.Statement(
        actor=tincan.Agent(
            account=tincan.AgentAccount(home_page="https://lms.example.org", name=name)
        ),
        verb=tincan.Verb(id=VERB, display=tincan.LanguageMap({"en-US": "experienced"})),
        object=tincan.Activity(id="https://lms.example.org/page/1"),
        **members,
    )


def test_tincan__about__hears_a_version_that_it_speaks(lrs):
    answer = lrs.about()

    assert answer.success
    assert "1.0.3" in answer.content.version


def test_tincan__saved_one_and_many__are_retrieved_as_they_were(lrs):
    one = lrs.save_statement(statement("tin-1", id=str(uuid4())))
    many = lrs.save_statements([statement("tin-1"), statement("tin-1")])

    found = [lrs.retrieve_statement(saved.id) for saved in (one.content, *many.content)]

    assert one.response.status == 204
    assert many.success
    assert all(answer.success for answer in found)
    assert [answer.content.actor.account.name for answer in found] == ["tin-1"] * 3
    assert found[0].content.stored is not None


def test_tincan__saved_again_and_changed__is_no_change_and_then_a_conflict(lrs):
    first = statement("tin-2", id=str(uuid4()))
    lrs.save_statement(first)

    again = lrs.save_statement(first)
    changed = lrs.save_statement(statement("someone else", id=str(first.id)))

    assert again.success
    assert changed.response.status == 409


def test_tincan__query_by_agent__pages_through_all_with_more(lrs):
    saved = [lrs.save_statement(statement("tin-3")).content.id for _ in range(3)]
    asked = {
        "agent": tincan.Agent(
            account=tincan.AgentAccount(home_page="https://lms.example.org", name="tin-3")
        ),
        "verb": tincan.Verb(id=VERB),
        "limit": 2,
        "ascending": True,
    }

    first = lrs.query_statements(asked)
    rest = lrs.more_statements(first.content)

    ids = [str(one.id) for page in (first, rest) for one in page.content.statements]
    assert ids == [str(one) for one in saved]
    assert not rest.content.more


def test_tincan__voided__is_found_as_voided_only(lrs):
    saved = lrs.save_statement(statement("tin-4", id=str(uuid4()))).content
    voiding = tincan.Statement(
        actor=saved.actor,
        verb=tincan.Verb(id=VOIDED),
        object=tincan.StatementRef(id=saved.id),
    )

    answer = lrs.save_statement(voiding)

    assert answer.success
    assert not lrs.retrieve_statement(saved.id).success
    assert str(lrs.retrieve_voided_statement(saved.id).content.id) == str(saved.id)


@pytest.fixture
def node(live):
    with Program("xapi.mjs", installed(*PACKAGES)) as program:
        yield program


@pytest.mark.parametrize("version", ["1.0.3", "2.0.0"])
def test_javascript__send_read_find_void__as_its_guide_has_it(live, node, version):
    name, statement_id = f"js-{version}", str(uuid4())
    sent = {"id": statement_id, "actor": agent(name), "verb": {"id": VERB}}
    sent["object"] = {"objectType": "Activity", "id": "https://lms.example.org/page/1"}
    place = {"endpoint": f"{live.url}/xapi/", "version": version}
    node.ask(connect={**place, "user": live.server_key[:16], "password": live.server_key})

    many = [{**sent, "id": str(uuid4())}, {**sent, "id": str(uuid4())}]
    saved = node.ask(call="sendStatement", options={"statement": sent})
    batch = node.ask(call="sendStatements", options={"statements": many})
    read = node.ask(call="getStatement", options={"statementId": statement_id})
    page = node.ask(call="getStatements", options={"agent": agent(name), "limit": 2})
    rest = node.ask(call="getMoreStatements", options={"more": page["data"]["more"]})
    voided = node.ask(
        call="voidStatement", options={"actor": agent(name), "statementId": statement_id}
    )
    gone = node.ask(call="getStatement", options={"statementId": statement_id})
    still = node.ask(call="getVoidedStatement", options={"voidedStatementId": statement_id})
    about = node.ask(call="getAbout")

    assert saved["data"] == [statement_id], saved
    assert batch["data"] == [one["id"] for one in many]
    assert read["data"]["actor"] == agent(name)
    assert [len(part["data"]["statements"]) for part in (page, rest)] == [2, 1]
    assert voided["status"] == 200
    assert (gone["status"], still["status"]) == (404, 200)
    assert "1.0.3" in about["data"]["version"]
