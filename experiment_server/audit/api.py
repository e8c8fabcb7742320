"""/api/v1/audit: who did what."""

from datetime import datetime
from typing import Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel

from experiment_server import web
from experiment_server.audit import service

blueprint = APIBlueprint("audit", __name__, url_prefix="/api/v1/audit", tag="Audit")


class AuditView(BaseModel):
    """One change."""

    id: int
    at: datetime
    actor: str
    actor_title: str
    action: str
    resource: str
    environment_id: int | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    request_id: str


class AuditList(BaseModel):
    """The newest changes first."""

    items: list[AuditView]
    next: int | None = None


@blueprint.get("")
@blueprint.output(AuditList)
@blueprint.doc(
    summary="List changes, newest first",
    description="Optional: limit, after (the last answer's next), resource=experiment:welcome.",
)
@web.authorize("audit.read")
def list_entries() -> Response:
    """The audit log; a key sees its own environment's part."""
    page = web.page()
    with web.state().database.read() as session:
        entries = service.list_entries(
            session,
            limit=page.limit,
            before_id=page.after,
            environment_id=web.actor().environment_id,
            resource=web.query_text("resource"),
        )
    views = [AuditView.model_validate(entry, from_attributes=True) for entry in entries]
    return web.listing(views, views[-1].id if len(views) == page.limit else None)
