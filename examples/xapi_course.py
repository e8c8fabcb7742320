"""A stock xAPI client sends a course's statements, and the learner's Energize Score moves.

    python examples/xapi_course.py [--port 8080] [--base-url URL --key KEY]

The client is tincan, ADL's for Python (`pip install tincan`); nothing of Momentum is in it but an
address and Basic credentials. First two colleagues' month of learning arrives, and the score is
calibrated on it. Then Ada takes a course: opens it, works through its modules, sits the quiz, talks
in the forum, earns a badge. Her score is printed before and after. Without --base-url the script
starts a server of its own on a fresh store; with it, KEY is a management key with the role admin.
"""

import argparse
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

with warnings.catch_warnings():  # it warns of old Python of its own
    warnings.simplefilter("ignore")
    import tincan

from experiment_server.db import Database
from experiment_server.demo.definitions import open_store
from experiment_server.demo.local_server import ServerError, free_port, running_server
from experiment_server.demo.management import ApiError, ManagementApi
from experiment_server.observe import configure_logging

LMS: Final = "https://lms.example.org"
COURSE: Final = f"{LMS}/course/discovery"
ADL: Final = "http://adlnet.gov/expapi"
SEALED_S: Final = 90.0  # how long the server may take to move events to its lake
OK, REFUSED = 0, 2

VERBS: Final = {
    "launched": f"{ADL}/verbs/launched",
    "experienced": f"{ADL}/verbs/experienced",
    "progressed": f"{ADL}/verbs/progressed",
    "attempted": f"{ADL}/verbs/attempted",
    "passed": f"{ADL}/verbs/passed",
    "commented": f"{ADL}/verbs/commented",
    "earned": "http://id.tincanapi.com/verb/earned",
    "completed": f"{ADL}/verbs/completed",
}
THINGS: Final = {
    "course": ("course/discovery", f"{ADL}/activities/course"),
    "module": ("course/discovery/module/{n}", f"{ADL}/activities/module"),
    "quiz": ("course/discovery/quiz", f"{ADL}/activities/assessment"),
    "thread": ("forum/17", "http://id.tincanapi.com/activitytype/discussion"),
    "badge": ("badge/starter", "https://w3id.org/xapi/openbadges/activities/badge"),
}
# day of the course, verb, thing, and its share where there is a score
PLAN: Final = (
    (0, "launched", "course", None),
    (0, "experienced", "module", None),
    (1, "progressed", "module", None),
    (3, "progressed", "module", None),
    (4, "commented", "thread", None),
    (6, "progressed", "module", None),
    (8, "attempted", "quiz", None),
    (8, "passed", "quiz", 0.9),
    (9, "earned", "badge", None),
    (11, "commented", "thread", None),
    (12, "completed", "course", None),
)


def take_course(learner: str, start: datetime) -> list[Any]:
    """The statements of one learner who takes the course from a day on."""
    return [
        _statement(learner, verb, thing, start + timedelta(days=day, minutes=number), share)
        for number, (day, verb, thing, share) in enumerate(PLAN)
    ]


def _statement(learner: str, verb: str, thing: str, at: datetime, share: float | None) -> Any:
    path, activity_type = THINGS[thing]
    result = None
    if share is not None:
        result = tincan.Result(success=True, score=tincan.Score(scaled=share))
    return tincan.Statement(
        actor=tincan.Agent(account=tincan.AgentAccount(home_page=LMS, name=learner)),
        verb=tincan.Verb(id=VERBS[verb], display=tincan.LanguageMap({"en": verb})),
        object=tincan.Activity(
            id=f"{LMS}/{path.format(n=at.day)}",
            definition=tincan.ActivityDefinition(type=activity_type),
        ),
        result=result,
        context=tincan.Context(
            context_activities=tincan.ContextActivities(
                grouping=[
                    tincan.Activity(
                        id=COURSE,
                        definition=tincan.ActivityDefinition(type=f"{ADL}/activities/course"),
                    )
                ]
            )
        ),
        timestamp=at,
    )


def run(base_url: str, management_key: str) -> None:
    """Send everything; print what the score says.

    Raises:
        ApiError: the server refused.
        ServerError: it took a statement and did not count it.
    """
    api = ManagementApi(base_url, management_key)
    environment = api.get("/environments")["items"][0]["key"]
    place = f"/environments/{environment}"
    made = api.post(f"{place}/keys", {"kind": "server", "title": "LMS by xAPI"})
    lrs = tincan.RemoteLRS(
        endpoint=f"{base_url}/xapi/",
        version="1.0.3",
        username=made["prefix"],
        password=made["secret"],
    )
    now = datetime.now(UTC).replace(microsecond=0)
    _send(lrs, take_course("bea", now - timedelta(days=27)))
    _send(lrs, take_course("cyrus", now - timedelta(days=22)))
    first = now - timedelta(days=14)
    _send(lrs, [_statement("ada", "launched", "course", first - timedelta(days=1), None)])
    api.post(f"{place}/score-versions", {})
    before = api.get(f"{place}/learners/ada/score")
    print(f"Ada before the course: {before['score']:.1f} of 100")
    course = take_course("ada", first)
    ids = _send(lrs, course)
    print(f"tincan sent {len(ids)} statements of the course; the first is {ids[0]}.")
    _send(lrs, course)  # again, as after a lost answer: nothing counts twice
    after = _await_change(api, f"{place}/learners/ada/score", before["score"])
    print(f"Ada after the course: {after['score']:.1f} of 100")
    for component in after["components"]:
        print(f"  {component['component']}: {component['points']:.1f}")


def _send(lrs: Any, statements: Sequence[Any]) -> list[str]:
    answer = lrs.save_statements(list(statements))
    if not answer.success:
        raise ApiError(f"the record store refused: {answer.data.decode()[:300]}")
    return [str(statement.id) for statement in answer.content]


def _await_change(api: ManagementApi, path: str, before: float) -> Any:
    deadline = time.monotonic() + SEALED_S
    while time.monotonic() < deadline:
        found = api.get(path)
        if found["score"] != before:
            return found
        time.sleep(0.3)
    raise ServerError(f"the score is still {before} after {SEALED_S:.0f} s; does it seal?")


def main(arguments: Sequence[str]) -> int:
    """Run as the command line asks; gives the exit code."""
    options = _parse(arguments)
    configure_logging("warning")
    try:
        with _server(options) as (base_url, key):
            run(base_url, key)
    except (ApiError, ServerError, OSError) as error:
        print(error, file=sys.stderr)
        return REFUSED
    return OK


@contextmanager
def _server(options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """The server that was named, or one of our own on a fresh store."""
    if options.base_url is not None:
        yield options.base_url.rstrip("/"), options.key
        return
    with (
        tempfile.TemporaryDirectory(prefix="momentum-xapi-") as folder,
        running_server(Path(folder), free_port(options.port)) as server,
    ):
        database = Database(server.settings.database_url)
        try:
            opened = open_store(database, "xapi@example.org")
        finally:
            database.dispose()
        yield server.base_url, opened.management_key


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Send a course by xAPI and watch the score.")
    parser.add_argument("--port", type=int, default=8080, help="of the script's own server")
    parser.add_argument("--base-url", help="send to this server instead of an own one")
    parser.add_argument("--key", help="a management key with the role admin, for --base-url")
    options = parser.parse_args(arguments)
    if (options.base_url is None) != (options.key is None):
        parser.error("--base-url and --key go together: the server, and a management key of it")
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
