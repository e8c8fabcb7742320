"""KIND RULES: the one table that says which of our event kinds an outside action is.

An action is an xAPI verb, or a Caliper event's type and action (``AssessmentEvent/Submitted``). A
rule may be for one type of thing only: an IRI, a Caliper type, or one of the ``CLASSES`` below.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final, NamedTuple

XAPI: Final = "xapi"
CALIPER: Final = "caliper"
STANDARDS: Final = (XAPI, CALIPER)
ANY: Final = ""  # about whatever
SILENT: Final = ""  # the kind of what is kept and is no event: it says nothing of the learner's day

_ADL: Final = "http://adlnet.gov/expapi/"
_TINCAN: Final = "http://id.tincanapi.com/"
_STREAMS: Final = "http://activitystrea.ms/schema/1.0/"
_W3ID: Final = "https://w3id.org/xapi/"

CLASSES: Final[Mapping[str, str]] = {
    f"{_ADL}activities/course": "course",
    f"{_TINCAN}activitytype/lms/course": "course",
    f"{_W3ID}cmi5/activitytype/course": "course",
    f"{_ADL}activities/module": "module",
    f"{_ADL}activities/lesson": "module",
    f"{_TINCAN}activitytype/lms/module": "module",
    f"{_TINCAN}activitytype/section": "module",
    f"{_W3ID}cmi5/activitytype/block": "module",
    f"{_ADL}activities/assessment": "assessment",
    f"{_ADL}activities/performance": "assessment",
    f"{_ADL}activities/simulation": "assessment",
    f"{_ADL}activities/attempt": "assessment",
    f"{_TINCAN}activitytype/school-assignment": "assessment",
    f"{_ADL}activities/question": "question",
    f"{_ADL}activities/interaction": "question",
    f"{_ADL}activities/cmi.interaction": "question",
    f"{_TINCAN}activitytype/discussion": "discussion",
    f"{_TINCAN}activitytype/forum-topic": "discussion",
    f"{_TINCAN}activitytype/forum-reply": "discussion",
    f"{_W3ID}video/activity-type/video": "video",
    f"{_ADL}activities/media": "video",
}
"""Activity type of xAPI to its class, so that a rule need not name each publisher's IRI."""


class Rule(NamedTuple):
    """One row: an action, perhaps about one type of thing, is of a kind."""

    standard: str
    action: str
    about: str
    kind: str  # SILENT: no event


def _rows(standard: str, kind: str, about: str, *actions: str) -> tuple[Rule, ...]:
    return tuple(Rule(standard, action, about, kind) for action in actions)


