"""Who may start an execution now: admission by the age of the queue, and fair between workspaces.

Only starts are held back. A decision, a retry and a cancellation help the system on, and looking costs
little: those are refused only when a gateway has no place for any request.
"""

import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

from aiohttp import web

from signoff.gateway.errors import ApiError, unavailable
from signoff.gateway.overload.limit import INTERVAL, AdaptiveLimit
from signoff.gateway.overload.returns import Returns
from signoff.gateway.overload.stalls import MOST, Stalls
from signoff.runtime.shares import Shares

RESERVE: Final = 10
"""One part in so many of a gateway's requests is kept from starts."""

_OVER_SHARE: Final = "This workspace uses its share of a busy server. Please try again later."
_QUEUE_MULTIPLE: Final = 2
_REQUESTS_MULTIPLE: Final = 9


class Place:
    """One start's place: in the queue until its outcome is heard, among requests until it leaves."""

    __slots__ = ("_partition", "_queued", "_starts", "workspace_id")

    def __init__(self, starts: "Starts", workspace_id: UUID) -> None:
        self.workspace_id = workspace_id
        self._starts: Starts | None = starts
        self._queued = True
        self._partition: int | None = None
        starts.queue.take(workspace_id)
        starts.requests.take(workspace_id)

    def send(self, partition: int) -> None:
        """The command is about to be sent.

        Raises:
            ApiError: 503, enough wait for that partition, from which nothing is heard.
        """
        if self._starts is not None:
            self._starts.sending(self, partition)
            self._partition = partition

    def answered(self, *, heard: bool = True) -> None:
        """The queue has one less: the outcome was heard or, otherwise, nobody waits for it."""
        if self._starts is not None and self._partition is not None:
            self._starts.answered(self, self._partition, heard=heard)
            self._partition = None
        self.step_aside()

    def step_aside(self) -> bool:
        """Wait beside the queue from now on, as its partition stalls; gives whether it was in the queue."""
        was_queued, self._queued = self._queued, False
        if was_queued and self._starts is not None:
            self._starts.queue.give_back(self.workspace_id)
        return was_queued

    def leave(self) -> None:
        """The request ends."""
        self.answered(heard=False)
        if self._starts is not None:
            self._starts.requests.give_back(self.workspace_id)
            self._starts = None


class Starts:
    """Admits starts.

    Args:
        most: requests that this gateway works on at once.
        clock: monotonic, seconds.

    Attributes:
        limit: of those that wait for an executor.
        queue: who has how many of them.
        requests: who has how many requests that started something; who waits for a run's end is one.
    """

    def __init__(self, most: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.room = most - most // RESERVE
        self.limit = AdaptiveLimit(self.room)
        self.queue: Shares[UUID] = Shares(_QUEUE_MULTIPLE)
        self.requests: Shares[UUID] = Shares(_REQUESTS_MULTIPLE)
        self._sent: dict[Place, int] = {}
        self._stalls = Stalls()
        self._returns = Returns(clock=clock)
        self._looked_at = clock()

    def enter(self, workspace_id: UUID) -> Place:
        """Take a place for a start.

        Raises:
            ApiError: 429, the workspace has its share while others are served; 503, there is none.
        """
        if not self.requests.may_take(workspace_id, self.room):
            raise self._refusal(self.requests, workspace_id)
        if not self._may_queue(workspace_id):
            raise self._refusal(self.queue, workspace_id)
        return Place(self, workspace_id)

    def _may_queue(self, workspace_id: UUID) -> bool:
        places = self.queue.places_for_one(self.limit.size)
        if self.queue.may_take(workspace_id, places):
            return True
        return self._set_aside() and self.queue.may_take(workspace_id, places)

    def _refusal(self, shares: Shares[UUID], workspace_id: UUID) -> ApiError:
        headers = {"Retry-After": str(self._returns.after(workspace_id))}
        if shares.total > shares.held(workspace_id) > 0:
            return ApiError(429, _OVER_SHARE, headers=headers)
        return unavailable(headers=headers)

    # Commands under way -----------------------------------------------------------------------------

    def sending(self, place: Place, partition: int) -> None:
        """Note the partition that a start is for; see :meth:`Place.send`."""
        now = self._clock()
        if self._stalls.stalled(partition, now):
            if self._stalls.count(partition) >= MOST:
                raise unavailable(headers={"Retry-After": str(self._returns.after(place.workspace_id))})
            place.step_aside()
        self._stalls.sent(place, partition, now)
        self._sent[place] = partition

    def answered(self, place: Place, partition: int, *, heard: bool) -> None:
        """Note that a start does not wait any more; see :meth:`Place.answered`."""
        now = self._clock()
        del self._sent[place]
        waited = self._stalls.answered(place, partition, now, heard=heard)
        if heard:
            self.limit.note(waited, self.queue.total, now)
            self._returns.served()

    def _set_aside(self) -> bool:
        """Take out of the queue what waits for partitions that stall; gives whether there was any."""
        now = self._clock()
        if now - self._looked_at < INTERVAL:
            return False
        self._looked_at = now
        stalled = {number for number in {*self._sent.values()} if self._stalls.stalled(number, now)}
        found = [place for place, number in self._sent.items() if number in stalled]
        return sum(place.step_aside() for place in found) > 0


STARTS: Final = web.AppKey("starts", Starts)

PLACE: Final = web.RequestKey("place", Place)
"""Where a request that starts something keeps its place."""
