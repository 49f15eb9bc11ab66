"""``GET /api/workflows/{id}/executions/{executionId}/stream`` (http-contract.md, SSE)."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Final
from uuid import UUID

from aiohttp import web

from signoff.events.store.base import EventStore
from signoff.stream.accesses import StreamWitness
from signoff.stream.asked import Cursor, Target, cursor_of, find_target, follows
from signoff.stream.callers import Callers, Presented, may_read
from signoff.stream.errors import RefusedError
from signoff.stream.permits import Permit, Permits
from signoff.stream.rooms import Rooms
from signoff.tail import Hub, Reader
from signoff.tail.sending import HEADERS, frames_of, send

PATH: Final = "/api/workflows/{workflowId}/executions/{executionId}/stream"

_LOOKUPS: Final = 16
"""How many executions are looked up at once; clients that come back all at once queue here."""


class ExecutionStreams:
    """Serves the streams of executions.

    Args:
        store: the log; its primary.
        hub: follows logs.
        callers: tell who asks, and about which workspace.
        permits: ask again while a stream is open.
        rooms: places in workspaces.
        witness: takes note of who reads them.
    """

    def __init__(
        self,
        store: EventStore,
        hub: Hub,
        callers: Callers,
        permits: Permits,
        rooms: Rooms,
        *,
        witness: StreamWitness,
    ) -> None:
        self._store = store
        self._hub = hub
        self._callers = callers
        self._permits = permits
        self._rooms = rooms
        self._witness = witness
        self._lookups = asyncio.Semaphore(_LOOKUPS)

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Stream an execution, or one of its runs."""
        presented = self._callers.presented(request)
        workspace_id, target = await self._target(request, presented)
        cursor = cursor_of(request.headers, request.query)

        async def ask() -> None:
            if not may_read(await presented.who(), workspace_id):
                raise RefusedError(403, "Access denied")

        with (
            self._rooms.place([workspace_id]),
            self._hub.open(
                target.log_id, after=cursor.after, run_id=target.run_id, follow=follows(request.query)
            ) as reader,
        ):
            async with self._permits.held(ask, reader.close) as permit:
                pieces = await _pieces(reader, cursor, permit)
                if pieces is None:
                    return web.Response(status=204)  # an EventSource stops asking
                with self._witness.reading(
                    request, "streamExecution", presented, workspaces=[workspace_id],
                    names=_names(request, target), told=_told(cursor, target),
                ):  # fmt: skip
                    return await send(request, _headers(target), pieces, log_id=str(target.log_id))

    async def head(self, request: web.Request) -> web.StreamResponse:
        """What :meth:`get` would begin with."""
        _, target = await self._target(request, self._callers.presented(request))
        return web.Response(headers=_headers(target))

    async def _target(self, request: web.Request, presented: Presented) -> tuple[UUID, Target]:
        asked = request.match_info
        async with self._lookups:
            principal = await self._callers.principal(request, presented)
            if not principal.may("executions:read"):
                raise RefusedError(403, "Access denied")
            target = await find_target(
                self._store, principal.workspace_id, asked["workflowId"], asked["executionId"]
            )
        if presented.grant is not None and presented.grant.log_id != target.log_id:
            raise RefusedError(403, "The token is for another stream")
        return principal.workspace_id, target


async def _pieces(reader: Reader, cursor: Cursor, permit: Permit) -> AsyncGenerator[list[bytes], None] | None:
    """What is sent; ``None`` to who comes back to the end. Nobody else keeps the first frames."""
    frames = await reader.begin()
    if cursor.reconnect and reader.ended and not frames:
        return None
    return frames_of(reader, frames, may_go_on=permit.holds)


def _names(request: web.Request, target: Target) -> dict[str, str]:
    return {"workflowId": request.match_info["workflowId"], "executionId": target.execution_id}


def _told(cursor: Cursor, target: Target) -> dict[str, list[str]]:
    run = {} if target.run_id is None else {"run": [target.run_id]}
    return run | ({"from": [str(cursor.after)]} if cursor.after else {})


def _headers(target: Target) -> dict[str, str]:
    return {**HEADERS, "X-Execution-Id": target.execution_id}
