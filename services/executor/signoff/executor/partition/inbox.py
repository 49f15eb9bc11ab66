"""What waits for a partition's loop: commands from Kafka, results of blocks, timers that are due."""

import asyncio
from typing import Final
from uuid import UUID

from msgspec import Struct

from signoff.engine.messages import Input
from signoff.events.bus.base import Message

FULL: Final = 400
"""Messages that may wait in one partition before no more commands are read: two appends of them. What is
older than that waits on the topic, which keeps it in order all the same."""

FULL_BYTES: Final = 4 * 1024 * 1024
"""Of commands that may wait in one partition; likewise."""


class Internal(Struct, frozen=True):
    """A message that never left this process."""

    log_id: UUID
    message: Input


Item = Message | Internal


class Inbox:
    """A partition's queue. Commands are bounded by pausing their reader, results by the runner."""

    def __init__(self) -> None:
        self._items: list[Item] = []
        self._bytes = 0
        self._some = asyncio.Event()
        self._closed = False

    def __len__(self) -> int:
        return len(self._items)

    @property
    def full(self) -> bool:
        """Whether no more commands should be read for now."""
        return len(self._items) >= FULL or self._bytes >= FULL_BYTES

    @property
    def drained(self) -> bool:
        """Whether there is room again for a while."""
        return len(self._items) < FULL // 2 and self._bytes < FULL_BYTES // 2

    def put(self, item: Item) -> None:
        """Add a message."""
        self._items.append(item)
        self._bytes += _size(item)
        self._some.set()

    async def take(self, most: int) -> list[Item]:
        """Wait for messages and take up to ``most``; none when commands were dropped, or once closed."""
        if not self._items and not self._closed:
            self._some.clear()
            await self._some.wait()
        if self._closed:
            return []
        taken, self._items = self._items[:most], self._items[most:]
        self._bytes -= sum(map(_size, taken))
        return taken

    def drop_commands(self) -> None:
        """Leave the commands that wait to the partition's next owner: Kafka has them. Wakes who waits."""
        self._items = [item for item in self._items if isinstance(item, Internal)]
        self._bytes = 0
        self._some.set()

    def close(self) -> None:
        """End the waiting; what is left is dropped, for the log and Kafka have it."""
        self._closed = True
        self._items.clear()
        self._bytes = 0
        self._some.set()


def _size(item: Item) -> int:
    return len(item.value) if isinstance(item, Message) else 0
