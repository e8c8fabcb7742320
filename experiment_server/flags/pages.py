"""The flags page and its switch."""

from collections.abc import Sequence

from apiflask import APIBlueprint
from flask import Response, request
from sqlmodel import Session
from werkzeug.wrappers import Response as AnyResponse

from dashboards.views import FlagRow, FlagsView, RuleInfo
from experiment_server import pages, web
from experiment_server.environments.models import Environment
from experiment_server.environments.service import load_environment
from experiment_server.flags import service
from experiment_server.flags.changes import FlagChange
from experiment_server.flags.models import Flag, FlagEnvironment
from experiment_server.problems import Problem

blueprint = APIBlueprint("flags_pages", __name__, enable_openapi=False)


@blueprint.get("/flags/<env>")
@web.authorize("definitions.read")
def list_flags(env: str) -> Response:
    """The flags of an environment."""
    with web.state().database.read() as session:
        environment = load_environment(session, env)
        view = FlagsView(
            navigation=pages.frame(session, environment, "flags"),
            flags=tuple(_rows(session, environment, service.list_flags(session))),
            may_switch=web.actor().may("definitions.write"),
        )
    return pages.show(view)


@blueprint.post("/flags/<env>/<key>/switch")
@web.authorize("definitions.write")
def switch_flag(env: str, key: str) -> AnyResponse:
    """Switch a flag on or off, unless somebody changed it meanwhile."""
    state = web.state()
    enabled = request.form.get("enabled") == "on"
    version = pages.form_version()
    try:
        with state.database.write() as session:
            flag = service.load_flag(session, key)
            environment = load_environment(session, env)
            rules = service.load_flag_environment(session, flag, environment).rules
            change = FlagChange(version, enabled, rules, state.clock())
            service.set_flag_environment(session, web.actor(), flag, environment, change)
    except Problem as problem:
        if problem.status != 412:
            raise
        return pages.go("flags_pages.list_flags", notice="flag-stale", env=env)
    notice = "flag-on" if enabled else "flag-off"
    return pages.go("flags_pages.list_flags", notice=notice, env=env)


def _rows(session: Session, environment: Environment, flags: Sequence[Flag]) -> list[FlagRow]:
    places = service.list_flag_environments(session, int(environment.id or 0))
    return [_row(flag, places.get(int(flag.id or 0))) for flag in flags]


def _row(flag: Flag, place: FlagEnvironment | None) -> FlagRow:
    rules = place.rules if place else []
    return FlagRow(
        key=flag.key,
        title=flag.title or flag.key,
        value_type=flag.value_type,
        default_value=flag.default_value,
        enabled=place.enabled if place else False,
        version=place.version if place else 0,
        description=flag.description,
        rules=tuple(
            RuleInfo(
                value=rule["value"],
                title=rule.get("title") or "",
                condition=rule.get("condition") or None,
                coverage=1.0 if rule.get("coverage") is None else rule["coverage"],
            )
            for rule in rules
        ),
        updated_at=place.updated_at if place else None,
    )
