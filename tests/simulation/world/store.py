"""The log as one process reaches it: the one log of all, behind a line that may fail.

What happens at the database happens at once and whole; what is uncertain is whether a call arrives, when, and
whether its caller hears of it: as with a commit whose connection breaks.
"""

from collections.abc import AsyncIterator
from typing import Any, Final

from signoff.events import faults
from signoff.events.errors import AppendUnknownError, StoreUnavailableError
from signoff.events.store.base import Append, Lease, Recorded
from signoff.events.store.memory import MemoryStore
from signoff.events.store.paging import PAGE_BYTES
from signoff.events.store.subscription import Bell, follow
from simulation.kernel.trace import Trace
from simulation.world.links import Link, Lock

_APPENDS: Final = "appends"


class SimulatedRecords:
    """What is beside the log, behind the same line."""

    def __init__(self, truth: MemoryStore, link: Link) -> None:
        self._truth = truth
        self._link = link

    def __getattr__(self, name: str) -> Any:
        return _over(self._link, getattr(self._truth.records, name))


class SimulatedStore:
    """A process's connections to the database.

    Args:
        truth: the log, which all processes share.
        link: what lies between.
        who: the process.
        trace: is told of every append.
        lock: of all who write; see `PostgresStore`.
        broken: takes what must not be.
    """

    def __init__(
        self, truth: MemoryStore, link: Link, *, who: str, trace: Trace, lock: Lock, broken: list[str]
    ) -> None:
        self._truth = truth
        self._link = link
        self._who = who
        self._trace = trace
        self._lock = lock
        self._broken = broken
        self._bell = Bell()
        self.records = SimulatedRecords(truth, link)

    def __getattr__(self, name: str) -> Any:
        return _over(self._link, getattr(self._truth, name))

    async def append(self, append: Append) -> int:
        """Write in one transaction. Appends of one process arrive in order: it has one writer."""
        if faults.armed:
            await faults.reach("store.begun")
            await faults.reach("store.committing")
        position = await self._link.call(
            lambda: self._write(append), lane=_APPENDS, lock=self._lock, lost=append_lost
        )
        if faults.armed:
            await faults.reach("store.committed")
        return int(position)

    async def _write(self, append: Append) -> int:
        position = await self._truth.append(append)
        if append.epoch != (newest := self._truth._partitions[append.partition].epoch):
            self._broken.append(f"{self._who} wrote with epoch {append.epoch}, and {newest} was given out")
        if append.events:
            what = ", ".join(f"{str(each.log_id)[-6:]}/{each.version} {each.topic}" for each in append.events)
            self._trace.note(self._who, f"appends to {append.partition}, epoch {append.epoch}: {what}")
        return position

    async def acquire(self, owner: str, *, most: int, ttl: float) -> list[Lease]:
        """Take leases: under the lock, so that no append of an earlier owner is under way."""
        taken: list[Lease] = await self._link.call(
            lambda: self._truth.acquire(owner, most=most, ttl=ttl), lock=self._lock
        )
        return taken

    async def released(self, heard: int, *, limit: float) -> int:
        """Wait for a release of leases, at most so many seconds."""
        await self._link.call(_nothing)
        return await self._truth.released(heard, limit=limit)

    def subscribe(self, *, after: int, limit: int = 500) -> AsyncIterator[list[Recorded]]:
        """Everything after a position, and then what is new; nobody rings here: it is read each second."""
        return follow(
            lambda after, limit: self.read_all(after=after, limit=limit, size=PAGE_BYTES),
            self._bell,
            after=after,
            limit=limit,
        )

    async def close(self) -> None:
        """Let go of the connections; the log stays."""


async def _nothing() -> None:
    """What a database does that is only listened to."""


def store_lost(_: bool) -> Exception:
    """What a caller gets who hears nothing of the database."""
    return StoreUnavailableError("the database does not answer (simulated)")


def append_lost(known: bool) -> Exception:
    """The same for an append, which may have been written."""
    return store_lost(known) if known else AppendUnknownError("the connection broke in a commit (simulated)")


def _over(link: Link, method: Any) -> Any:
    async def call(*given: Any, **named: Any) -> Any:
        return await link.call(lambda: method(*given, **named))

    return call
