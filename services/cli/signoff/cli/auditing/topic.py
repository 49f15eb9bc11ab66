"""The topic against the log, as part of a verification: those partitions and logs that are selected."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Final
from uuid import UUID

from msgspec import Struct

from signoff.audit.verify.faults import Fault
from signoff.audit.verify.partition_log import PartitionLog
from signoff.audit.verify.topic import TopicCheck, TopicCompared
from signoff.cli.auditing.units import Selection
from signoff.events.bus.base import Bus
from signoff.events.store.base import EventStore
from signoff.events.times import from_iso
from signoff.events.topics import PARTITIONS, partition_of

_ROOM: Final = 100


class TopicComparison(Struct, frozen=True):
    """A comparison of a part of what is selected.

    Attributes:
        store: the log.
        bus: the broker.
        part: some partitions, or some logs; those of a workflow are not told apart on the topic, so that all
            are compared.
        compared: what was looked at so far.
    """

    store: EventStore
    bus: Bus
    part: Selection
    compared: TopicCompared

    async def run(self) -> AsyncIterator[Fault]:
        """Compare; gives each fault as it is found.

        Raises:
            BusError: the broker is away.
            StoreUnavailableError: the database is away.
        """
        checks = self._checks()
        async with aclosing(_merged([check.run() for check in checks])) as found:
            async for fault in found:
                yield fault
        for check in checks:
            self.compared.add(check.compared)

    def _checks(self) -> list[TopicCheck]:
        part = self.part
        since = None if part.since is None else from_iso(part.since)
        wanted: list[tuple[int, UUID | None]] = [(number, None) for number in part.partitions]
        if part.logs:
            wanted = [(partition_of(log_id, PARTITIONS), log_id) for log_id in part.logs]
        shared = PartitionLog(self.store, [number for number, _ in wanted], partitions=PARTITIONS)
        return [
            TopicCheck(
                self.store, self.bus, number, partitions=PARTITIONS, log_id=log_id, since=since, shared=shared
            )
            for number, log_id in wanted
        ]


async def _merged(sources: Sequence[AsyncIterator[Fault]]) -> AsyncGenerator[Fault, None]:
    """What several comparisons find, as it comes; the first that cannot go on ends all."""
    found: asyncio.Queue[Fault | Exception | None] = asyncio.Queue(_ROOM)
    working = [asyncio.create_task(_put_all(source, found)) for source in sources]
    try:
        left = len(working)
        while left:
            each = await found.get()
            if isinstance(each, Exception):
                raise each
            if each is None:
                left -= 1
            else:
                yield each
    finally:
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)


async def _put_all(source: AsyncIterator[Fault], found: asyncio.Queue[Fault | Exception | None]) -> None:
    try:
        async for fault in source:
            await found.put(fault)
    except Exception as error:  # noqa: BLE001  (it is the caller's, who raises it)
        await found.put(error)
    else:
        await found.put(None)