BUILT_IN: Final = (
    # a course and what it is made of
    *_rows(XAPI, "course_completed", "course", f"{_ADL}verbs/completed", f"{_ADL}verbs/passed"),
    *_rows(XAPI, "course_completed", "course", f"{_TINCAN}verb/completed", f"{_ADL}verbs/mastered"),
    *_rows(XAPI, "course_completed", "course", f"{_W3ID}adl/verbs/satisfied"),
    *_rows(XAPI, "course_progressed", ANY, f"{_ADL}verbs/progressed", f"{_ADL}verbs/completed"),
    *_rows(XAPI, "course_progressed", ANY, f"{_TINCAN}verb/completed", f"{_ADL}verbs/mastered"),
    *_rows(XAPI, "course_progressed", ANY, f"{_W3ID}adl/verbs/satisfied", f"{_ADL}verbs/attended"),
    *_rows(XAPI, "custom:failed", "course", f"{_ADL}verbs/failed"),
    # assessments; answering one question of a quiz does not finish it
    *_rows(XAPI, "challenge_completed", "assessment", f"{_ADL}verbs/completed"),
    *_rows(XAPI, "challenge_completed", "assessment", f"{_TINCAN}verb/completed"),
    *_rows(XAPI, "challenge_completed", ANY, f"{_ADL}verbs/passed", f"{_ADL}verbs/failed"),
    *_rows(XAPI, "challenge_completed", ANY, f"{_STREAMS}submit", f"{_TINCAN}verb/submitted"),
    *_rows(XAPI, "challenge_completed", ANY, f"{_W3ID}acrossx/verbs/evaluated"),
    *_rows(XAPI, "challenge_started", ANY, f"{_ADL}verbs/attempted", f"{_STREAMS}start"),
    *_rows(XAPI, "content_viewed", ANY, f"{_ADL}verbs/answered", f"{_ADL}verbs/asked"),
    # looking at things
    *_rows(XAPI, "content_viewed", ANY, f"{_ADL}verbs/experienced", f"{_ADL}verbs/interacted"),
    *_rows(XAPI, "content_viewed", ANY, f"{_TINCAN}verb/viewed", f"{_TINCAN}verb/downloaded"),
    *_rows(XAPI, "content_viewed", ANY, f"{_W3ID}dod-isd/verbs/navigated"),
    *_rows(XAPI, "content_viewed", ANY, f"{_W3ID}video/verbs/played"),
    *_rows(XAPI, "content_viewed", "video", f"{_ADL}verbs/initialized"),
    *_rows(XAPI, "custom:video", ANY, f"{_W3ID}video/verbs/paused", f"{_W3ID}video/verbs/seeked"),
    # coming and going
    *_rows(XAPI, "session_started", ANY, f"{_ADL}verbs/launched", f"{_ADL}verbs/initialized"),
    *_rows(XAPI, "session_started", ANY, f"{_ADL}verbs/resumed", f"{_W3ID}adl/verbs/logged-in"),
    *_rows(XAPI, "session_started", ANY, "https://brindlewaye.com/xAPITerms/verbs/loggedin/"),
    *_rows(XAPI, "custom:left", ANY, f"{_ADL}verbs/terminated", f"{_ADL}verbs/exited"),
    *_rows(XAPI, "custom:left", ANY, f"{_ADL}verbs/suspended", f"{_W3ID}adl/verbs/abandoned"),
    *_rows(XAPI, "custom:left", ANY, f"{_W3ID}adl/verbs/logged-out"),
    *_rows(XAPI, "custom:left", ANY, "https://brindlewaye.com/xAPITerms/verbs/loggedout/"),
    # rewards
    *_rows(XAPI, "reward_claimed", ANY, f"{_TINCAN}verb/earned", f"{_W3ID}tla/verbs/achieved"),
    *_rows(XAPI, "reward_claimed", ANY, f"{_STREAMS}receive", f"{_STREAMS}achieve"),
    # one another
    *_rows(XAPI, "peer_post", ANY, f"{_W3ID}acrossx/verbs/posted", f"{_ADL}verbs/shared"),
    *_rows(XAPI, "peer_post", ANY, f"{_STREAMS}share", f"{_STREAMS}post"),
    *_rows(XAPI, "peer_post", "discussion", f"{_STREAMS}create"),
    *_rows(XAPI, "peer_comment", ANY, f"{_ADL}verbs/commented", f"{_TINCAN}verb/replied"),
    *_rows(XAPI, "peer_reaction", ANY, f"{_STREAMS}like", f"{_STREAMS}favorite"),
    *_rows(XAPI, "peer_reaction", ANY, f"{_W3ID}acrossx/verbs/liked", f"{_ADL}verbs/preferred"),
    *_rows(XAPI, "peer_reaction", ANY, f"{_W3ID}openedx/verb/voted", f"{_TINCAN}verb/voted-up"),
    *_rows(XAPI, "recognition_given", ANY, f"{_STREAMS}endorse", f"{_TINCAN}verb/recommended"),
    # what others do to a learner, often for whole classes at night: no sign of the learner
    *_rows(XAPI, SILENT, ANY, f"{_ADL}verbs/registered", f"{_TINCAN}verb/unregistered"),
    *_rows(XAPI, SILENT, ANY, f"{_TINCAN}verb/enrolled", f"{_TINCAN}verb/unenrolled"),
    *_rows(XAPI, SILENT, ANY, f"{_ADL}verbs/scored", f"{_W3ID}adl/verbs/waived"),
    *_rows(XAPI, SILENT, ANY, f"{_ADL}verbs/voided"),
    # Caliper
    *_rows(CALIPER, "session_started", ANY, "SessionEvent/LoggedIn", "ToolLaunchEvent/Launched"),
    *_rows(CALIPER, "session_started", ANY, "SessionEvent/Started"),
    *_rows(CALIPER, "custom:left", ANY, "SessionEvent/LoggedOut", "SessionEvent/TimedOut"),
    *_rows(CALIPER, "content_viewed", ANY, "NavigationEvent/NavigatedTo", "ViewEvent/Viewed"),
    *_rows(CALIPER, "content_viewed", ANY, "MediaEvent/Started", "MediaEvent/Resumed"),
    *_rows(CALIPER, "content_viewed", ANY, "ResourceManagementEvent/Downloaded"),
    *_rows(CALIPER, "content_viewed", ANY, "AssessmentItemEvent/Completed", "ViewEvent/Searched"),
    *_rows(CALIPER, "course_progressed", ANY, "MediaEvent/Ended"),
    *_rows(CALIPER, "challenge_started", ANY, "AssessmentEvent/Started", "AssignableEvent/Started"),
    *_rows(CALIPER, "challenge_completed", ANY, "AssessmentEvent/Submitted"),
    *_rows(CALIPER, "challenge_completed", ANY, "AssignableEvent/Submitted"),
    *_rows(CALIPER, "challenge_completed", ANY, "AssignableEvent/Completed"),
    *_rows(CALIPER, "peer_post", ANY, "ThreadEvent/Created", "MessageEvent/Posted"),
    *_rows(CALIPER, "peer_post", ANY, "AnnotationEvent/Shared"),
    *_rows(CALIPER, "peer_comment", ANY, "FeedbackEvent/Commented"),
    *_rows(CALIPER, "peer_reaction", ANY, "FeedbackEvent/Ranked", "MessageEvent/Liked"),
    *_rows(CALIPER, "recognition_given", ANY, "MessageEvent/Recommended"),
    *_rows(CALIPER, SILENT, ANY, "GradeEvent/Graded", "MessageEvent/MarkedAsRead"),
)
"""What holds in every environment unless its own rules say otherwise."""

_BY_ACTION: Final = {(rule.standard, rule.action, rule.about): rule.kind for rule in BUILT_IN}


@dataclass(frozen=True)
class KindTable:
    """The rules of one environment: its own first, then the built-in ones."""

    own: Mapping[tuple[str, str, str], str] = field(default_factory=dict)

    def find(self, standard: str, action: str, about: str | None) -> str | None:
        """The kind of an action about a type of thing, ``SILENT``, or None: no rule knows it.

        Own rules come before built-in ones, and of each the one that names the type comes before
        the one for its class, before the one about anything.
        """
        steps = (about or ANY, CLASSES.get(about or ANY, ANY), ANY)
        for rules in (self.own, _BY_ACTION):
            for step in steps:
                kind = rules.get((standard, action, step))
                if kind is not None:
                    return kind
        return None


def slug(action: str) -> str:
    """A short name of an action that no rule knows: the last word of its IRI.

    >>> slug("http://example.org/verbs/Danced-with")
    'danced-with'
    """
    words = [word for word in re.split(r"[^a-z0-9_-]+", action.lower()) if word.strip("-_")]
    if words and len(words[-1]) <= 64:
        return words[-1].strip("-_")
    return "action-" + blake2b(action.encode(), digest_size=6).hexdigest()
