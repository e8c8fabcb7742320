"""Learners bound to requests, tokens for testers, and explanations."""

import asyncio
from types import SimpleNamespace

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from momentum_sdk import Momentum, Variant, qa
from momentum_sdk import django as momentum_django
from momentum_sdk import flask as momentum_flask
from momentum_sdk.learner import Learner
from momentum_sdk.testing import InMemory

from tests.sdk.fault_server import PAYLOAD

SECRET = "a secret of the host"
SELLER = {"role": "seller"}
BADGES = Variant("badges", {"badges": True}, False, "forced")


@pytest.fixture
def alone():
    """A client that decides without a server."""
    return Momentum("nowhere", "mo_server_x", payload=PAYLOAD, offline=True)


def test_learner__bound__answers_as_the_client_does(client, server) -> None:
    bound = client.for_learner("l1", SELLER)

    assert bound.variant("reward-ladder") == client.variant("reward-ladder", "l1", SELLER)
    assert bound.is_on("new-home") is True
    assert bound.value("limit", 1) == 5
    assert bound.explain("reward-ladder") == client.explain("reward-ladder", "l1", SELLER)
    bound.track("login", 2, {"course": "c1"})
    assert client.flush(30)
    assert [event["learner"] for event in server.of_type("event")] == ["l1"]
    assert len(server.of_type("exposure")) == 1


def test_learner__forced__gets_the_variant_and_never_counts(alone) -> None:
    bound = alone.for_learner("l1", SELLER, {"reward-ladder": "badges", "other": "x"})

    assert bound.variant("reward-ladder") == BADGES
    assert "signed token forces" in bound.explain("reward-ladder")
    assert alone.counts().handed == 0


@pytest.mark.parametrize("variant", ["no-such-variant", "", "control "])
def test_learner__forced_into_what_does_not_exist__is_decided_as_usual(alone, variant) -> None:
    bound = alone.for_learner("l1", SELLER, {"reward-ladder": variant})

    assert bound.variant("reward-ladder").reason == "split"
    assert alone.forced_variant("no-such-experiment", variant) is None


def test_token__read_with_its_secret_in_time__forces() -> None:
    token = qa.sign(SECRET, {"reward-ladder": "badges"}, life_s=60, now=1_000)

    assert qa.read(SECRET, token, now=1_059) == {"reward-ladder": "badges"}
    assert qa.read(SECRET, token, now=1_060) == {}
    assert qa.read(SECRET + "!", token, now=1_000) == {}
    assert qa.read("", token, now=1_000) == {}


def test_token__any_byte_changed__forces_nothing() -> None:
    token = qa.sign(SECRET, {"reward-ladder": "badges"})

    for index in range(len(token)):
        other = "A" if token[index] != "A" else "B"
        changed = token[:index] + other + token[index + 1 :]
        assert qa.read(SECRET, changed) == {}


@given(st.one_of(st.none(), st.text(), st.binary(), st.integers()))
def test_token__anything__is_survived(odd) -> None:
    assert qa.read(SECRET, odd) == {}


def test_sign__short_secret_or_long_token__says_what_to_do() -> None:
    with pytest.raises(ValueError, match="16 random characters"):
        qa.sign("short", {})
    with pytest.raises(ValueError, match="fewer variants"):
        qa.sign(SECRET, {f"experiment-{n}": "variant" for n in range(200)})


@pytest.mark.parametrize(
    ("flag", "learner", "attributes", "words"),
    [
        (
            "reward-ladder",
            "l1",
            SELLER,
            "hash of the learner's id put the learner into the variant",
        ),
        ("reward-ladder", "learner-of-the-house", {}, "product manager put the learner into"),
        ("reward-ladder", "l1", {"role": "buyer"}, "not for these attributes, so the variant 'con"),
        ("team-quest", "l1", {"team": "t1"}, "hash of the team put the team into"),
        ("team-quest", "l1", {}, "decides by the team, which was not given"),
        ("new-home", "l1", {}, "Rule 1 is for these attributes and gives true"),
        ("limit", None, None, "its default value 5 applies"),
        ("no-such", "l1", {}, "No flag and no running experiment has this key"),
        ([], object(), 5, ""),
    ],
)
def test_explain__each_reason__is_said_in_words_and_logs_nothing(
    alone, flag, learner, attributes, words
) -> None:
    assert words in alone.explain(flag, learner, attributes)
    assert alone.counts().handed == 0


def test_explain__every_reason__has_its_sentence() -> None:
    from momentum_sdk._assignment import REASONS
    from momentum_sdk._assignment.explaining import SENTENCES

    assert set(REASONS) == set(SENTENCES)


def test_explain__no_definitions__says_so() -> None:
    client = Momentum("nowhere", "mo_server_x", offline=True)

    assert "No definitions are known yet" in client.explain("new-home")


