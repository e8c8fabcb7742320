"""Who may do what: the one permission table, and the actor that it is asked about."""

from dataclasses import dataclass, field
from typing import Final

VIEWER: Final = "viewer"
ANALYST: Final = "analyst"
EDITOR: Final = "editor"
ADMIN: Final = "admin"
ROLES: Final = (VIEWER, ANALYST, EDITOR, ADMIN)  # each may do what those before it may

SERVER: Final = "server"
CLIENT: Final = "client"
MANAGEMENT: Final = "management"
ENCRYPTED: Final = "encrypted"  # a client key whose payload is encrypted on its way
KEY_KINDS: Final = (SERVER, CLIENT, ENCRYPTED, MANAGEMENT)

# permission -> the first role that has it; a role has what the ones before it have.
ROLE_PERMISSIONS: Final = {
    "definitions.read": VIEWER,  # flags, experiments, metrics, environments
    "results.read": VIEWER,  # readouts, the five questions, reports, scores
    "results.compute": ANALYST,  # ad hoc readouts, calibrations, reports by hand, explanations
    "audit.read": ANALYST,
    "definitions.write": EDITOR,  # flags, experiments, metrics
    "experiments.run": EDITOR,  # start, pause, stop, archive; holdouts
    "quarantine.read": EDITOR,  # it shows what senders wrote, learners' own ids included
    "quarantine.write": EDITOR,  # replay, discard
    "keys.read": EDITOR,
    "keys.write": ADMIN,
    "learners.read": ADMIN,  # what is kept of one learner, by its id
    "environments.write": ADMIN,
    "sources.write": ADMIN,  # whose queries run in a company's warehouse
    "members.write": ADMIN,
    "schedule.write": ADMIN,
}

# permission -> the kinds of SDK key that have it, besides or instead of a role.
KEY_PERMISSIONS: Final = {
    "payload.read": frozenset({SERVER, CLIENT}),
    "flags.evaluate": frozenset({SERVER, CLIENT}),
    "events.write": frozenset({SERVER, CLIENT}),
    "learners.write": frozenset({SERVER}),
    "statements.read": frozenset({SERVER}),  # xAPI statements name people
    "statements.void": frozenset({SERVER}),
    "outcomes.write": frozenset({SERVER}),
}

SIGNED_IN: Final = "signed-in"  # anyone who is known, whatever the role
PERMISSIONS: Final = frozenset(ROLE_PERMISSIONS) | frozenset(KEY_PERMISSIONS) | {SIGNED_IN}


@dataclass(frozen=True)
class Actor:
    """Who is calling: a member, a program's key, or the system itself."""

    id: str  # "member:3", "key:5", "system"
    title: str  # as the audit log shows it
    role: str | None = None  # of a member or a management key
    key_kind: str | None = None  # server, client or management; None: no key
    environment_id: int | None = None  # where a key belongs; None: everywhere
    environment_key: str | None = None
    payload_key: str | None = field(default=None, repr=False)  # encrypts what it receives

    def may(self, permission: str) -> bool:
        """Whether the permission table grants this."""
        if permission == SIGNED_IN:
            return True
        if permission in KEY_PERMISSIONS:
            return self.key_kind in KEY_PERMISSIONS[permission]
        return self.role is not None and role_reaches(self.role, ROLE_PERMISSIONS[permission])


SYSTEM: Final = Actor(id="system", title="Momentum itself", role=ADMIN)


def role_reaches(role: str, needed: str) -> bool:
    """Whether a role has everything that another has."""
    return ROLES.index(role) >= ROLES.index(needed)
