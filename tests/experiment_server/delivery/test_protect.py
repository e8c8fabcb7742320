"""Clients receive nobody's id and no secret value, and decide as servers do."""

import base64
import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assignment import evaluate, parse_payload
from experiment_server.delivery.protect import CannotTell, Secrets, plain_growthbook, protect
from tests.experiment_server.delivery.definitions import CANARY_EMAILS, CANARY_IDS

SECRETS = Secrets(
    frozenset({"email"}), "a" * 32, {"pilots": ["ada@example.org", "bob@example.org"]}
)


def payload_of(*rules, **parts):
    features = {"flag": {"defaultValue": "no", "rules": list(rules)}}
    return {"features": features, "savedGroups": {}, "dateUpdated": "now", **parts}


def told(condition, value="yes", **parts):
    return protect(payload_of({"condition": condition, "force": value}, **parts), (), SECRETS)


def answer(payload, **attributes):
    return evaluate(parse_payload(payload), "flag", attributes).value


def hashed(email):
    return hashlib.sha256(("a" * 32 + email).encode()).hexdigest()


@pytest.mark.parametrize("condition", [{"id": "ada"}, {"id": {"$in": ["ada", "bob"]}}])
def test_rule__for_named_learners__finds_them_and_nobody_else_without_naming_them(condition):
    shown = told(condition)

    named = {"ada"} if condition == {"id": "ada"} else {"ada", "bob"}
    learners = [*named, *(f"learner-{n}" for n in range(3000)), "Ada", "ada "]
    assert {learner for learner in learners if answer(shown, id=learner) == "yes"} == named
    assert "ada" not in json.dumps(shown)


def test_rule__for_named_learners_and_a_role__needs_both():
    shown = told({"id": {"$eq": "ada"}, "role": "seller"})

    assert answer(shown, id="ada", role="seller") == "yes"
    assert answer(shown, id="ada", role="coach") == "no"


