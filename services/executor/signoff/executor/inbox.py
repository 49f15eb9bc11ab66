"""What waits for a partition's loop: commands from Kafka, results of blocks, timers that are due."""

import asyncio
from typing import Final
from uuid import UUID

from msgspec import Struct

from signoff.engine.messages import Input
from signoff.events.bus.base import Message

FULL: Final = 1000
"""Commands that may wait in one partition before no more are read from Kafka."""


class Internal(Struct, frozen=True):
    """A message that never left this process."""

    log_id: UUID
    message: Input


Item = Message | Internal


class Inbox:
    """A partition's queue. Commands are bounded by pausing their reader, results by the runner."""

    def __init__(self) -> None:
        self._items: list[Item] = []
        self._some = asyncio.Event()
        self._closed = False

    def __len__(self) -> int:
        return len(self._items)

    @property
    def full(self) -> bool:
        """Whether no more commands should be read for now."""
        return len(self._items) >= FULL

    def put(self, item: Item) -> None:
        """Add a message."""
        self._items.append(item)
        self._some.set()

    async def take(self, most: int) -> list[Item]:
        """Wait for messages and take up to ``most``; an empty list once closed."""
        while not self._items:
            if self._closed:
                return []
            self._some.clear()
            await self._some.wait()
        if self._closed:
            return []
        taken, self._items = self._items[:most], self._items[most:]
        return taken

    def close(self) -> None:
        """End the waiting; what is left is dropped, for the log and Kafka have it."""
        self._closed = True
        self._items.clear()
        self._some.set()
