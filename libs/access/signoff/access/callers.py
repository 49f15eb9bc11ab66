"""Who calls, and what they are where."""

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias
from uuid import UUID

from msgspec import Struct

from signoff.access.permissions import Operation, allows
from signoff.events.topics import DEFAULT_WORKSPACE
from signoff.events.types import Actor, Role

AuthMethod: TypeAlias = Literal["apiKey", "session", "streamToken", "signature", "link"]
"""How a caller proved who they are; ``signature``: the sender of a webhook's delivery; ``link``: one who was
sent a link to a decision."""

LINK_OPERATIONS: Final[frozenset[Operation]] = frozenset({"pauses:comment", "pauses:decide", "pauses:read"})
"""All that somebody does who came by a decision link, whatever else they may do otherwise."""


class Principal(Struct, frozen=True, kw_only=True):
    """An authenticated caller in one workspace.

    Attributes:
        actor: who acts, as events name them.
        workspace_id: where.
        roles: what they are there, with the roles that those include.
        user_id: the person or service account, unless a workspace's key or a webhook's sender acts.
        auth_method: how they proved it.
        link_id: of the decision link that they came by.
        verified: they gave a code that was sent to them.
        must_change: they signed in with a password that somebody else had chosen: nothing comes before
            they have changed it.
    """

    actor: Actor
    workspace_id: UUID
    roles: frozenset[Role]
    user_id: str | None = None
    auth_method: AuthMethod = "apiKey"
    link_id: str | None = None
    verified: bool = False
    must_change: bool = False

    def may(self, operation: Operation) -> bool:
        """Whether the caller may do something in the workspace; from the default one, in the installation."""
        if self.link_id is not None and operation not in LINK_OPERATIONS:
            return False
        if self.must_change and operation != "password:change":
            return False
        if operation == "installation:manage" and self.workspace_id != DEFAULT_WORKSPACE:
            return False
        return allows(self.roles, operation)


class Caller(Struct, frozen=True, kw_only=True):
    """An authenticated caller, in no workspace yet.

    Attributes:
        actor: who acts.
        user_id: as of a principal.
        auth_method: how they proved it.
        grants: the workspaces that they may act in, oldest first, with their roles there.
        bound_to: the one workspace that the credential is bound to, if it is.
        owner_grants: for a workspace's key: the workspaces of the user who made it. They only decide
            whether a refusal may say that another workspace has what was asked for.
        link_id: as of a principal.
        verified: as of a principal.
        must_change: as of a principal.
    """

    actor: Actor
    user_id: str | None = None
    auth_method: AuthMethod
    grants: Mapping[UUID, frozenset[Role]]
    bound_to: UUID | None = None
    owner_grants: frozenset[UUID] = frozenset()
    link_id: str | None = None
    verified: bool = False
    must_change: bool = False

    def within(self, workspace_id: UUID) -> Principal:
        """The caller in one of the workspaces that they may act in.

        Raises:
            KeyError: it is none of them.
        """
        return Principal(
            actor=self.actor,
            workspace_id=workspace_id,
            roles=self.grants[workspace_id],
            user_id=self.user_id,
            auth_method=self.auth_method,
            link_id=self.link_id,
            verified=self.verified,
            must_change=self.must_change,
        )
