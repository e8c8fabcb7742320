"""Statements and events in the shapes that well-known platforms emit.

Written for these tests after the published examples of Moodle's logstore_xapi (its tests; GPL-3.0)
and Open edX's event-routing-backends (its expected fixtures; Apache-2.0), and Canvas's live events
as its documentation shows them. The structure is theirs; names, ids and texts are our own.
"""

_MOODLE = "https://moodle.example.org"
_EDX = "https://courses.example.org"
_LOG = "https://w3id.org/xapi/openedx"


def _moodle_activity(path, activity_type, name):
    return {
        "id": f"{_MOODLE}{path}",
        "definition": {"type": activity_type, "name": {"en": name}},
    }


def _moodle(verb, thing, *, event, grouping=(), **members):
    site = _moodle_activity("", "http://id.tincanapi.com/activitytype/lms", "Academy")
    source = {
        "id": "http://moodle.org",
        "definition": {
            "type": "http://id.tincanapi.com/activitytype/source",
            "name": {"en": "Moodle"},
        },
    }
    return {
        "actor": {"name": "Ada L.", "account": {"homePage": _MOODLE, "name": "17"}},
        "verb": {"id": verb, "display": {"en": verb.rsplit("/", 1)[-1]}},
        "object": thing,
        "timestamp": "2026-03-02T15:31:41+01:00",
        "context": {
            "platform": "Moodle",
            "language": "en",
            "extensions": {
                "http://lrs.learninglocker.net/define/extensions/info": {
                    "http://moodle.org": "4.5.1",
                    "https://github.com/xAPI-vle/moodle-logstore_xapi": "0.0.0-development",
                    "event_name": event,
                    "event_function": f"\\src\\transformer\\events{event}",
                }
            },
            "contextActivities": {"grouping": [site, *grouping], "category": [source]},
        },
        **members,
    }


_COURSE = _moodle_activity(
    "/course/view.php?id=3", "http://id.tincanapi.com/activitytype/lms/course", "Discovery"
)
_QUIZ = _moodle_activity(
    "/mod/quiz/view.php?id=9", "http://adlnet.gov/expapi/activities/assessment", "Objections"
)
_BOOK = _moodle_activity(
    "/mod/book/view.php?id=5", "http://id.tincanapi.com/activitytype/lms/module", "Handbook"
)
_QUESTION = {
    "id": f"{_MOODLE}/question/question.php?cmid=9&id=2",
    "definition": {
        "type": "http://adlnet.gov/expapi/activities/cmi.interaction",
        "name": {"en": "Which one?"},
        "interactionType": "choice",
    },
}
_REPLY = _moodle_activity(
    "/mod/forum/discuss.php?d=4#p8", "http://id.tincanapi.com/activitytype/forum-reply", "Re: Hi"
)
_THREAD = _moodle_activity(
    "/mod/forum/discuss.php?d=4", "http://id.tincanapi.com/activitytype/discussion", "Hi"
)
_BADGE = {
    "id": f"{_MOODLE}/badges/overview.php?id=1",
    "objectType": "Activity",
    "definition": {
        "name": {"en": "Starter"},
        "description": {"en": "A first step"},
        "type": "https://xapi.edlm/profiles/edlm-lms/concepts/activity-types/badge",
        "extensions": {
            "https://xapi.edlm/profiles/edlm-lms/v1/concepts/activity-extensions/badge-version": "1"
        },
    },
}

