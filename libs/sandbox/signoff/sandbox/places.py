"""Whose turn it is: a bounded, fair number of places for programs that run at once."""

import asyncio
from collections import Counter, OrderedDict, deque

from signoff.sandbox.errors import SandboxBusyError, SandboxClosedError


class Places:
    """A fair semaphore over workspaces that opens more places while programs hold theirs for long.

    Up to `usual` places are given at once. Someone who has waited for `patience` seconds has one more
    opened, up to four times `usual`, so that endless programs do not stop short ones. One workspace holds at
    most three quarters of all: the rest is for others. Those who wait are served workspace by workspace, and
    in a workspace in the order in which they came.

    Args:
        usual: places given without waiting, at least 1.
        patience: seconds.
        queue_limit: how many may wait.
        wait_limit: how long one may wait, in seconds.
    """

    def __init__(self, *, usual: int, patience: float, queue_limit: int, wait_limit: float) -> None:
        self._usual = usual
        self._most = 4 * usual
        self._share = 3 * usual
        self._patience = patience
        self._queue_limit = queue_limit
        self._wait_limit = wait_limit
        self._held: Counter[str] = Counter()
        self._taken = 0
        self._waiting = 0
        self._turns: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self._closed = False

    @property
    def taken(self) -> int:
        """How many places are taken."""
        return self._taken

    async def enter(self, workspace: str) -> None:
        """Take a place, waiting for it if need be. Each `enter` that returns needs one `leave`.

        Raises:
            SandboxBusyError: too many wait already, or this one has waited for too long.
            SandboxClosedError: there are no places any more.
        """
        if self._closed:
            raise SandboxClosedError("The sandbox is closed")
        if self._taken < self._usual:
            self._take(workspace)
            return
        if self._waiting >= self._queue_limit:
            raise SandboxBusyError(f"{self._waiting} programs wait for the sandbox already; try again later")
        turn = self._join(workspace)
        try:
            await self._wait(turn)
        except BaseException:
            self._withdraw(workspace, turn)
            raise

    def leave(self, workspace: str) -> None:
        """Give a place back; the next in turn has it."""
        self._taken -= 1
        self._held[workspace] -= 1
        if not self._held[workspace]:
            del self._held[workspace]
        self._admit_next()

    def close(self) -> None:
        """Send everyone away who waits, and whoever comes."""
        self._closed = True
        for turns in self._turns.values():
            for turn in turns:
                turn.set_exception(SandboxClosedError("The sandbox was closed"))
        self._turns.clear()
        self._waiting = 0

    def _take(self, workspace: str) -> None:
        self._taken += 1
        self._held[workspace] += 1

    def _join(self, workspace: str) -> asyncio.Future[None]:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._turns.setdefault(workspace, deque()).append(turn)
        self._waiting += 1
        return turn

    async def _wait(self, turn: asyncio.Future[None]) -> None:
        # `asyncio.wait` leaves the future alone when it is cancelled: a turn is open, given or refused.
        await asyncio.wait([turn], timeout=self._patience)
        if not turn.done():
            if self._taken < self._most:
                # For whoever is next, not for the one whose patience ended: that would jump the queue.
                self._admit_next()
            await asyncio.wait([turn], timeout=self._wait_limit)
        if not turn.done():
            raise SandboxBusyError(f"No place in the sandbox for {self._wait_limit:g} s; try again later")
        turn.result()

    def _withdraw(self, workspace: str, turn: asyncio.Future[None]) -> None:
        """Undo a `_join`, or give back the place that came while the caller was being cancelled."""
        if not turn.done():
            self._remove(workspace, turn)
        elif turn.exception() is None:
            self.leave(workspace)

    def _admit_next(self) -> None:
        """Give one place to the workspace whose turn it is, of those that hold less than their share."""
        workspace = next((name for name in self._turns if self._held[name] < self._share), None)
        if workspace is None:
            return
        turn = self._turns[workspace][0]
        self._remove(workspace, turn)
        if workspace in self._turns:
            self._turns.move_to_end(workspace)
        self._take(workspace)
        turn.set_result(None)

    def _remove(self, workspace: str, turn: asyncio.Future[None]) -> None:
        turns = self._turns[workspace]
        turns.remove(turn)
        self._waiting -= 1
        if not turns:
            del self._turns[workspace]
