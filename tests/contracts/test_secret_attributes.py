"""Salted hashes and saved groups in what clients receive: the official SDKs decide as the server.

The server reads the plain payload with plain attributes. The SDKs read the protected one, with the
secret attribute hashed as GrowthBook's users hash theirs: SHA-256 of the salt and the value.
"""

import json
from collections.abc import Iterator
from hashlib import sha256

import pytest

from assignment import parse_payload
from experiment_server.delivery.protect import Secrets, plain_growthbook, protect
from tests.contracts.peers import JavaScriptPeer, ask_ours, ask_python, javascript_sdk

SALT = "b" * 32
EMAILS = [f"person-{number}@example.org" for number in range(12)]
GROUPS = {"pilots": EMAILS[:4], "level-ups": [1, 3], "schools": ["north", "south"], "nobody": []}
SECRETS = Secrets(frozenset({"email", "staff"}), SALT, GROUPS)
CONDITIONS = {
    "equal": {"email": EMAILS[1]},
    "equal by operator": {"email": {"$eq": EMAILS[1]}},
    "unequal": {"email": {"$ne": EMAILS[1]}},
    "among": {"email": {"$in": EMAILS[2:5]}},
    "among none": {"email": {"$nin": EMAILS[2:5]}},
    "in a group": {"email": {"$inGroup": "pilots"}},
    "in no group": {"email": {"$notInGroup": "pilots"}},
    "in an empty group": {"email": {"$inGroup": "nobody"}},
    "in an unknown group": {"email": {"$notInGroup": "missing"}},
    "negated": {"email": {"$not": {"$in": EMAILS[:2]}}},
    "there": {"email": {"$exists": True}},
    "not there": {"email": {"$exists": False}},
    "null": {"email": {"$eq": None}},
    "one of a list": {"staff.emails": {"$elemMatch": {"$eq": EMAILS[5]}}},
    "any of a list": {"staff.emails": {"$in": [EMAILS[5], EMAILS[0]]}},
    "all of a list": {"staff.emails": {"$all": [EMAILS[5], EMAILS[6]]}},
    "length of a list": {"staff.emails": {"$size": 2}},
    "combined": {"$or": [{"email": EMAILS[3]}, {"school": {"$inGroup": "schools"}}]},
    "neither": {"$nor": [{"email": EMAILS[3]}, {"level": {"$inGroup": "level-ups"}}]},
    "open group of numbers": {"level": {"$inGroup": "level-ups"}},
    "outside of an open group": {"school": {"$notInGroup": "schools"}},
    "a number": {"staff.number": {"$in": [7, 8]}},
}


def hashed(value):
    """A secret value as a host hands it in."""
    return sha256((SALT + str(value)).encode()).hexdigest()


def people():
    """Plain attributes of people whom the conditions tell apart, and one without any."""
    made = [
        {
            "id": f"learner-{number}",
            "email": email,
            "school": ("north", "south", "west")[number % 3],
            "level": number % 5,
            "staff": {"emails": EMAILS[number : number + 2], "number": number},
        }
        for number, email in enumerate(EMAILS)
    ]
    return [*made, {"id": "learner-12"}]


def as_client(person):
    """The same with what is secret hashed."""
    if "email" not in person:
        return person
    staff = person["staff"]
    hidden = {"emails": [hashed(one) for one in staff["emails"]], "number": hashed(staff["number"])}
    return {**person, "email": hashed(person["email"]), "staff": hidden}


@pytest.fixture(scope="module")
def payload():
    rules = {name: [{"condition": part, "force": True}] for name, part in CONDITIONS.items()}
    features = {name: {"defaultValue": False, "rules": rule} for name, rule in rules.items()}
    return {"features": features, "savedGroups": GROUPS, "dateUpdated": "now"}


@pytest.fixture(scope="module")
def shown(payload):
    """What clients receive."""
    return plain_growthbook(protect(payload, (), SECRETS))


@pytest.fixture(scope="module")
def decided(payload):
    """What the server says, by condition and person."""
    asks = [(name, person) for name in CONDITIONS for person in people()]
    return ask_ours(parse_payload(payload), asks)


@pytest.fixture(scope="module")
def javascript() -> Iterator[JavaScriptPeer]:
    with JavaScriptPeer(javascript_sdk()) as peer:
        yield peer


def asks():
    return [(name, as_client(person)) for name in CONDITIONS for person in people()]


def test_protected_payload__by_ours_and_the_python_sdk__decides_as_the_server(shown, decided):
    assert ask_ours(parse_payload(shown), asks()) == decided
    assert ask_python(shown, asks()) == decided


def test_protected_payload__by_the_javascript_sdk__decides_as_the_server(
    shown, decided, javascript
):
    assert javascript.ask(shown, asks()) == decided


def test_protected_payload__of_each_condition__is_told_and_names_nobody(shown, decided):
    assert set(shown["features"]) == set(CONDITIONS)
    assert "example.org" not in json.dumps(shown)
    n = len(people())
    answers = [{one.value for one in decided[at : at + n]} for at in range(0, len(decided), n)]
    assert sum(len(both) == 2 for both in answers) >= len(CONDITIONS) - 2


@pytest.mark.parametrize("operator", ["$ini", "$nini", "$alli", "$regex", "$gt", "$vgt", "$type"])
def test_operator__that_no_hash_answers__keeps_its_flag_from_clients(operator):
    condition = {"email": {operator: EMAILS[:1] if operator.endswith("i") else "a"}}
    rules = [{"condition": condition, "force": True}]
    payload = {"features": {"x": {"rules": rules}}, "savedGroups": {}, "dateUpdated": "now"}

    assert protect(payload, (), SECRETS)["features"] == {}
