"""A statement to change in tests."""

from copy import deepcopy

ANN = {"account": {"homePage": "https://lms.example.org", "name": "ann"}}
BEN = {"mbox": "mailto:ben@example.org"}
COMPLETED = "http://adlnet.gov/expapi/verbs/completed"
ASSESSMENT = "http://adlnet.gov/expapi/activities/assessment"
COURSE = "http://adlnet.gov/expapi/activities/course"
VOIDED = "http://adlnet.gov/expapi/verbs/voided"
ID = "7ccd3322-e1a5-411a-a67d-6a735c76f119"
OTHER_ID = "12345678-1234-5678-1234-567812345678"
REGISTRATION = "ec531277-b57b-4c15-8d91-d292c5b2b8f7"

STATEMENT = {
    "actor": {**ANN, "name": "Ann", "objectType": "Agent"},
    "verb": {"id": COMPLETED, "display": {"en-US": "completed", "de": "beendete"}},
    "object": {
        "id": "https://lms.example.org/quiz/7",
        "definition": {
            "type": ASSESSMENT,
            "name": {"en": "Quiz", "fr": "Jeu"},
            "description": {"en": "Seven questions"},
            "moreInfo": "https://lms.example.org/quiz/7/about",
            "interactionType": "choice",
            "correctResponsesPattern": ["a"],
            "choices": [{"id": "a", "description": {"en": "A", "de": "Ah"}}, {"id": "b"}],
            "extensions": {"https://example.org/ext": {"anything": None}},
        },
    },
    "result": {
        "score": {"scaled": 0.5, "raw": 50, "min": 0, "max": 100},
        "success": True,
        "completion": True,
        "response": "a",
        "duration": "PT4M30.5S",
        "extensions": {},
    },
    "context": {
        "registration": REGISTRATION,
        "instructor": BEN,
        "team": {"objectType": "Group", "member": [ANN, BEN]},
        "platform": "LMS",
        "revision": "3",
        "language": "en-GB",
        "statement": {"objectType": "StatementRef", "id": OTHER_ID},
        "contextActivities": {
            "parent": {"id": "https://lms.example.org/module/2"},
            "grouping": [
                {"id": "https://lms.example.org/course/1", "definition": {"type": COURSE}}
            ],
        },
    },
    "timestamp": "2026-03-01T09:30:00.123Z",
}


def changed(path, value):
    """The statement with the value at a path such as ``result.score.raw`` put there."""
    statement = deepcopy(STATEMENT)
    *way, last = path.split(".")
    holder = statement
    for step in way:
        holder = holder.setdefault(step, {})
    holder[last] = value
    return statement


def without(path):
    """The statement without the member at a path."""
    statement = deepcopy(STATEMENT)
    *way, last = path.split(".")
    holder = statement
    for step in way:
        holder = holder[step]
    del holder[last]
    return statement


def plain(**members):
    """A small statement with other members."""
    base = {
        "actor": ANN,
        "verb": {"id": COMPLETED},
        "object": {"id": "https://lms.example.org/quiz/7"},
    }
    return {**base, **members}


def reference(verb, target):
    """A statement about another statement."""
    return plain(verb={"id": verb}, object={"objectType": "StatementRef", "id": target})