@pytest.fixture
def app(alone):
    """An LMS in Flask; the learner is who the header says."""
    made = Flask("lms")
    made.asked = []

    def who():
        from flask import request

        made.asked.append(1)
        name = request.headers.get("learner")
        if name == "broken":
            raise RuntimeError(name)
        return (name, SELLER) if name else None

    momentum_flask.bind(made, alone, who, qa_secret=SECRET)

    @made.get("/")
    def home():
        bound = momentum_flask.learner()
        first, second = bound.variant("reward-ladder"), bound.variant("reward-ladder")
        assert first == second
        bound.track("login")
        return {"key": first.key, "reason": first.reason}

    @made.get("/about")
    def about():
        return "about"

    return made


def test_flask__request__asks_once_who_the_learner_is(app, alone) -> None:
    client = app.test_client()

    assert client.get("/", headers={"learner": "l1"}).json["reason"] == "split"
    assert client.get("/about").text == "about"
    assert len(app.asked) == 1
    assert alone.counts().handed >= 2


@pytest.mark.parametrize("name", ["", "broken"])
def test_flask__nobody_or_a_failing_question__gets_the_page(app, alone, name) -> None:
    answered = app.test_client().get("/", headers={"learner": name})

    assert answered.json == {"key": "control", "reason": "no_unit"}
    assert alone.counts().handed == 0


def test_flask__signed_link__forces_and_goes_on_by_its_cookie(app) -> None:
    client, headers = app.test_client(), {"learner": "l1"}
    token = qa.sign(SECRET, {"reward-ladder": "badges"})

    answered = client.get(f"/?momentum_qa={token}", headers=headers)

    assert answered.json == {"key": "badges", "reason": "forced"}
    assert "HttpOnly" in answered.headers["Set-Cookie"]
    assert client.get("/", headers=headers).json == {"key": "badges", "reason": "forced"}


def test_flask__forged_link__forces_nothing_and_leaves_no_cookie(app) -> None:
    token = qa.sign("another secret of it", {"reward-ladder": "badges"})

    answered = app.test_client().get(f"/?momentum_qa={token}", headers={"learner": "l1"})

    assert answered.json["reason"] == "split"
    assert "Set-Cookie" not in answered.headers


def test_flask__without_a_secret__tokens_mean_nothing(alone) -> None:
    app = Flask("lms")
    momentum_flask.bind(app, alone, lambda: ("l1", SELLER))
    app.get("/")(lambda: momentum_flask.learner().variant("reward-ladder").reason)
    token = qa.sign(SECRET, {"reward-ladder": "badges"})

    assert app.test_client().get(f"/?momentum_qa={token}").text == "split"


def test_flask__not_bound__says_what_to_do() -> None:
    app = Flask("lms")

    with app.test_request_context(), pytest.raises(RuntimeError, match="bind"):
        momentum_flask.learner()


class Request(SimpleNamespace):
    """What the middleware uses of Django's request."""

    def __init__(self, get=None, cookies=None) -> None:
        super().__init__(GET=get or {}, COOKIES=cookies or {})

    def is_secure(self) -> bool:
        return True


class Response:
    """What the middleware uses of Django's response."""

    def __init__(self, variant: Variant) -> None:
        self.variant = variant
        self.cookies: dict[str, dict] = {}

    def set_cookie(self, name: str, value: str, **about) -> None:
        self.cookies[name] = {"value": value, **about}


def test_django__request__has_its_learner(alone) -> None:
    build = momentum_django.middleware(alone, lambda _request: ("l1", SELLER), SECRET)
    answer = build(lambda request: Response(request.momentum.variant("reward-ladder")))
    token = qa.sign(SECRET, {"reward-ladder": "badges"})

    assert answer(Request()).variant.reason == "split"
    assert answer(Request(cookies={qa.PARAMETER: token})).variant == BADGES
    by_link = answer(Request(get={qa.PARAMETER: token}))
    assert by_link.variant == BADGES
    assert by_link.cookies[qa.PARAMETER] == {
        "value": token,
        "httponly": True,
        "samesite": "Lax",
        "secure": True,
    }
    assert (build.sync_capable, build.async_capable) == (True, True)


def test_django__asynchronous__has_its_learner_too(alone) -> None:
    async def get_response(request):
        return Response(request.momentum.variant("reward-ladder"))

    answer = momentum_django.middleware(alone, lambda _request: ("l1", SELLER))(get_response)

    assert asyncio.run(answer(Request())).variant.reason == "split"


def test_in_memory__bound__answers_as_told_and_shows_failing_questions() -> None:
    momentum = InMemory(variants={"reward-ladder": "badges"}, values={"new-home": True})
    bound = momentum.for_learner("l1", SELLER, {"other": "blue"})

    assert bound.variant("reward-ladder").key == "badges"
    assert bound.variant("other") == Variant("blue", None, False, "forced")
    assert bound.is_on("new-home")
    assert "fixed" in bound.explain("new-home")
    with pytest.raises(ZeroDivisionError):
        Learner(momentum, lambda: 1 / 0).is_on("new-home")
