"""The specification's requirements on one statement, by ADL's numbers (XAPI-00001 ...).

The numbers are those of ADL's conformance requirements for record stores of xAPI 1.0.3; what they
ask is written anew here. Statements go through the same reader as a request's body.
"""

import json

import orjson
import pytest

from experiment_server.problems import Problem
from experiment_server.xapi.requests import ONE, TWO, parse_statements
from tests.experiment_server.xapi.examples import (
    ANN,
    BEN,
    COMPLETED,
    ID,
    OTHER_ID,
    STATEMENT,
    VOIDED,
    changed,
    plain,
    reference,
    without,
)

AGENT = {"objectType": "Agent", **ANN}
GROUP = {"objectType": "Group", "member": [BEN]}
SUB = {**plain(), "objectType": "SubStatement"}
ATTACHMENT = {
    "usageType": "https://example.org/usage",
    "display": {"en": "A file"},
    "contentType": "text/plain; charset=utf-8",
    "length": 27,
    "sha2": "495395e777cd98da653df9615d09c0fd6bb2f8d4788394cd53c56a3bfdcd848a",
    "fileUrl": "https://example.org/file",
}
QUESTION = "object.definition."
ONE_COMPONENT = [{"id": "a"}]

GOOD = {
    "as it is": STATEMENT,
    "small": plain(),
    "XAPI-00027 id": plain(id=ID),
    "XAPI-00001 null in extensions": changed("result.extensions", {"https://a.b/c": None}),
    "XAPI-00002 fraction": changed("result.score.raw", 0.12123434),
    "XAPI-00031 group": plain(actor=GROUP),
    "XAPI-00037 identified group without members": plain(actor={"objectType": "Group", **BEN}),
    "XAPI-00038 mailbox": plain(actor=BEN),
    "XAPI-00039 digest": plain(actor={"mbox_sha1sum": "a" * 40}),
    "XAPI-00040 openid": plain(actor={"openid": "https://ann.example.org/"}),
    "XAPI-00046 agent": plain(object=AGENT),
    "XAPI-00046 group": plain(object=GROUP),
    "XAPI-00046 reference": reference(COMPLETED, OTHER_ID),
    "XAPI-00066 sub-statement": plain(object=SUB),
    "XAPI-00077 years": changed("result.duration", "P3Y1M29DT4H35M59.14S"),
    "XAPI-00077 weeks": changed("result.duration", "P4W"),
    "XAPI-00094 one activity": changed("context.contextActivities", {"other": {"id": "a:b"}}),
    "XAPI-00098 authority of two": plain(
        authority={"objectType": "Group", "member": [ANN, {"account": ANN["account"]}]}
    ),
    "XAPI-00101 version": plain(version="1.0.2"),
    "XAPI-00101 short version": plain(version="1.0"),
    "XAPI-00102 attachment elsewhere": plain(attachments=[ATTACHMENT]),
    "XAPI-00121 language and script": changed("verb.display", {"zh-Hant-TW": "x", "und": "y"}),
    "XAPI-00122 nanoseconds": plain(timestamp="2026-03-01T09:30:00.123456789Z"),
    "XAPI-00123 basic format": plain(timestamp="20260301T093000Z"),
    "XAPI-00123 offset": plain(timestamp="2026-03-01T09:30:00+05:30"),
}