def test_rings__of_two_learners__are_independent():
    """A place shared on one ring says nothing of the next: all three agree once in 10^12."""
    places = [
        tuple(ring["ranges"][0][0] for ring in SECRETS.rings("id", f"learner-{n}"))
        for n in range(20_000)
    ]

    shared = [
        sum(len(group) * (len(group) - 1) // 2 for group in by_places(places, rings))
        for rings in (1, 2, 3)
    ]
    pairs = 20_000 * 19_999 / 2
    assert shared[0] == pytest.approx(pairs / 1e4, rel=0.1)
    assert shared[1] <= 15  # 2 are expected
    assert shared[2] == 0


def by_places(places, rings):
    groups = {}
    for place in places:
        groups.setdefault(place[:rings], []).append(place)
    return groups.values()


@pytest.mark.parametrize(
    "part",
    [
        {"$in": ["ada@example.org", "bob@example.org"]},
        {"$inGroup": "pilots"},
        {"$not": {"$nin": ["ada@example.org", "bob@example.org"]}},
    ],
)
def test_secret_attribute__in_a_condition__is_compared_as_salted_hash(part):
    shown = told({"email": part}, savedGroups=dict(SECRETS.groups))

    assert answer(shown, email=hashed("ada@example.org")) == "yes"
    assert answer(shown, email=hashed("cyd@example.org")) == "no"
    assert "example.org" not in json.dumps(shown)


def test_secret_attribute__negated_or_of_a_list__keeps_its_meaning():
    negated = told({"email": {"$ne": "ada@example.org", "$exists": True}})
    listed = told({"email": {"$elemMatch": {"$eq": "ada@example.org"}}})

    assert answer(negated, email=hashed("ada@example.org")) == "no"
    assert answer(negated, email=hashed("bob@example.org")) == "yes"
    assert answer(listed, email=[hashed("x"), hashed("ada@example.org")]) == "yes"


def test_saved_group__of_an_open_attribute__stays_and_an_unused_one_goes():
    groups = {"pilots": ["ada@example.org"], "places": ["emea"]}

    shown = told({"region": {"$inGroup": "places"}}, savedGroups=groups)

    assert shown["savedGroups"] == {"places": ["emea"]}
    assert answer(shown, region="emea") == "yes"


@pytest.mark.parametrize(
    "condition",
    [
        {"email": {"$regex": "ada"}},
        {"email": {"$gt": "ada"}},
        {"email": {"$elemMatch": {"host": "ada"}}},
        {"email": ["ada"]},
        {"email.host": {"$vgt": "ada"}},
        {"id": {"$nin": ["ada"]}},
        {"id": {"$in": ["ada"], "$ne": "bob"}},
        {"id": {"$in": [f"ada-{n}" for n in range(1001)]}},
        {"$or": [{"id": "ada"}, {"role": "seller"}]},
        {"$not": {"id": "ada"}},
        {"$and": [{"$nor": [{"id": "ada"}]}]},
    ],
)
def test_flag__that_cannot_be_told_without_naming__stays_with_the_servers(condition):
    assert told(condition)["features"] == {}


NESTED = Secrets(frozenset({"email", "contact.email", "contacts.email", "staff"}), "a" * 32, {})


def told_nested(condition):
    return protect(payload_of({"condition": condition, "force": "yes"}), (), NESTED)


@pytest.mark.parametrize(
    "condition",
    [
        {"contact": {"email": "ada@example.org", "role": "seller"}},
        {"contact": {"$eq": {"email": "ada@example.org", "role": "seller"}}},
        {"contact": {"$in": [{"email": "ada@example.org"}]}},
        {"contact": {"$not": {"email": "ada@example.org"}}},
        {"contact.email": {"$in": ["ada@example.org"]}},
        {"contacts": {"$elemMatch": {"email": "ada@example.org", "role": "seller"}}},
        {"contacts": {"$elemMatch": {"$or": [{"email": {"$eq": "ada@example.org"}}]}}},
        {"contacts": {"$elemMatch": {"$not": {"email": "ada@example.org"}}}},
        {"contacts": [{"email": "ada@example.org"}]},
        {"contacts.0.email": "ada@example.org"},
        {"$and": [{"$nor": [{"contact": {"email": "ada@example.org"}}]}]},
        {"staff.lead.email": "ada@example.org"},
    ],
)
def test_secret_path__below_an_open_attribute__is_hashed(condition):
    shown = json.dumps(told_nested(condition))

    assert "ada" not in shown
    assert shown.count(hashed("ada@example.org")) == 1


@pytest.mark.parametrize(
    "condition",
    [
        {"people": {"$elemMatch": {"email": "ada@example.org"}}},
        {"people": {"email": "ada@example.org"}},
        {"people.0.email": {"$eq": "ada@example.org"}},
        {"people": [{"email": "ada@example.org"}]},
        {"partner": {"contact": {"email": "ada@example.org"}}},
        {"partner": {"contact.email": "ada@example.org"}},
        {"contact": {"email": {"$regex": "ada"}}},
        {"contact": {"email": ["ada@example.org"]}},
        {"peers": {"$elemMatch": {"id": "ada"}}},
        {"peers": {"$not": {"$elemMatch": {"id": {"$in": ["ada"]}}}}},
        {"mentor": {"id": "ada"}},
        {"mentor.id": "ada"},
        {"$or": [{"mentor": {"$in": [{"id": "ada"}]}}]},
    ],
)
def test_secret__below_another_attribute__keeps_its_flag_from_clients(condition):
    assert told_nested(condition)["features"] == {}


def test_prerequisite__with_a_secret_value__does_not_tell_it():
    parent = {"id": "parent", "condition": {"value": {"contact": {"id": "ada"}}}}
    payload = payload_of({"parentConditions": [parent], "force": "yes"})
    payload["features"]["parent"] = {"defaultValue": 1, "rules": []}

    assert set(protect(payload, (), NESTED)["features"]) == {"parent"}


def test_nested_secret__by_its_hash__fits_as_on_the_server():
    shown = told_nested({"contacts": {"$elemMatch": {"email": "ada@example.org", "role": "coach"}}})

    def fits(email):
        return answer(shown, contacts=[{"email": hashed(email), "role": "coach"}]) == "yes"

    assert fits("ada@example.org")
    assert not fits("bob@example.org")


NAMES = ["email", "contact", "contacts", "contact.email", "contacts.0", "id", "staff", "role"]
OPERATORS = [
    "$eq",
    "$ne",
    "$in",
    "$nin",
    "$all",
    "$not",
    "$elemMatch",
    "$gt",
    "$and",
    "$or",
    "$nor",
]
CANARY = "canary"
WHOSE = {"email", "id", "staff"}
PARTS = st.recursive(
    st.sampled_from(["seller", 7, True, None]),
    lambda below: st.one_of(
        st.lists(below, max_size=2),
        st.dictionaries(st.sampled_from(NAMES), below, min_size=1, max_size=2),
        st.dictionaries(st.sampled_from(OPERATORS), below, min_size=1, max_size=1),
    ),
    max_leaves=8,
)
CONDITIONS = st.dictionaries(st.sampled_from([*NAMES, "$and", "$or", "$nor", "$not"]), PARTS)


def with_canaries(part, secret=False):
    """The same condition with a canary wherever it says something of somebody."""
    if isinstance(part, list):
        return [with_canaries(member, secret) for member in part]
    if not isinstance(part, dict):
        return CANARY if secret else part
    return {
        name: with_canaries(below, secret or not set(name.split(".")).isdisjoint(WHOSE))
        for name, below in part.items()
    }


@settings(max_examples=300, deadline=None)
@given(condition=CONDITIONS)
def test_condition__however_nested__shows_no_secret_value(condition):
    assert CANARY not in json.dumps(told_nested(with_canaries(condition)))


def test_experiment__for_named_learners__stays_with_the_servers():
    rule = {"condition": {"id": "ada"}, "variations": [1, 2], "meta": [{"key": "a"}, {"key": "b"}]}

    assert protect(payload_of(rule), (), SECRETS)["features"] == {}


def test_flag__waiting_for_one_that_stays__stays_as_well():
    payload = payload_of({"condition": {"email": {"$regex": "a"}}, "force": 1})
    waiting = [{"id": "flag", "condition": {"value": 1}}]
    payload["features"]["child"] = {"rules": [{"parentConditions": waiting, "force": 1}]}
    further = [{"id": "child", "condition": {"value": 1}}]
    payload["features"]["grandchild"] = {"rules": [{"parentConditions": further, "force": 1}]}

    assert protect(payload, (), SECRETS)["features"] == {}


def test_titles__of_experiment_and_variants__are_not_told():
    rule = {
        "name": "Do badges work?",
        "variations": ["a", "b"],
        "meta": [{"key": "a", "name": "Old"}, {"key": "b", "name": "New"}],
    }

    (shown,) = protect(payload_of(rule), (), SECRETS)["features"]["flag"]["rules"]

    assert shown == {"variations": ["a", "b"], "meta": [{"key": "a"}, {"key": "b"}]}


def test_growthbook_payload__has_no_word_that_is_not_theirs():
    rule = {"force": 1, "momentum": {"forced_variant": "a"}}
    payload = payload_of(rule, momentum={"version": 1})
    payload["features"]["flag"]["momentum"] = {"experiment": True}

    assert "momentum" not in json.dumps(plain_growthbook(payload))


@pytest.mark.parametrize("value", [None, "", [], {}])
def test_unit__that_is_none__cannot_be_told(value):
    with pytest.raises(CannotTell):
        SECRETS.rings("id", value)


def forms(text):
    """What somebody who searches for a text would search for."""
    raw = text.encode()
    return [
        text,
        base64.b64encode(raw).decode().rstrip("="),
        *(hashlib.new(name, raw).hexdigest() for name in ("md5", "sha1", "sha256")),
    ]


@pytest.mark.usefixtures("defined")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_client_key__whatever_it_can_reach__finds_no_learner_and_no_email(client, client_key):
    header = {"Authorization": f"Bearer {client_key}"}
    context = {"targetingKey": "a-learner", "role": "seller"}
    stream = client.get(f"/sub/{client_key}")
    pages = [
        client.get(f"/api/features/{client_key}").text,
        client.get("/api/v1/payload", headers=header).text,
        client.post(f"/api/eval/{client_key}", json={"attributes": {"id": "a-learner"}}).text,
        client.post("/ofrep/v1/evaluate/flags", json={"context": context}, headers=header).text,
        "".join(next(stream.response).decode() for _ in range(2)),
    ]
    stream.close()

    canaries = [*CANARY_IDS, *CANARY_EMAILS, "canary-team-1"]
    searched = [form for canary in canaries for form in forms(canary)]
    assert [form for form in searched if any(form in page for page in pages)] == []
    assert all("internal" not in page and "Secret badges" not in page for page in pages)