MOODLE = {
    "quiz submitted": _moodle(
        "http://adlnet.gov/expapi/verbs/completed",
        _QUIZ,
        event="\\mod_quiz\\event\\attempt_submitted",
        grouping=[_COURSE],
        result={
            "score": {"raw": 30, "min": 0, "max": 40, "scaled": 0.75},
            "completion": True,
            "success": True,
            "duration": "PT95S",
        },
    ),
    "question answered": _moodle(
        "http://adlnet.gov/expapi/verbs/answered",
        _QUESTION,
        event="\\mod_quiz\\event\\attempt_submitted",
        grouping=[_COURSE, _QUIZ],
        result={
            "response": "the second",
            "success": True,
            "completion": True,
            "extensions": {
                "http://learninglocker.net/xapi/cmi/choice/response": "the second",
            },
        },
    ),
    "course completed": _moodle(
        "http://id.tincanapi.com/verb/completed",
        _COURSE,
        event="\\core\\event\\course_completed",
    ),
    "module completed": _moodle(
        "http://adlnet.gov/expapi/verbs/completed",
        _BOOK,
        event="\\core\\event\\course_module_completion_updated",
        grouping=[_COURSE],
    ),
    "module viewed": _moodle(
        "http://id.tincanapi.com/verb/viewed",
        _BOOK,
        event="\\mod_book\\event\\course_module_viewed",
        grouping=[_COURSE],
    ),
    "forum reply": _moodle(
        "http://id.tincanapi.com/verb/replied",
        _REPLY,
        event="\\mod_forum\\event\\post_created",
        grouping=[_COURSE, _THREAD],
    ),
    "discussion created": _moodle(
        "http://activitystrea.ms/schema/1.0/create",
        _THREAD,
        event="\\mod_forum\\event\\discussion_created",
        grouping=[_COURSE],
    ),
    "badge awarded": {
        **_moodle(
            "https://w3id.org/xapi/tla/verbs/achieved",
            _BADGE,
            event="\\core\\event\\badge_awarded",
            result={"response": "well done"},
        ),
        "context": {
            "language": "en",
            "instructor": {
                "name": "Tom T.",
                "account": {"homePage": _MOODLE, "name": "2"},
            },
            "contextActivities": {
                "category": {
                    "id": _MOODLE,
                    "objectType": "Activity",
                    "definition": {
                        "name": {"en": "Academy"},
                        "type": "http://id.tincanapi.com/activitytype/lms",
                    },
                },
                "parent": {
                    "id": f"{_MOODLE}/course/view.php?id=3",
                    "objectType": "Activity",
                    "definition": {
                        "name": {"en": "Discovery"},
                        "type": "https://w3id.org/xapi/cmi5/activitytype/course",
                    },
                },
            },
        },
    },
}
"""Statement of Moodle by what happened; ids are given by the store."""

MOODLE_KINDS = {
    "quiz submitted": ("challenge_completed", 0.75),
    "question answered": ("content_viewed", None),
    "course completed": ("course_completed", None),
    "module completed": ("course_progressed", None),
    "module viewed": ("content_viewed", None),
    "forum reply": ("peer_comment", None),
    "discussion created": ("peer_post", None),
    "badge awarded": ("reward_claimed", None),
}


def _edx(number, verb, thing, **members):
    return {
        "id": f"6d1f033b-3f70-458c-b53a-e6bb63cb{number:04d}",
        "actor": {
            "objectType": "Agent",
            "account": {"homePage": _EDX, "name": "32e08e30-f8ae-4ce2-94a8-c2bfe38a70cb"},
        },
        "context": {
            "contextActivities": {
                "parent": [
                    {
                        "id": f"{_EDX}/course/course-v1:Ex+Sell101+2026",
                        "objectType": "Activity",
                        "definition": {
                            "name": {"en-US": "Selling"},
                            "type": "http://adlnet.gov/expapi/activities/course",
                        },
                    }
                ]
            },
            "extensions": {
                f"{_LOG}/extension/transformer-version": "event-routing-backends@9.3.5",
                f"{_LOG}/extensions/session-id": "054c9ddcb76d2096f862e66bda3bc308",
            },
        },
        "object": {"objectType": "Activity", **thing},
        "timestamp": "2026-03-02T05:59:29.700909+00:00",
        "verb": {"display": {"en": verb.rsplit("/", 1)[-1]}, "id": verb},
        "version": "1.0.3",
        **members,
    }


_PROBLEM = {
    "id": f"{_EDX}/xblock/block-v1:Ex+Sell101+2026+type@problem+block@3fc5461f86764ad7bdbdf6cbd",
    "definition": {"type": "http://adlnet.gov/expapi/activities/question"},
}
_POST = {
    "id": f"{_EDX}/api/discussion/v1/threads/64abcdfee68f35002fd013c6",
    "definition": {"type": "http://id.tincanapi.com/activitytype/discussion"},
}
_VIDEO = {
    "id": f"{_EDX}/xblock/block-v1:Ex+Sell101+2026+type@video+block@0b9e39477cf34507a7a48f",
    "definition": {
        "type": "https://w3id.org/xapi/video/activity-type/video",
        "name": {"en": "Hello"},
    },
}
_EDX_COURSE = {
    "id": f"{_EDX}/course/course-v1:Ex+Sell101+2026",
    "definition": {
        "type": "http://adlnet.gov/expapi/activities/course",
        "name": {"en": "Selling"},
    },
}

