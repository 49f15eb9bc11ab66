"""Who asks for a stream, and what of it they may see: asked when it begins, and again while it lasts."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from uuid import UUID

from aiohttp import web
from msgspec import Struct

from signoff.access.callers import Caller, Principal
from signoff.access.errors import ForeignWorkspaceError, UnknownWorkspaceError
from signoff.access.gate import WORKSPACE_HEADER, About, Gate
from signoff.access.keys.tokens import PARAMETER, StreamGrant, StreamTokens
from signoff.stream.errors import RefusedError
from signoff.tail import FeedFilter

CALLER: Final = web.RequestKey("caller", Caller)
"""Who sent a request, once that is known."""

WORKSPACE: Final = web.RequestKey("workspace", UUID)
"""The workspace that it is about, once that is known."""


class Presented(Struct, frozen=True):
    """What a request presented.

    Attributes:
        who: tells the caller as of now, each time that it is called. Raises RefusedError or InvalidKeyError
            when there is none any more, and StoreUnavailableError when it cannot be said.
        grant: of the stream token, if it is one.
    """

    who: Callable[[], Awaitable[Caller]]
    grant: StreamGrant | None = None


class Callers:
    """Identifies the callers of streams: by a stream token in the query, else as everywhere.

    Args:
        gate: tells who calls.
        tokens: reads stream tokens.
    """

    def __init__(self, gate: Gate, tokens: StreamTokens) -> None:
        self._gate = gate
        self._tokens = tokens

    def presented(self, request: web.Request) -> Presented:
        """What a request presents.

        Raises:
            InvalidKeyError: a stream token that is none, or has expired.
        """
        token = request.query.get(PARAMETER)
        if token is None:
            headers = request.headers
            return Presented(lambda: self._by_headers(headers))
        grant = self._tokens.read(token)
        return Presented(lambda: self._by_grant(grant), grant)

    async def principal(self, request: web.Request, presented: Presented) -> Principal:
        """The caller in the workspace of the execution that a request names.

        Raises:
            RefusedError: there is none for them.
            InvalidKeyError: there is no caller any more.
            StoreUnavailableError: it cannot be said now.
        """
        caller, grant = await self.caller(request, presented), presented.grant
        if grant is not None:
            if grant.workspace_id is None or grant.workspace_id not in caller.grants:
                raise RefusedError(403, "The token is for another stream")
            request[WORKSPACE] = grant.workspace_id
            return caller.within(grant.workspace_id)
        about = About(
            workspace_id=request.query.get("workspaceId") or request.headers.get(WORKSPACE_HEADER),
            workflow_id=request.match_info["workflowId"],
            execution_id=request.match_info["executionId"],
        )
        try:
            principal = await self._gate.principal(caller, about)
        except ForeignWorkspaceError as error:
            raise RefusedError(403, str(error)) from error
        except UnknownWorkspaceError as error:
            raise RefusedError(404, str(error)) from error
        request[WORKSPACE] = principal.workspace_id
        return principal

    async def caller(self, request: web.Request, presented: Presented) -> Caller:
        """Who sends a request; raises what ``presented.who`` raises."""
        caller = request[CALLER] = await presented.who()
        return caller

    async def _by_headers(self, headers: Mapping[str, str]) -> Caller:
        return _somebody(await self._gate.caller(headers))

    async def _by_grant(self, grant: StreamGrant) -> Caller:
        if grant.actor_type == "user":
            return _somebody(self._gate.by_user(grant.actor_id))
        return self._gate.by_key_id(grant.actor_id)


def _somebody(caller: Caller | None) -> Caller:
    if caller is None:
        raise RefusedError(401, "Unauthorized")
    return caller


def may_read(caller: Caller, workspace_id: UUID) -> bool:
    """Whether a caller may see what happens in a workspace."""
    return workspace_id in caller.grants and caller.within(workspace_id).may("executions:read")


def feed_workspaces(caller: Caller, filter_: FeedFilter) -> frozenset[UUID]:
    """The workspaces whose events a caller's feed has.

    Raises:
        RefusedError: there is none.
    """
    wanted = filter_.workspace_id
    if wanted is not None and wanted not in caller.grants:
        if wanted in caller.owner_grants:
            raise RefusedError(403, "API key is not authorized for this workspace")
        raise RefusedError(404, "Workspace not found")
    among = caller.grants if wanted is None else [wanted]
    found = frozenset(each for each in among if may_read(caller, each))
    if not found:
        raise RefusedError(403, "Access denied")
    return found
