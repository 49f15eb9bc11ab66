"""Turns the database's notifications into rings of a bell, for as long as somebody follows the log."""

import asyncio
import logging
from typing import Final

from signoff.events.errors import SignoffError
from signoff.events.store.postgres_connection import connect, translated
from signoff.events.store.subscription import Bell

_CHANNEL: Final = "stored_events"
_CHECK: Final = 5.0
"""Seconds between questions whether the connection still lives: a peer that is gone sends nothing."""

_WAIT: Final = 1.0
_log: Final = logging.getLogger(__name__)


class PostgresListener:
    """Listens on a connection of its own and rings the bell; makes the connection again when it is lost.

    Args:
        url: where the database is.
        bell: rings at each notification, and whenever listening begins anew.
    """

    def __init__(self, url: str, bell: Bell) -> None:
        self._url = url
        self._bell = bell
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
                _log.warning("no hints for followers of the log, which read each second: %s", error)
            await asyncio.sleep(_WAIT)

    async def _listen(self) -> None:
        connection = await connect(self._url)
        try:
            await connection.add_listener(_CHANNEL, self._notified)
            self._bell.ring()  # for what came while nobody listened
            while True:
                await asyncio.sleep(_CHECK)
                await connection.execute("SELECT 1")
        finally:
            connection.terminate()

    def _notified(self, *_notification: object) -> None:
        self._bell.ring()