BAD = {
    "XAPI-00001 null": changed("result.response", None),
    "XAPI-00001 empty object": changed("result", {}),
    "XAPI-00003 no actor": without("actor"),
    "XAPI-00004 no verb": without("verb"),
    "XAPI-00005 no object": without("object"),
    "XAPI-00006 actor as text": plain(actor="ann"),
    "XAPI-00006 verb as list": plain(verb=[COMPLETED]),
    "XAPI-00007 empty IRI": plain(verb={"id": ""}),
    "XAPI-00008 case of a key": plain(Result={"success": True}),
    "XAPI-00009 case of a value": plain(object={**AGENT, "objectType": "agent"}),
    "XAPI-00010 unknown key": plain(extra=1),
    "XAPI-00010 unknown key inside": changed("result.score.extra", 1),
    "XAPI-00011 IRI without scheme": plain(object={"id": "lms.example.org/quiz"}),
    "XAPI-00011 IRI with a space": plain(object={"id": "https://lms.example.org/a quiz"}),
    "XAPI-00013 language of a map": changed("verb.display", {"a12345678": "x"}),
    "XAPI-00022 timestamp": plain(timestamp="yesterday"),
    "XAPI-00023 stored": plain(stored="01/011/2015"),
    "XAPI-00024 authority": plain(authority={"id": "https://a.b"}),
    "XAPI-00025 attachments as object": plain(attachments=ATTACHMENT),
    "XAPI-00027 id": plain(id="AA97B177-9383-4934-8543-0F91A7A028368"),
    "XAPI-00028 id as number": plain(id=12345),
    "XAPI-00029 id without hyphens": plain(id=ID.replace("-", "")),
    "XAPI-00030 id with other letters": plain(id=ID.replace("7c", "zz")),
    "XAPI-00031 actor is an activity": plain(actor={**ANN, "objectType": "Activity"}),
    "XAPI-00032 objectType as number": plain(actor={**ANN, "objectType": 1}),
    "XAPI-00033 name as number": plain(actor={**ANN, "name": 7}),
    "XAPI-00034 two identifiers": plain(actor={**ANN, **BEN}),
    "XAPI-00034 no identifier": plain(actor={"name": "Ann"}),
    "XAPI-00035 member of an agent": plain(actor={**ANN, "member": [BEN]}),
    "XAPI-00036 member as object": plain(actor={"objectType": "Group", "member": BEN}),
    "XAPI-00036 group in a group": plain(actor={"objectType": "Group", "member": [GROUP]}),
    "XAPI-00037 no member": plain(actor={"objectType": "Group", "member": []}),
    "XAPI-00037 two identifiers": plain(actor={"objectType": "Group", **ANN, **BEN}),
    "XAPI-00038 mailbox without mailto": plain(actor={"mbox": "ann@example.org"}),
    "XAPI-00038 mailbox without address": plain(actor={"mbox": "mailto:ann"}),
    "XAPI-00039 short digest": plain(actor={"mbox_sha1sum": "abc"}),
    "XAPI-00040 openid": plain(actor={"openid": "ann"}),
    "XAPI-00041 account as text": plain(actor={"account": "ann"}),
    "XAPI-00042 no home page": plain(actor={"account": {"name": "ann"}}),
    "XAPI-00042 home page": plain(actor={"account": {"homePage": "lms", "name": "ann"}}),
    "XAPI-00043 no account name": plain(actor={"account": {"homePage": "https://a.b"}}),
    "XAPI-00044 no verb id": plain(verb={"display": {"en": "x"}}),
    "XAPI-00045 display": plain(verb={"id": COMPLETED, "display": "completed"}),
    "XAPI-00046 objectType": plain(object={"id": "https://a.b", "objectType": "Thing"}),
    "XAPI-00047 no activity id": plain(object={"definition": {"name": {"en": "x"}}}),
    "XAPI-00048 definition": plain(object={"id": "https://a.b", "definition": "x"}),
    "XAPI-00049 interaction": changed(QUESTION + "interactionType", "Choice"),
    "XAPI-00050 pattern": changed(QUESTION + "correctResponsesPattern", "a"),
    **{
        f"XAPI-{number} {name}": changed(QUESTION + name, {"id": "a"})
        for number, name in (
            ("00051", "steps"),
            ("00052", "target"),
            ("00053", "source"),
            ("00054", "scale"),
            ("00055", "choices"),
        )
    },
    "XAPI-00056 name": changed(QUESTION + "name", "Quiz"),
    "XAPI-00057 extensions": changed(QUESTION + "extensions", ["x"]),
    "XAPI-00057 key of an extension": changed(QUESTION + "extensions", {"code": 1}),
    "XAPI-00058 component without id": changed(QUESTION + "choices", [{"description": {"en": ""}}]),
    "XAPI-00058 id twice": changed(QUESTION + "choices", [{"id": "a"}, {"id": "a"}]),
    "XAPI-00059 description": changed(QUESTION + "description", 7),
    "XAPI-00060 type": changed(QUESTION + "type", "assessment"),
    "XAPI-00061 moreInfo": changed(QUESTION + "moreInfo", "about"),
    "XAPI-00062 text of a component": changed(
        QUESTION + "choices", [{"id": "a", "description": ""}]
    ),
    "XAPI-00063 component as text": changed(QUESTION + "choices", ["a"]),
    "XAPI-00064 pattern alone": without(QUESTION + "interactionType"),
    "XAPI-00065 agent without objectType": plain(object=ANN),
    "XAPI-00066 sub-statement without verb": plain(
        object={name: value for name, value in SUB.items() if name != "verb"}
    ),
    "XAPI-00067 sub-statement's authority": plain(object={**SUB, "authority": ANN}),
    "XAPI-00068 sub-statement's version": plain(object={**SUB, "version": "1.0.0"}),
    "XAPI-00069 sub-statement's stored": plain(object={**SUB, "stored": "2026-03-01T09:30:00Z"}),
    "XAPI-00070 sub-statement's id": plain(object={**SUB, "id": ID}),
    "XAPI-00071 sub-statement in it": plain(object={**SUB, "object": SUB}),
    "XAPI-00072 reference without id": plain(object={"objectType": "StatementRef"}),
    "XAPI-00073 reference without objectType": plain(object={"id": ID}),
    "XAPI-00074 success": changed("result.success", "true"),
    "XAPI-00075 completion": changed("result.completion", 1),
    "XAPI-00076 response": changed("result.response", 7),
    "XAPI-00077 duration": changed("result.duration", "PA1H0M0S"),
    "XAPI-00077 empty duration": changed("result.duration", "P"),
    "XAPI-00077 early fraction": changed("result.duration", "PT0.5H30M"),
    "XAPI-00124 time points": changed("result.duration", "P0003-06-04T12:30:05"),
    "XAPI-00078 extensions": changed("result.extensions", "x"),
    "XAPI-00079 score as number": changed("result.score", 50),
    "XAPI-00080 max below min": changed("result.score.max", -1),
    "XAPI-00081 min as text": changed("result.score.min", "0"),
    "XAPI-00082 raw above max": changed("result.score.raw", 101),
    "XAPI-00082 raw below min": changed("result.score.raw", -1),
    "XAPI-00083 scaled": changed("result.score.scaled", 1.01),
    "XAPI-00083 scaled as boolean": changed("result.score.scaled", True),
    "XAPI-00084 revision of an agent": plain(object=AGENT, context={"revision": "3"}),
    "XAPI-00085 platform of a reference": {
        **reference(COMPLETED, OTHER_ID),
        "context": {"platform": "LMS"},
    },
    "XAPI-00086 contextActivities": changed("context.contextActivities", ["x"]),
    "XAPI-00087 registration": changed("context.registration", "one"),
    "XAPI-00087 instructor": changed("context.instructor", "Ben"),
    "XAPI-00088 team is an agent": changed("context.team", AGENT),
    "XAPI-00089 revision": changed("context.revision", 3),
    "XAPI-00090 platform": changed("context.platform", 3),
    "XAPI-00091 language": changed("context.language", "english language"),
    "XAPI-00092 statement": changed("context.statement", {"id": ID}),
    "XAPI-00093 key": changed("context.contextActivities", {"Parent": {"id": "https://a.b"}}),
    "XAPI-00094 value": changed("context.contextActivities", {"parent": [{"name": "x"}]}),
    "XAPI-00095 none": changed("context.contextActivities", {}),
    "XAPI-00098 authority of one": plain(authority=GROUP),
    "XAPI-00100 authority of three": plain(
        authority={"objectType": "Group", "member": [ANN, BEN, {"openid": "https://a.b"}]}
    ),
    "XAPI-00101 version": plain(version="0.9"),
    "XAPI-00101 version as number": plain(version=1.0),
    "XAPI-00102 length": plain(attachments=[{**ATTACHMENT, "length": "27"}]),
    "XAPI-00103 sha2": plain(attachments=[{**ATTACHMENT, "sha2": 7}]),
    "XAPI-00104 fileUrl": plain(attachments=[{**ATTACHMENT, "fileUrl": "file"}]),
    "XAPI-00105 contentType": plain(attachments=[{**ATTACHMENT, "contentType": "text"}]),
    "XAPI-00106 display": plain(attachments=[{**ATTACHMENT, "display": "A file"}]),
    "XAPI-00107 usageType": plain(attachments=[{**ATTACHMENT, "usageType": "usage"}]),
    "XAPI-00017 voiding an activity": plain(verb={"id": VOIDED}),
    "XAPI-00123 offset of minus zero": plain(timestamp="2026-03-01T09:30:00-00:00"),
    "XAPI-00123 short minus zero": plain(timestamp="2026-03-01T09:30:00.601-00"),
    "XAPI-00123 a day": plain(timestamp="2026-03-01"),
    "a number": 7,
    "null": None,
    "a text": "statement",
}