OPEN_EDX = {
    "problem submitted": _edx(
        1,
        "http://adlnet.gov/expapi/verbs/attempted",
        _PROBLEM,
        result={"score": {"max": 1, "min": 0, "raw": 0, "scaled": 0}, "success": False},
    ),
    "problem checked": _edx(
        2,
        "https://w3id.org/xapi/acrossx/verbs/evaluated",
        _PROBLEM,
        result={"score": {"max": 3, "min": 0, "raw": 3, "scaled": 1.0}, "success": True},
    ),
    "video played": _edx(
        3,
        "https://w3id.org/xapi/video/verbs/played",
        _VIDEO,
        result={"extensions": {"https://w3id.org/xapi/video/extensions/time": 0.033}},
    ),
    "course passed": _edx(
        4, "http://adlnet.gov/expapi/verbs/passed", _EDX_COURSE, result={"success": True}
    ),
    "thread created": _edx(5, "https://w3id.org/xapi/acrossx/verbs/posted", _POST),
    "thread voted": _edx(6, "https://w3id.org/xapi/openedx/verb/voted", _POST),
    "enrolled": _edx(7, "http://adlnet.gov/expapi/verbs/registered", _EDX_COURSE),
}
"""Statement of Open edX by what happened."""

OPEN_EDX_KINDS = {
    "problem submitted": ("challenge_started", None),
    "problem checked": ("challenge_completed", 1.0),
    "video played": ("content_viewed", None),
    "course passed": ("course_completed", None),
    "thread created": ("peer_post", None),
    "thread voted": ("peer_reaction", None),
    "enrolled": None,  # often done for whole classes: no sign of the learner
}


def caliper_event(number, event_type, action, thing, **members):
    """An event as Canvas sends it."""
    return {
        "@context": "http://purl.imsglobal.org/ctx/caliper/v1p2",
        "id": f"urn:uuid:438ff0c6-1231-4a83-8084-23eb67f{number:05d}",
        "type": event_type,
        "actor": {
            "id": "urn:instructure:canvas:user:21070000000000017",
            "type": "Person",
            "extensions": {"com.instructure.canvas": {"user_login": "ada", "entity_id": "17"}},
        },
        "action": action,
        "object": {"id": f"urn:instructure:canvas:{number}", **thing},
        "eventTime": "2026-03-02T16:33:29.000Z",
        "edApp": {"id": "http://canvas.example.org/", "type": "SoftwareApplication"},
        "group": {
            "id": "urn:instructure:canvas:course:1234",
            "type": "CourseOffering",
            "extensions": {"com.instructure.canvas": {"context_type": "Course"}},
        },
        "membership": {
            "id": "urn:instructure:canvas:course:1234:Learner:17",
            "type": "Membership",
            "member": {"id": "urn:instructure:canvas:user:21070000000000017", "type": "Person"},
            "organization": {"id": "urn:instructure:canvas:course:1234", "type": "CourseOffering"},
            "roles": ["Learner"],
        },
        "session": {"id": "urn:instructure:canvas:session:ef686f8ed684abf78cbfa1f6a58112b5"},
        **members,
    }


CALIPER = {
    "signed in": caliper_event(1, "SessionEvent", "LoggedIn", {"type": "SoftwareApplication"}),
    "page seen": caliper_event(2, "NavigationEvent", "NavigatedTo", {"type": "Page"}),
    "assignment handed in": caliper_event(
        3,
        "AssignableEvent",
        "Submitted",
        {"type": "Attempt", "name": "Essay"},
        generated={"id": "urn:x:3", "type": "Score", "scoreGiven": 12, "maxScore": 16},
    ),
    "thread opened": caliper_event(4, "ThreadEvent", "Created", {"type": "Thread"}),
    "graded": caliper_event(5, "GradeEvent", "Graded", {"type": "Attempt"}),
}
CALIPER_KINDS = {
    "signed in": ("session_started", None),
    "page seen": ("content_viewed", None),
    "assignment handed in": ("challenge_completed", 0.75),
    "thread opened": ("peer_post", None),
    "graded": None,
}
