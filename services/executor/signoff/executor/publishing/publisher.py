"""Publishes one partition's events: from its buffer as they are committed, or from the log behind that.

It goes on only after acknowledgement. On taking over, after an error, or when the buffer was full, it reads
the log after the position that it knows of instead.
"""

import asyncio
import contextlib
from collections.abc import Collection
from typing import Final, Protocol

import structlog

from signoff.events import faults
from signoff.events.errors import BusError, StoreError
from signoff.events.store.base import EventStore
from signoff.events.store.paging import PAGE_BYTES, is_full
from signoff.executor.publishing.batches import Batch, Batches
from signoff.executor.publishing.delivery import Delivery

_BUFFER: Final = 5000
"""Events that one partition may have waiting for the topic in memory …"""

_BUFFER_BYTES: Final = 8 * 1024 * 1024
"""… and their bytes."""

_PAGE: Final = 1000
_PAUSE: Final = 0.5

_log = structlog.get_logger("signoff.executor.relay")


class Way(Protocol):
    """What the publishers of an executor share: the log, what is made of it, and the way to the topics."""

    store: EventStore
    batches: Batches

    async def send(self, partition: int, batch: Batch) -> None:
        """Publish a batch, and wait until all of it is acknowledged."""
        ...

    def wake_in_turn(self, publisher: "Publisher") -> None:
        """Let a publisher publish in the next round."""
        ...


class Publisher:
    """Publishes one partition's events from where the last owner got to.

    Args:
        relay: where it reads, and publishes to.
        partition: which.
        epoch: of its lease.
        position: the log position up to which events are on the topic.
    """

    def __init__(self, relay: Way, partition: int, epoch: int, position: int) -> None:
        self.partition = partition
        self.epoch = epoch
        self.acknowledged = position
        self.committed = position
        self.delivery = Delivery()
        self._relay = relay
        self.appending = False
        self._buffer = Batch()
        self._bytes = 0
        self._behind = True
        self._doubtful = False
        self._some = asyncio.Event()
        self._some.set()
        self._advanced = asyncio.Event()
        self.task = asyncio.create_task(self._run())

    @property
    def idle(self) -> bool:
        """Everything committed here is on the topic."""
        return not self._buffer.records and not self._behind and self.acknowledged == self.committed

    def put(self, batch: Batch, position: int) -> None:
        """Take committed events; ``position`` is not below that of any of them."""
        self.committed = max(self.committed, position)
        self._buffer.extend(batch)
        self._bytes += batch.size()
        full = len(self._buffer.records) > _BUFFER or self._bytes > _BUFFER_BYTES
        if self._behind or self._doubtful or full:
            self._doubtful = False
            self.reread()
        else:
            self._relay.wake_in_turn(self)

    def wake(self) -> None:
        """Publish what there is."""
        self._some.set()

    def doubt(self) -> None:
        """A commit's outcome is unknown: read the log now, and again once a later one has succeeded."""
        self._doubtful = True
        self.reread()

    def settle(self) -> None:
        """Whatever was in doubt is in the log by now, or never will be: read it, if nothing else does."""
        if self._doubtful:
            self._doubtful = False
            self.reread()

    def pass_over(self, position: int) -> None:
        """Nothing of an idle partition lies up to ``position``: its next owner need not look there."""
        if self.idle and not self.appending and not self._doubtful:
            self.acknowledged = self.committed = max(self.committed, position)

    def reread(self) -> None:
        """Forget the buffer and read from the log what is not acknowledged."""
        self._buffer, self._bytes = Batch(), 0
        self._behind = True
        self._some.set()

    async def _run(self) -> None:
        while True:
            await self._some.wait()
            self._some.clear()
            try:
                if self._behind:
                    await self._catch_up()
                await self._publish_buffer()
            except (BusError, StoreError) as error:
                _log.warning("relay waits", partition=self.partition, reason=str(error))
                self.reread()
                await asyncio.sleep(_PAUSE)

    async def _publish_buffer(self) -> None:
        if self._buffer.records and not self._behind:
            batch, self._buffer, self._bytes = self._buffer, Batch(), 0
            position = self.committed
            await self._relay.send(self.partition, batch)
            if faults.armed:
                await faults.reach("relay.acknowledged")
            if not self._behind:
                self._advance(position, batch.messages)
                self._advanced.set()

    def _advance(self, position: int, targets: Collection[int]) -> None:
        if targets:
            self.delivery.sent(targets, self.acknowledged)
        self.acknowledged = position

    async def _catch_up(self) -> None:
        """Publish from the log until it holds nothing newer; only this owner writes it meanwhile."""
        while self._behind:
            end = self.committed
            page = await self._relay.store.read_all(
                after=self.acknowledged, limit=_PAGE, partitions=[self.partition], size=PAGE_BYTES
            )
            if page:
                batch = await self._relay.batches.read_again(page)
                await self._relay.send(self.partition, batch)
                if faults.armed:
                    await faults.reach("relay.acknowledged")
                self._advance(page[-1].position, batch.messages)
            if not is_full(page, limit=_PAGE, size=PAGE_BYTES) and self.committed == end:
                self._behind = False
                self.acknowledged = max(self.acknowledged, end)
                self.committed = self.acknowledged
                self._advanced.set()

    async def drain(self, limit: float) -> None:
        """Wait up to ``limit`` seconds until everything committed is on the topic, then stop.

        It stops as well when whoever waits is ended: nobody else knows of it any more.
        """
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(limit):
                    while not self.idle:
                        self._advanced.clear()
                        await self._advanced.wait()
        finally:
            self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
