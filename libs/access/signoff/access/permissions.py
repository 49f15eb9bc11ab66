"""Who may do what: the one table. Everything that authorizes asks it, and the docs are made from it."""

from collections.abc import Collection, Mapping
from typing import Final, Literal, TypeAlias, get_args

from signoff.events.types import Role

Operation: TypeAlias = Literal[
    "account:manage",
    "audit:read",
    "environment:read",
    "environment:write",
    "executions:manage",
    "executions:read",
    "executions:start",
    "files:read",
    "files:write",
    "hooks:manage",
    "inbox:read",
    "installation:manage",
    "keys:manage",
    "links:manage",
    "members:manage",
    "members:read",
    "password:change",
    "pauses:amend",
    "pauses:assign",
    "pauses:comment",
    "pauses:decide",
    "pauses:read",
    "schedules:read",
    "schedules:write",
    "workflows:read",
    "workflows:write",
    "workspace:manage",
    "workspace:read",
]
"""What can be done in a workspace. ``installation:manage`` counts in the default workspace alone."""

ROLES: Final[tuple[Role, ...]] = get_args(Role)

_INCLUDED: Final[Mapping[Role, frozenset[Role]]] = {
    "read": frozenset({"read"}),
    "write": frozenset({"read", "write"}),
    "admin": frozenset({"read", "write", "admin"}),
    "approver": frozenset({"approver"}),
    "auditor": frozenset({"auditor"}),
}

_ANY: Final = frozenset(ROLES)
_SEE: Final[frozenset[Role]] = frozenset({"read", "approver", "auditor"})
_LOOK_THROUGH: Final[frozenset[Role]] = frozenset({"read", "auditor"})
_READ: Final[frozenset[Role]] = frozenset({"read"})
_TAKE_PART: Final[frozenset[Role]] = frozenset({"read", "approver"})
_WRITE: Final[frozenset[Role]] = frozenset({"write"})
_ADMIN: Final[frozenset[Role]] = frozenset({"admin"})

TABLE: Final[Mapping[Operation, frozenset[Role]]] = {
    "account:manage": _ANY,
    "audit:read": frozenset({"admin", "auditor"}),
    "environment:read": _READ,
    "environment:write": _WRITE,
    "executions:manage": _WRITE,
    "executions:read": _SEE,
    "executions:start": _READ,
    "files:read": _SEE,
    "files:write": _TAKE_PART,
    "hooks:manage": _ADMIN,
    "inbox:read": _SEE,
    "installation:manage": _ADMIN,
    "keys:manage": _ADMIN,
    "links:manage": _WRITE,
    "members:manage": _ADMIN,
    "members:read": _ANY,
    "password:change": _ANY,
    "pauses:amend": _WRITE,
    "pauses:assign": _WRITE,
    "pauses:comment": _TAKE_PART,
    "pauses:decide": _TAKE_PART,
    "pauses:read": _SEE,
    "schedules:read": _LOOK_THROUGH,
    "schedules:write": _WRITE,
    "workflows:read": _LOOK_THROUGH,
    "workflows:write": _WRITE,
    "workspace:manage": _ADMIN,
    "workspace:read": _ANY,
}
"""The least that a caller must be for an operation: one of these roles, or one that includes it."""


def expanded(roles: Collection[Role]) -> frozenset[Role]:
    """The roles with those that they include: admin is write is read."""
    return frozenset().union(*(_INCLUDED[role] for role in roles))


def allows(roles: Collection[Role], operation: Operation) -> bool:
    """Whether somebody with these roles in a workspace may do something there."""
    return not TABLE[operation].isdisjoint(expanded(roles))


def bounded(roles: Collection[Role], bound: Collection[Role] | None) -> frozenset[Role]:
    """The roles that are left where a key bounds what its owner may do; ``None`` bounds nothing."""
    own = expanded(roles)
    return own if bound is None else own & expanded(bound)
