"""What well-known platforms emit is understood: kind, value, learner, course; the rest says why."""

import math
from datetime import UTC, datetime

import orjson
import pytest

from experiment_server.ingest.items import ParsedItem, Refusal, Rules
from experiment_server.ingest.pseudonyms import Pseudonyms
from experiment_server.ingest.service import parse_batch
from experiment_server.ingest.standards import STANDARDS, caliper, xapi
from experiment_server.kind_rules.table import CALIPER as CALIPER_STANDARD
from experiment_server.kind_rules.table import XAPI, KindTable
from experiment_server.xapi.requests import ONE, parse_statements
from tests.conformance.emitters import (
    CALIPER,
    CALIPER_KINDS,
    MOODLE,
    MOODLE_KINDS,
    OPEN_EDX,
    OPEN_EDX_KINDS,
)
from tests.experiment_server.xapi.examples import ANN, COMPLETED, COURSE, ID, plain

NOW = datetime(2026, 3, 3, tzinfo=UTC)
PSEUDONYMS = Pseudonyms("5a" * 32)


def rules(**own):
    return Rules(NOW, PSEUDONYMS, experiments={}, **own)


def parse_one(standard, item, **own):
    return STANDARDS[standard](item, 0, rules(**own))


@pytest.mark.parametrize(
    ("statements", "kinds", "learner"),
    [
        (MOODLE, MOODLE_KINDS, "17"),
        (OPEN_EDX, OPEN_EDX_KINDS, "32e08e30-f8ae-4ce2-94a8-c2bfe38a70cb"),
    ],
    ids=["Moodle", "Open edX"],
)
def test_xapi__of_a_platform__is_valid_and_the_events_that_it_means(statements, kinds, learner):
    checked = parse_statements(orjson.dumps(list(statements.values())), ONE, single=False)
    found = {}
    for name, statement in zip(statements, checked, strict=True):
        silent = xapi.is_silent(statement, KindTable())
        event = None if silent else parse_one("xapi", {"id": ID, **statement})
        found[name] = event and (event.row["kind"], event.row["value"])
        if event is not None:
            assert event.row["learner"] == PSEUDONYMS.learner(learner)
            assert event.row["course"].startswith("https://")
            assert event.row["occurred_at"] < event.row["received_at"]

    assert found == kinds


def test_caliper__of_canvas__is_the_events_that_it_means():
    found = {}
    for name, item in CALIPER.items():
        silent = caliper.is_silent(item, KindTable())
        event = None if silent else parse_one("caliper", item)
        found[name] = event and (event.row["kind"], event.row["value"])
        if event is not None:
            learner = "urn:instructure:canvas:user:21070000000000017"
            assert event.row["learner"] == PSEUDONYMS.learner(learner)
            assert event.row["course"] == "urn:instructure:canvas:course:1234"
            assert b"ada" not in orjson.dumps(event.row)

    assert found == CALIPER_KINDS


ACTORS = {
    "account": (ANN, "ann"),
    "mailbox": ({"mbox": "mailto:Ann@example.org"}, "Ann@example.org"),
    "digest": ({"mbox_sha1sum": "A" * 40}, "a" * 40),
    "openid": ({"openid": "https://ann.example.org/"}, "https://ann.example.org/"),
}


@pytest.mark.parametrize("actor", ACTORS)
def test_learner__of_each_identifier__is_what_sdk_callers_write(actor):
    sent, learner = ACTORS[actor]

    event = parse_one("xapi", plain(id=ID, actor=sent))

    assert event.row["learner"] == PSEUDONYMS.learner(learner)


def test_progress__reached_so_far__is_a_property_and_not_a_value():
    extension = "https://w3id.org/xapi/cmi5/result/extensions/progress"
    verb = {"id": "http://adlnet.gov/expapi/verbs/progressed"}

    event = parse_one(
        "xapi",
        plain(
            id=ID,
            verb=verb,
            object={
                "id": "https://a.b/c",
                "definition": {"extensions": {"http://id.tincanapi.com/extension/position": 3}},
            },
            result={"extensions": {extension: 40}},
        ),
    )

    assert (event.row["kind"], event.row["value"]) == ("course_progressed", None)
    assert orjson.loads(event.row["properties"])["progress"] == 40
    assert event.row["step"] == 3


def test_kpi_fact__by_an_own_rule__has_the_raw_score():
    own = KindTable({(XAPI, "https://crm.example.org/sold", ""): "sale"})
    sold = plain(
        id=ID,
        verb={"id": "https://crm.example.org/sold"},
        result={"score": {"raw": 1_200, "max": 9_999}},
    )

    event = parse_one("xapi", sold, kinds=own)

    assert (event.row["kind"], event.row["value"]) == ("sale", 1_200.0)


