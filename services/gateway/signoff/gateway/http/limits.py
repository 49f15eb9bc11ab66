"""How much a caller may ask for: rates, requests at once, executions at work (docs/limits.md)."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final
from uuid import UUID

from aiohttp import web

from signoff.access.callers import Principal
from signoff.access.keys.limits import Limiter, Standing
from signoff.events.store.base import EventStore
from signoff.events.times import iso
from signoff.gateway.errors import ApiError
from signoff.gateway.http.routing import Rate as Counted
from signoff.runtime.settings import Rate, Settings

STANDING: Final = web.RequestKey("standing", Standing)
"""Where a request keeps what its answer's headers tell."""

_TOO_OFTEN: Final = "Rate limit exceeded. Please try again later."
_TOO_MANY: Final = "Too many requests of this workspace are being worked on. Please try again later."
_AT_WORK: Final = "Too many executions of this workspace are at work. Please try again later."
_RETRY_SECONDS: Final = 1
_LOOK_EVERY: Final = 1.0
_V2: Final = "/api/v2/"


class _AtWork:
    """Executions of a workspace that are at work, as far as this gateway knows.

    Attributes:
        recorded: those of the log when it was asked, and those begun here that it has recorded since.
        begun: those that were begun here, ever.
        sent: begun here, and not known to be in the log yet.
        asked_at: when the log was asked.
        asking: held while it is asked.
    """

    __slots__ = ("asked_at", "asking", "begun", "recorded", "sent")

    def __init__(self) -> None:
        self.recorded = 0
        self.begun = 0
        self.sent = 0
        self.asked_at = -math.inf
        self.asking = asyncio.Lock()

    @property
    def count(self) -> int:
        """All of them."""
        return self.recorded + self.sent

    @contextmanager
    def beginning(self) -> Iterator[None]:
        """One more is sent; when the block is left, the log has it."""
        self.sent += 1
        try:
            yield
        finally:
            self.sent -= 1
            self.recorded += 1
            self.begun += 1


class Limits:
    """Holds callers to what they may.

    Args:
        settings: the limits; those that are None are none.
        limiter: counts requests.
        store: tells how many executions are at work.
        clock: monotonic, seconds.
    """

    def __init__(
        self,
        settings: Settings,
        limiter: Limiter,
        store: EventStore,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limiter = limiter
        self._store = store
        self._clock = clock
        self._own: Mapping[Counted, Rate | None] = {
            "sync": settings.rate_sync, "async": settings.rate_async, "reads": settings.rate_reads,
        }  # fmt: skip
        self._shared: Mapping[Counted, Rate | None] = {
            "sync": settings.workspace_rate_sync,
            "async": settings.workspace_rate_async,
            "reads": settings.workspace_rate_reads,
        }
        self._requests = settings.workspace_requests
        self._executions = settings.workspace_executions
        self._under_way: Counter[UUID] = Counter()
        self._at_work: dict[UUID, _AtWork] = {}

    async def count(self, request: web.Request, caller: Principal, kind: Counted) -> None:
        """Count a request; its answer tells where the caller stands.

        Raises:
            ApiError: 429, they asked too often.
            StoreUnavailableError: it cannot be said now.
        """
        for name, rate in self._buckets(caller, kind):
            standing = await self._limiter.take(name, rate)
            known = request.get(STANDING)
            if known is None or standing.remaining <= known.remaining:
                request[STANDING] = standing
            if standing.retry_after is not None:
                retry = str(max(1, math.ceil(standing.retry_after)))
                raise ApiError(429, _TOO_OFTEN, headers={"Retry-After": retry})

    async def standing(self, caller: Principal, kind: Counted) -> Standing | None:
        """Where a caller stands, nothing counted; None where there is no limit."""
        found = [await self._limiter.look(name, rate) for name, rate in self._buckets(caller, kind)]
        return min(found, key=lambda each: each.remaining, default=None)

    def _buckets(self, caller: Principal, kind: Counted) -> Iterator[tuple[str, Rate]]:
        own, shared = self._own[kind], self._shared[kind]
        if own is not None:
            # The senders of webhooks are one actor everywhere, but none of another workspace's business.
            who = caller.workspace_id if caller.auth_method == "signature" else caller.actor.id
            yield f"{kind}/{caller.actor.type}/{who}", own
        if shared is not None:
            yield f"{kind}/workspace/{caller.workspace_id}", shared

    @contextmanager
    def place(self, workspace_id: UUID) -> Iterator[None]:
        """A place among the requests of a workspace that this gateway works on, until the block is left.

        Raises:
            ApiError: 429, there is none.
        """
        if self._requests is None:
            yield
            return
        if self._under_way[workspace_id] >= self._requests:
            raise ApiError(429, _TOO_MANY, headers={"Retry-After": str(_RETRY_SECONDS)})
        self._under_way[workspace_id] += 1
        try:
            yield
        finally:
            self._under_way[workspace_id] -= 1
            if not self._under_way[workspace_id]:
                del self._under_way[workspace_id]

    async def begin_execution(self, workspace_id: UUID) -> AbstractContextManager[None]:
        """Let an execution begin: its command is sent, and its outcome heard, within what this gives.

        The log is asked once a second for a workspace, and whenever there seems to be no place left, so that
        gateways together may let a few too many in.

        Raises:
            ApiError: 429, too many are at work.
            StoreUnavailableError: it cannot be said now.
        """
        most = self._executions
        if most is None:
            return nullcontext()
        known = self._at_work.setdefault(workspace_id, _AtWork())
        came_at = self._clock()
        if known.count >= most or came_at - known.asked_at > _LOOK_EVERY:
            async with known.asking:
                if known.asked_at < came_at:  # else somebody asked while this one waited
                    asked_at, begun = self._clock(), known.begun
                    found = await self._store.at_work(workspace_id, most=most)
                    # Whether the answer has those that were recorded while it was on its way, nobody knows.
                    known.recorded = found + known.begun - begun
                    known.asked_at = asked_at
        if known.count >= most:
            raise ApiError(429, _AT_WORK, headers={"Retry-After": str(_RETRY_SECONDS)})
        return known.beginning()


async def tell_standing(request: web.Request, response: web.StreamResponse) -> None:
    """Say in an answer's headers where its caller stands; v2 spells the moment in ISO 8601."""
    standing: Standing | None = request.get(STANDING)
    if standing is not None:
        reset = math.ceil(standing.reset_at)
        response.headers["X-RateLimit-Limit"] = str(standing.limit)
        response.headers["X-RateLimit-Remaining"] = str(standing.remaining)
        response.headers["X-RateLimit-Reset"] = iso(reset) if request.path.startswith(_V2) else str(reset)
