"""Who an actor is: the learner's id as SDK callers would write it, and the key it is found by."""

from collections.abc import Iterator
from typing import Any

from experiment_server.statements.grammar import CONTEXT_ACTIVITIES, IDENTIFIERS


def learner_id(agent: Any) -> str | None:
    """The id of the learner that an agent is; None for a group.

    ``account.name`` is the id itself, so that an LMS names a learner alike here and in the SDK; a
    mailbox is its address without ``mailto:``; a digest or an OpenID stands for itself.
    """
    if agent.get("objectType") == "Group":
        return None
    if "account" in agent:
        return str(agent["account"]["name"])
    if "mbox" in agent:
        return str(agent["mbox"]).removeprefix("mailto:")
    if "mbox_sha1sum" in agent:
        return str(agent["mbox_sha1sum"]).lower()
    return str(agent["openid"])


def identifier(agent: Any) -> str | None:
    """An agent's or group's inverse functional identifier as one text; None for an anonymous group.

    >>> identifier({"mbox": "mailto:ann@example.org"})
    'mbox mailto:ann@example.org'
    """
    for name in IDENTIFIERS:
        value = agent.get(name)
        if name == "account" and value is not None:
            return f"account {value['homePage']} {value['name']}"
        if value is not None:
            return f"{name} {value.lower() if name == 'mbox_sha1sum' else value}"
    return None


def agents_in(person: Any) -> Iterator[Any]:
    """A person and, for a group, its members."""
    yield person
    yield from person.get("member", ())


def people_of(statement: Any) -> Iterator[Any]:
    """Every agent and group that a statement or a sub-statement names, its actor first."""
    yield from agents_in(statement["actor"])
    if "authority" in statement:
        yield from agents_in(statement["authority"])
    context = statement.get("context", {})
    for role in ("instructor", "team"):
        if role in context:
            yield from agents_in(context[role])
    for one in context.get("contextAgents", ()):
        yield one["agent"]
    for one in context.get("contextGroups", ()):
        yield from agents_in(one["group"])
    kind = statement["object"].get("objectType")
    if kind in ("Agent", "Group"):
        yield from agents_in(statement["object"])
    elif kind == "SubStatement":
        yield from people_of(statement["object"])


def activities_of(statement: Any) -> Iterator[Any]:
    """Every activity of a statement: its object's, its context's, and its sub-statement's."""
    kind = statement["object"].get("objectType", "Activity")
    if kind == "Activity":
        yield statement["object"]
    elif kind == "SubStatement":
        yield from activities_of(statement["object"])
    context = statement.get("context", {}).get("contextActivities", {})
    for role in CONTEXT_ACTIVITIES:
        yield from context.get(role, ())