def test_long_names__of_two_activities__stay_two():
    stem = "https://lms.example.org/" + "x" * 300
    rows = [
        parse_one("xapi", plain(id=ID, object={"id": stem + end})).row["activity"] for end in "ab"
    ]

    assert rows[0] != rows[1]
    assert all(len(name) == 200 for name in rows)


def test_kind_table__own_rule__comes_before_a_built_in_one_that_says_more():
    table = KindTable({(XAPI, COMPLETED, ""): "custom:done", (XAPI, COMPLETED, "course"): "sale"})

    assert table.find(XAPI, COMPLETED, COURSE) == "sale"
    assert table.find(XAPI, COMPLETED, "https://example.org/other") == "custom:done"
    assert KindTable().find(XAPI, COMPLETED, COURSE) == "course_completed"
    assert KindTable().find(CALIPER_STANDARD, COMPLETED, None) is None


UNUSABLE_STATEMENTS = {
    "unknown verb": plain(id=ID, verb={"id": "https://example.org/danced"}),
    "a group acts": plain(id=ID, actor={"objectType": "Group", "member": [ANN]}),
    "long learner": plain(id=ID, actor={"openid": "https://a.b/" + "x" * 300}),
    "line break in a name": plain(
        id=ID, actor={"account": {"homePage": "https://a.b", "name": "a\nb"}}
    ),
    "before 2000": plain(id=ID, timestamp="1999-12-31T00:00:00Z"),
    "in two days": plain(id=ID, timestamp="2026-03-05T00:00:01Z"),
    "no id": plain(),
    "not finite": plain(id=ID, result={"score": {"raw": math.nan}}),
    "5,000 digits": plain(id=ID, result={"score": {"raw": 10**5_000}}),
    "lone surrogate": plain(id=ID, object={"id": "https://a.b/\ud800"}),
    "surrogate in a name": plain(
        id=ID, object={"id": "https://a.b", "definition": {"name": {"en": "\ud800"}}}
    ),
    "null": None,
    "text": "statement",
    "list": [plain()],
    "version as list": plain(id=ID, version=[2]),
}
GOOD_CALIPER = CALIPER["page seen"]
UNUSABLE_EVENTS = {
    "null": None,
    "text": "event",
    "empty": {},
    "no id": {**GOOD_CALIPER, "id": None},
    "id is no urn": {**GOOD_CALIPER, "id": "1"},
    "long id": {**GOOD_CALIPER, "id": "urn:uuid:" + "1" * 10_000},
    "no type": {**GOOD_CALIPER, "type": None},
    "type is a list": {**GOOD_CALIPER, "type": ["ViewEvent"]},
    "no action": {**GOOD_CALIPER, "action": None},
    "unknown action": {**GOOD_CALIPER, "action": "Danced"},
    "silent": CALIPER["graded"],
    "no actor": {**GOOD_CALIPER, "actor": None},
    "a program acts": {
        **GOOD_CALIPER,
        "actor": {"id": "https://a.b", "type": "SoftwareApplication"},
    },
    "actor type is a list": {**GOOD_CALIPER, "actor": {"id": "https://a.b", "type": ["Person"]}},
    "actor with NUL": {**GOOD_CALIPER, "actor": "a\0b"},
    "no time": {**GOOD_CALIPER, "eventTime": None},
    "time without zone": {**GOOD_CALIPER, "eventTime": "2026-03-02T16:33:29"},
    "surrogate": {**GOOD_CALIPER, "object": {"id": "urn:x", "name": "\ud800"}},
    "huge score": {
        **CALIPER["assignment handed in"],
        "generated": {"type": "Score", "scoreGiven": 1e300, "maxScore": 1},
    },
}


@pytest.mark.parametrize(
    ("standard", "name"),
    [
        *(("xapi", name) for name in UNUSABLE_STATEMENTS),
        *(("caliper", name) for name in UNUSABLE_EVENTS),
    ],
)
def test_standard__poison_between_good_items__refuses_it_alone(standard, name):
    bad = (UNUSABLE_STATEMENTS if standard == "xapi" else UNUSABLE_EVENTS)[name]
    good = plain(id=ID) if standard == "xapi" else GOOD_CALIPER

    parsed, refused = parse_batch([good, bad, good], rules(), standard)

    assert len(parsed) == 2
    assert all(isinstance(item, ParsedItem) for item in parsed)
    [refusal] = refused
    assert isinstance(refusal, Refusal)
    assert refusal.index == 1
    assert refusal.field
    assert refusal.remedy
    assert 0 < len(refusal.reason) < 500
    orjson.dumps(refusal.to_json())
