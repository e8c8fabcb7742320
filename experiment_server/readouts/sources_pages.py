"""The sources page: what each is, and what its last validation found."""

from datetime import datetime

from apiflask import APIBlueprint
from flask import Response, request
from werkzeug.wrappers import Response as AnyResponse

from analysis.warehouse.mapping import Rows
from dashboards.source_rows import SourceFinding, SourceRow
from dashboards.views import SourcesView
from experiment_server import pages, web
from experiment_server.environments.service import load_environment
from experiment_server.readouts import source_checks
from experiment_server.security import rate_limits
from experiment_server.sources import service
from experiment_server.sources.models import Source

blueprint = APIBlueprint("sources_pages", __name__, enable_openapi=False)

MAX_KEY = 64


@blueprint.get("/sources/<env>")
@web.authorize("definitions.read")
def list_sources(env: str) -> Response:
    """The sources of an environment."""
    with web.state().database.read() as session:
        environment = load_environment(session, env)
        found = service.list_sources(session, int(environment.id or 0))
        view = SourcesView(
            navigation=pages.frame(session, environment, "sources"),
            sources=tuple(_row(source) for source in found),
            may_validate=web.actor().may("results.compute"),
        )
    return pages.show(view)


@blueprint.post("/sources/<env>/<key>/validate")
@web.authorize("results.compute")
@rate_limits.limited(rate_limits.WAREHOUSE)
def validate_source(env: str, key: str) -> AnyResponse:
    """Look at a source's tables."""
    state = web.state()
    experiment = request.form.get("experiment", "").strip()[:MAX_KEY] or None
    with state.database.read() as session:
        environment = load_environment(session, env)
    source_checks.validate_source(state, web.actor(), environment, key, experiment)
    return pages.go("sources_pages.list_sources", notice="source-validated", env=env)


def _row(source: Source) -> SourceRow:
    found = source.validation or {"at": None, "version": 0, "findings": []}
    mapping = service.parsed(source.mapping)
    return SourceRow(
        key=source.key,
        title=source.title,
        variable=source.url_variable,
        tables=tuple(f"{path} from {_table(part)}" for path, part in mapping.parts()),
        version=source.version,
        checked_at=datetime.fromisoformat(found["at"]) if found["at"] else None,
        checked_version=found["version"],
        findings=tuple(
            SourceFinding(each["severity"], each["field"], each["sentence"], each["remedy"])
            for each in found["findings"]
        ),
    )


def _table(part: Rows) -> str:
    return part.table or "a query"