@pytest.mark.parametrize("version", [ONE, TWO])
@pytest.mark.parametrize("requirement", GOOD)
def test_statement__that_the_specification_allows__is_taken(requirement, version):
    statement = GOOD[requirement]

    found = parse_statements(orjson.dumps([statement]), version, single=False)

    assert found == [statement]


@pytest.mark.parametrize("version", [ONE, TWO])
@pytest.mark.parametrize("requirement", BAD)
def test_statement__that_the_specification_forbids__is_400_and_named(requirement, version):
    raw = orjson.dumps(BAD[requirement])

    with pytest.raises(Problem) as refused:
        parse_statements(raw, version, single=True)

    assert refused.value.status == 400
    [error] = refused.value.errors
    assert error.field.startswith("statement")
    assert error.expected


@pytest.mark.parametrize("requirement", BAD)
def test_sub_statement__that_the_specification_forbids__is_400(requirement):
    inner = BAD[requirement]
    if not isinstance(inner, dict) or "SubStatement" in json.dumps(inner):
        inner = {"actor": ANN}
    raw = orjson.dumps(plain(object={**inner, "objectType": "SubStatement"}))

    if requirement == "XAPI-00017 voiding an activity":  # a thing meant, not done
        assert parse_statements(raw, ONE, single=True)
        return
    with pytest.raises(Problem) as refused:
        parse_statements(raw, ONE, single=True)
    assert refused.value.status == 400


