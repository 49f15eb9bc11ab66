"""The topic against the log, as part of a verification: those partitions and logs that are selected."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing
from itertools import islice
from typing import Final

from msgspec import Struct

from signoff.audit.verify.faults import Fault
from signoff.audit.verify.partition_log import PartitionLog
from signoff.audit.verify.topic import TopicCheck, TopicCompared
from signoff.cli.auditing.units import Selection
from signoff.events.bus.base import Bus
from signoff.events.store.base import EventStore
from signoff.events.times import from_iso
from signoff.events.topics import PARTITIONS, partition_of

AT_ONCE: Final = 8
"""Partitions that are compared at the same time, and for which the log is read once."""

_ROOM: Final = 100


class TopicComparison(Struct, frozen=True):
    """A comparison of all that is selected.

    Attributes:
        store: the log.
        bus: the broker.
        selection: of logs; a workflow's are not told apart on the topic, so that all are compared.
        compared: what was looked at so far.
    """

    store: EventStore
    bus: Bus
    selection: Selection
    compared: TopicCompared

    async def run(self) -> AsyncIterator[Fault]:
        """Compare; gives each fault as it is found.

        Raises:
            BusError: the broker is away.
            StoreUnavailableError: the database is away.
        """
        checks = self._checks()
        while some := [*islice(checks, AT_ONCE)]:
            async with aclosing(_merged([check.run() for check in some])) as found:
                async for fault in found:
                    yield fault
            for check in some:
                self.compared.add(check.compared)

    def _checks(self) -> Iterator[TopicCheck]:
        chosen = self.selection
        since = None if chosen.since is None else from_iso(chosen.since)
        if chosen.logs:
            for log_id in chosen.logs:
                number = partition_of(log_id, PARTITIONS)
                yield TopicCheck(
                    self.store, self.bus, number, partitions=PARTITIONS, log_id=log_id, since=since
                )
            return
        numbers = chosen.partitions or range(PARTITIONS)
        for start in range(0, len(numbers), AT_ONCE):
            some = numbers[start : start + AT_ONCE]
            shared = PartitionLog(self.store, some, partitions=PARTITIONS)
            for number in some:
                yield TopicCheck(
                    self.store, self.bus, number, partitions=PARTITIONS, since=since, shared=shared
                )


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
