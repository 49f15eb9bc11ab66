"""Turns the database's notifications into hints, for as long as somebody wants them."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from signoff.events.errors import SignoffError
from signoff.events.store.postgres_connection import Connect, connect_other, translated

_EVENTS: Final = "stored_events"
_LEASES: Final = "signoff_leases"
_CHECK: Final = 5.0
"""Seconds between questions whether the connection still lives: a peer that is gone sends nothing."""

_WAIT: Final = 1.0
_log: Final = logging.getLogger(__name__)


class PostgresListener:
    """Listens on a connection of its own, which it makes again when it is lost.

    Whenever listening begins anew, both are called as well: nobody listened meanwhile.

    Args:
        connect: makes connections.
        appended: called when there may be new events.
        released: called when leases may have been released.
    """

    def __init__(self, connect: Connect, appended: Callable[[], None], released: Callable[[], None]) -> None:
        self._connect = connect
        self._heard = {_EVENTS: appended, _LEASES: released}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to listen, unless it has begun."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="log listener")

    async def close(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
            self._task = None

    async def _run(self) -> None:
        while True:
            try:
                with translated():
                    await self._listen()
            except SignoffError as error:
                _log.warning("no hints from the database, which is asked each second instead: %s", error)
            await asyncio.sleep(_WAIT)

    async def _listen(self) -> None:
        connection = await connect_other(self._connect)
        try:
            for channel, heard in self._heard.items():
                await connection.add_listener(channel, self._notified)
                heard()  # for what came while nobody listened
            while True:
                await asyncio.sleep(_CHECK)
                await connection.execute("SELECT 1")
        finally:
            connection.terminate()

    def _notified(self, _connection: object, _pid: int, channel: str, _payload: object) -> None:
        self._heard[channel]()