@pytest.mark.parametrize("where", ["", '"object": {"id": "https://a.b", "id": "https://a.b"}, '])
def test_statement__with_a_key_twice__is_400_by_xapi_00021(where):
    raw = f'{{{where} "actor": 1, "actor": 2}}'.encode()

    with pytest.raises(Problem, match="twice") as refused:
        parse_statements(raw, ONE, single=True)

    assert refused.value.status == 400


def test_statement_of_two__time_without_a_zone__is_400_and_in_one_it_is_utc():
    raw = orjson.dumps(plain(timestamp="2026-03-01T09:30:00"))

    assert parse_statements(raw, ONE, single=True)
    with pytest.raises(Problem, match="zone"):
        parse_statements(raw, TWO, single=True)


def test_statement_of_two__agents_and_groups_of_the_context__are_its_own():
    context = {
        "contextAgents": [{"objectType": "contextAgent", "agent": ANN}],
        "contextGroups": [
            {"objectType": "contextGroup", "group": GROUP, "relevantTypes": ["https://a.b"]}
        ],
    }
    raw = orjson.dumps(plain(context=context))

    assert parse_statements(raw, TWO, single=True)
    with pytest.raises(Problem, match="contextAgents"):
        parse_statements(raw, ONE, single=True)


def test_attachment__without_an_address__is_refused_with_the_remedy():
    here = {name: value for name, value in ATTACHMENT.items() if name != "fileUrl"}

    with pytest.raises(Problem, match="attachment data is not taken"):
        parse_statements(orjson.dumps(plain(attachments=[here])), ONE, single=True)


def test_batch__the_same_id_twice__is_400():
    with pytest.raises(Problem, match="same id twice"):
        parse_statements(orjson.dumps([plain(id=ID), plain(id=ID.upper())]), ONE, single=False)


def test_batch__one_bad_statement__names_its_place():
    with pytest.raises(Problem) as refused:
        parse_statements(orjson.dumps([plain(), plain(id=ID, verb={})]), ONE, single=False)

    assert refused.value.errors[0].field == "statements[1].verb"
    assert refused.value.extra == {"statement_id": ID}
