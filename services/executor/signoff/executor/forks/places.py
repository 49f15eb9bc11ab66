"""Places for dry runs: so many at once, shared fairly between workspaces, with a short wait."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from signoff.audit.life.what_if import TooManyDryRunsError
from signoff.runtime.shares import Shares

AT_ONCE: Final = 3
"""Dry runs at once: one workspace alone has two of them at most, and the last one is for who comes."""

MOST_WAITING: Final = 16
"""Dry runs of one workspace that wait for a place."""

PATIENCE: Final = 5.0
"""Seconds that one waits for it."""

_MULTIPLE: Final = 1


class Places:
    """Who tries something out, and who waits for it, served in turn between workspaces.

    Args:
        patience: seconds that one waits.
    """

    def __init__(self, *, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._taken: Shares[str] = Shares(_MULTIPLE)
        self._waiting: OrderedDict[str, deque[asyncio.Event]] = OrderedDict()

    @asynccontextmanager
    async def place(self, workspace_id: str) -> AsyncIterator[None]:
        """A place until the block is left.

        Raises:
            TooManyDryRunsError: there was none in time, or too many of the workspace wait for one.
        """
        await self._enter(workspace_id)
        try:
            yield
        finally:
            self._leave(workspace_id)

    async def _enter(self, workspace_id: str) -> None:
        line = self._waiting.setdefault(workspace_id, deque())
        if len(line) >= MOST_WAITING:
            raise TooManyDryRunsError("Other dry runs of this workspace wait; try again in a moment")
        turn = asyncio.Event()
        line.append(turn)
        self._next()
        try:
            async with asyncio.timeout(self._patience):
                await turn.wait()
        except BaseException as error:
            self._give_up(workspace_id, turn)
            if isinstance(error, TimeoutError):
                raise TooManyDryRunsError("Other dry runs are under way; try again in a moment") from error
            raise

    def _give_up(self, workspace_id: str, turn: asyncio.Event) -> None:
        """Nobody waits for a turn any more; it may have come at this very moment."""
        if turn.is_set():
            self._leave(workspace_id)
            return
        line = self._waiting[workspace_id]
        line.remove(turn)
        if not line:
            del self._waiting[workspace_id]

    def _leave(self, workspace_id: str) -> None:
        self._taken.give_back(workspace_id)
        self._next()

    def _next(self) -> None:
        """Give what is free to those who wait, each workspace one in its turn."""
        while (workspace_id := self._served_next()) is not None:
            line = self._waiting[workspace_id]
            self._taken.take(workspace_id)
            line.popleft().set()
            if line:
                self._waiting.move_to_end(workspace_id)
            else:
                del self._waiting[workspace_id]

    def _served_next(self) -> str | None:
        may_take = (each for each in self._waiting if self._taken.may_take(each, AT_ONCE))
        return next(may_take, None)
