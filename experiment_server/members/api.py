"""/api/v1/members: people who sign in."""

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field, StrictBool

from experiment_server import web
from experiment_server.members import service
from experiment_server.members.models import Member
from experiment_server.web import Body

blueprint = APIBlueprint("members_api", __name__, url_prefix="/api/v1/members", tag="Members")


class NewMemberBody(Body):
    """A new member."""

    email: str = Field(max_length=254)
    role: str = Field(max_length=20)
    password: str = Field(max_length=1000)


class MemberChangeBody(Body):
    """What to change; each ends the member's open sessions."""

    role: str | None = Field(default=None, max_length=20)
    password: str | None = Field(default=None, max_length=1000)
    disabled: StrictBool | None = None


class MemberView(BaseModel):
    """A member without the password."""

    id: int
    email: str
    role: str
    disabled: bool


class MemberList(BaseModel):
    """Every member."""

    items: list[MemberView]
    next: int | None = None


@blueprint.get("")
@blueprint.output(MemberList)
@blueprint.doc(summary="List the members")
@web.authorize("members.write")
def list_members() -> Response:
    """Every member, by e-mail."""
    web.require_unbound()
    with web.state().database.read() as session:
        return web.listing([_view(member) for member in service.list_members(session)])


@blueprint.post("")
@blueprint.input(NewMemberBody, arg_name="body")
@blueprint.output(MemberView, status_code=201)
@blueprint.doc(summary="Add a member")
@web.authorize("members.write")
def create_member(body: NewMemberBody) -> Response:
    """A new member."""
    web.require_unbound()
    state = web.state()
    with state.database.write() as session:
        member = service.create_member(
            session, web.actor(), body.email, body.role, body.password, state.clock()
        )
    return web.answer(_view(member), status=201)


@blueprint.patch("/<int:member_id>")
@blueprint.input(MemberChangeBody, arg_name="body")
@blueprint.output(MemberView)
@blueprint.doc(summary="Change a member's role, password or access")
@web.authorize("members.write")
def change_member(member_id: int, body: MemberChangeBody) -> Response:
    """Change a member."""
    web.require_unbound()
    state = web.state()
    change = body.model_dump(exclude_none=True)
    with state.database.write() as session:
        member = service.load_member_by_id(session, web.row_id(member_id))
        service.change_member(session, web.actor(), member, change, state.clock())
    return web.answer(_view(member))


def _view(member: Member) -> MemberView:
    return MemberView(
        id=int(member.id or 0),
        email=member.email,
        role=member.role,
        disabled=member.disabled_at is not None,
    )
