"""The client: every chapter of Signoff's HTTP API over one connection pool."""

import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from types import TracebackType
from typing import Final, Self

from signoff.client.answers.executions import ExecutionStatus, StreamEvent
from signoff.client.answers.tokens import StreamToken
from signoff.client.answers.workspaces import Caller, Usage
from signoff.client.follow import feed, present
from signoff.client.resources.absences import AsyncAbsences
from signoff.client.resources.accesses import AsyncAccesses
from signoff.client.resources.account import AsyncAccount
from signoff.client.resources.environment import AsyncEnvironment
from signoff.client.resources.executions import AsyncExecutions
from signoff.client.resources.files import AsyncFiles
from signoff.client.resources.groups import AsyncGroups
from signoff.client.resources.hooks import AsyncHooks
from signoff.client.resources.inbox import AsyncInbox
from signoff.client.resources.keys import AsyncKeys
from signoff.client.resources.links import AsyncLinks
from signoff.client.resources.pauses import AsyncPauses
from signoff.client.resources.schedules import AsyncSchedules
from signoff.client.resources.users import AsyncUsers
from signoff.client.resources.workflows import AsyncWorkflows
from signoff.client.resources.workspaces import AsyncWorkspaces
from signoff.client.transport import Transport, api_path, query

DEFAULT_URL: Final = "http://127.0.0.1:8080"
"""Where an embedded server listens."""


class AsyncClient:
    """Talks to one Signoff server. Use it as an async context manager.

    ::

        async with AsyncClient() as client:
            execution = await client.executions.start("refund-approval", {"amount": 250})
            async for event in execution.follow():
                print(event.event_id, event.type)

    A request that gets no answer, or 429, 502, 503 or 504, is sent again under the same idempotency key,
    after a growing pause; nothing is done twice. Every call raises
    :class:`~signoff.client.errors.UnreachableError` when there is no answer at last, and
    :class:`~signoff.client.errors.RefusedError` when the server refuses.

    Args:
        url: the server's base URL; ``SIGNOFF_URL`` or an embedded server here where it is left away.
        api_key: the key to act with; ``SIGNOFF_API_KEY`` where it is left away.
        workspace: the id of the workspace to act in; the key's own, or the caller's first one, where it
            is left away.
        timeout: seconds that one call may take, its retries included; synchronous runs, uploads and
            waiting have limits of their own.
        max_retries: tries after the first one; 0 for none.
        patience: seconds that streams go on trying without a server.
        headers: further ones for every request.

    Attributes:
        workflows: deploy and look at definitions.
        executions: start, search and change executions.
        pauses: look at and decide pause points.
        inbox: what the caller is asked to decide, and what else they can do about it.
        links: by which people decide who have no key.
        absences: who decides in the caller's place.
        files: upload and download.
        schedules: switch schedules on and off.
        environment: set the values of ``{{NAME}}``.
        keys: the API keys of the workspace.
        own_keys: the caller's own.
        account: the caller's name, password and sessions.
        users: who there is, for administrators.
        groups: users who decide together.
        workspaces: the workspaces themselves, and their members.
        hooks: outgoing webhooks.
        accesses: who read what, and who was turned away.

    Raises:
        ConfigurationError: the URL is none of HTTP.
    """

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        workspace: str | None = None,
        *,
        timeout: float = 30.0,
        max_retries: int = 3,
        patience: float = 60.0,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        key = api_key or os.environ.get("SIGNOFF_API_KEY")
        own = ({"X-API-Key": key} if key else {}) | ({"X-Workspace-Id": workspace} if workspace else {})
        transport = Transport(
            url or os.environ.get("SIGNOFF_URL") or DEFAULT_URL,
            headers={**(headers or {}), **own},
            timeout=timeout,
            max_retries=max_retries,
        )
        self._transport = transport
        self._workspace = workspace
        self._patience = patience
        self.workflows = AsyncWorkflows(transport, patience=patience)
        self.executions = AsyncExecutions(transport, patience=patience)
        self.pauses = AsyncPauses(transport, patience=patience)
        self.inbox = AsyncInbox(transport, patience=patience)
        self.links = AsyncLinks(transport, patience=patience)
        self.absences = AsyncAbsences(transport, patience=patience)
        self.files = AsyncFiles(transport, patience=patience)
        self.schedules = AsyncSchedules(transport, patience=patience)
        self.environment = AsyncEnvironment(transport, patience=patience)
        self.keys = AsyncKeys(transport, patience=patience)
        self.own_keys = AsyncKeys(transport, patience=patience, place=("users", "me", "keys"))
        self.account = AsyncAccount(transport, patience=patience)
        self.users = AsyncUsers(transport, patience=patience)
        self.groups = AsyncGroups(transport, patience=patience)
        self.workspaces = AsyncWorkspaces(transport, patience=patience)
        self.hooks = AsyncHooks(transport, patience=patience)
        self.accesses = AsyncAccesses(transport, patience=patience)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"AsyncClient({self._transport.url!r})"

    def feed(
        self,
        *,
        types: Sequence[str] = (),
        workflows: Sequence[str] = (),
        states: Sequence[ExecutionStatus] = (),
        execution_id: str | None = None,
        cursor: str | None = None,
    ) -> AsyncGenerator[StreamEvent, None]:
        """Everything that the caller may see, as it happens, for ever; lost connections are made again.

        Args:
            types: only events of these types; ``pause:*`` stands for all that begin so.
            workflows: only of these.
            states: only events that bring an execution into one of these states.
            execution_id: only of this execution, and what begins a fork of it.
            cursor: the ``cursor`` of the last event that is known, or :meth:`present`: what came after it
                comes first. Where it is left away, what happens from the first ``anext`` on.

        Raises:
            ConflictError: the cursor is past the end of the log.
            AuthenticationError: the key is not good any more.
            UnreachableError: no server for longer than the client's patience.
        """
        params = query(
            types=",".join(types) or None,
            workflowId=list(workflows),
            status=",".join(states) or None,
            executionId=execution_id,
            workspaceId=self._workspace,
        )
        return feed(
            self._transport, api_path("stream"), params=params, cursor=cursor, patience=self._patience
        )

    async def present(self) -> str:
        """The cursor of this moment: a feed that is opened at it has everything that happens from now on."""
        return await present(self._transport, api_path("stream"), patience=self._patience)

    async def feed_token(
        self,
        *,
        types: Sequence[str] = (),
        workflows: Sequence[str] = (),
        states: Sequence[ExecutionStatus] = (),
        execution_id: str | None = None,
    ) -> StreamToken:
        """A token by which a browser's ``EventSource`` opens a feed with these filters, within 60 s.

        Args:
            types: as of :meth:`feed`, as the others.
            workflows: the same.
            states: the same.
            execution_id: the same.
        """
        feed = {
            "types": list(types),
            "workflowId": list(workflows),
            "status": list(states),
            "executionId": execution_id,
        }
        return await self._transport.call(StreamToken, "POST", api_path("stream-tokens"), json={"feed": feed})

    async def who_am_i(self) -> Caller:
        """Whose the key is, and what it may do where."""
        return await self._transport.call(Caller, "GET", api_path("auth", "session"))

    async def usage(self) -> Usage:
        """How often the caller may still start executions."""
        return await self._transport.call(Usage, "GET", api_path("users", "me", "usage-limits"))

    async def close(self) -> None:
        """Let go of every connection."""
        await self._transport.close()
