"""The broker as one process reaches it: the one broker of all, behind a line that may fail."""

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

from signoff.events.bus.base import Message, Record
from signoff.events.bus.limits import check_record
from signoff.events.bus.memory import MemoryBus, MemoryReader
from signoff.events.errors import BusUnavailableError
from simulation.kernel.processes import CURRENT
from simulation.world.links import Link


class SimulatedReader:
    """A reader that hears nothing while the broker is away."""

    def __init__(self, reader: MemoryReader, link: Link) -> None:
        self._reader = reader
        self._link = link

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    async def assign(self, positions: Mapping[int, int]) -> None:
        """Read these partitions from these offsets from now on."""
        await self._link.call(_nothing)
        await self._reader.assign(positions)  # a client's own doing: it never comes late

    async def poll(self, *, wait: float, limit: int = 500) -> list[Message]:
        """The next messages, a moment after they are there."""
        await self._link.call(_nothing)
        return await self._reader.poll(wait=wait, limit=limit)


class SimulatedBus:
    """A process's connections to the broker.

    Args:
        truth: the broker, which all processes share.
        link: what lies between.
    """

    def __init__(self, truth: MemoryBus, link: Link) -> None:
        self._truth = truth
        self._link = link

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._truth, name)

        async def call(*given: Any, **named: Any) -> Any:
            return await self._link.call(lambda: method(*given, **named))

        return call

    async def send(self, topic: str, partition: int, record: Record) -> None:
        """Send one record; when it fails, it may be on its topic nevertheless."""
        check_record(topic, record)
        await self._link.call(lambda: self._truth.send(topic, partition, record), lane=(topic, partition))

    async def publish(self, topic: str, partition: int, records: Sequence[Record]) -> Awaitable[None]:
        """Hand records over in order; what is given ends once they are acknowledged."""
        for record in records:
            check_record(topic, record)

        async def write() -> None:
            await self._truth.publish(topic, partition, records)

        sending = self._link.call(write, lane=(topic, partition))
        sending.add_done_callback(lambda done: done.cancelled() or done.exception())  # outcomes are hints
        return sending

    async def reader(self, topic: str) -> SimulatedReader:
        """A new reader of a topic; it goes with its process."""
        reader = await self._truth.reader(topic)
        process = CURRENT.get()
        if process is not None:
            process.on_death.append(lambda: self._truth.forget(reader))
        return SimulatedReader(reader, self._link)

    async def ping(self) -> None:
        """Ask the broker for an answer."""
        await self._link.call(_nothing)

    async def close(self) -> None:
        """Let go of the connections; the broker stays."""


def bus_lost(_: bool) -> Exception:
    """What a caller gets who hears nothing of the broker."""
    return BusUnavailableError("the broker does not answer (simulated)")


async def _nothing() -> None:
    """What a broker does that is only asked whether it is there."""
