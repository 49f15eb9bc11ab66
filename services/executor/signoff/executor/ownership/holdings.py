"""The partitions that an executor works on: how each is taken over, handed over and given up.

Each has a task of its own for its loop; what happens to one makes no other wait.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final, Protocol

import structlog
from msgspec import Struct

from signoff.events.bus.base import Bus
from signoff.events.errors import BusError, StoreError
from signoff.events.store.base import EventStore, Lease
from signoff.executor.ownership.takeover import find_contradiction
from signoff.executor.partition.intake import Intake
from signoff.executor.partition.loop import Partition
from signoff.executor.publishing.relay import Relay
from signoff.runtime.health import Health

JOINING: Final = 3.0
"""Seconds that blocks at work have to end when another executor joins …"""

STOPPING: Final = 2.0
"""… and when this one was told to stop. What takes longer is tried again by the next owner."""

_LAST_TURN: Final = 1.0
"""Seconds for the append under way after that."""

_PUBLISHING: Final = 2.0
_RETRY: Final = 1.0

_log = structlog.get_logger("signoff.executor")


class _Loop(Struct, frozen=True):
    """A partition with the task of its loop."""

    partition: Partition
    task: asyncio.Task[None]


class Held(Protocol):
    """The leases, as far as the holder of partitions asks for them."""

    def held(self, partition: int) -> bool:
        """Whether the lease of a partition holds right now."""
        ...

    def drop(self, partition: int) -> None:
        """Count on a lease no more."""
        ...


class Holdings:
    """Works on the partitions whose leases this process has (`~.lease.Holder`).

    Args:
        store: the log.
        bus: the topics.
        leases: gives the leases; they are made with this.
        make: makes what works on a partition.
        relay: publishes for it.
        intake: reads its commands.
        health: is told why a partition stays closed.

    Attributes:
        owned: what is worked on, by number.
        stopping: this process was told to stop, so that blocks have less time to end.
    """

    def __init__(
        self,
        store: EventStore,
        bus: Bus,
        *,
        leases: Callable[[], Held],
        make: Callable[[Lease], Partition],
        relay: Relay,
        intake: Intake,
        health: Health,
    ) -> None:
        self._store = store
        self._bus = bus
        self._leases = leases
        self._make = make
        self._relay = relay
        self._intake = intake
        self._health = health
        self._loops: dict[int, _Loop] = {}
        self._owned: dict[int, Partition] = {}
        self.stopping = False

    @property
    def owned(self) -> Mapping[int, Partition]:
        """What is worked on now."""
        return self._owned

    @property
    def held(self) -> list[int]:
        """The partitions for which something may be done outside at this very moment."""
        return [number for number, partition in self._owned.items() if partition.held()]

    # Taking over --------------------------------------------------------------------------------------

    async def gained(self, lease: Lease) -> None:
        """Begin to work on a partition, in the background."""
        partition = self._make(lease)
        task = asyncio.create_task(self._own(partition, lease))
        self._loops[lease.partition] = _Loop(partition, task)

    async def _own(self, partition: Partition, lease: Lease) -> None:
        name = f"partition {lease.partition}"
        try:
            if not await self._may_write(partition, lease, name):
                return
            self._owned[lease.partition] = partition
            publishing = self._relay.add(lease.partition, lease.epoch, lease.relayed)
            self._health.watch(publishing, f"relay of {name}")
            self._intake.add(partition)
            await partition.run()
            if partition.fault is not None:
                self._health.closed(name, partition.fault)
        except StoreError as error:
            _log.warning("partition lost", partition=lease.partition, reason=str(error))
            await self._abandon(partition)
        except Exception as error:  # noqa: BLE001  (whatever it is, readiness says so and the lease goes)
            _log.exception("partition failed", partition=lease.partition)
            self._health.closed(name, f"{type(error).__name__}: {error}; restart this process")
            await self._abandon(partition)
        finally:
            self._stop(partition)

    async def _may_write(self, partition: Partition, lease: Lease, name: str) -> bool:
        """Compare log and topics before the first write; a contradiction closes the partition."""
        while partition.held():
            try:
                contradiction = await find_contradiction(self._store, self._bus, lease)
            except (BusError, StoreError) as error:
                _log.warning("partition waits", partition=lease.partition, reason=str(error))
                await asyncio.sleep(_RETRY)
                continue
            if not partition.held():
                break  # it was given up while a driver was on its way back from the question
            if contradiction is None:
                self._health.opened(name)
                return True
            _log.error("partition stays closed", partition=lease.partition, reason=contradiction)
            self._health.closed(name, contradiction)
            return False
        return False

    # Handing over ---------------------------------------------------------------------------------------

    async def handing_over(self, partition: int) -> None:
        """Take no more commands, let blocks end for a while and record what they gave; publish all of it.

        What does not end in time is in flight in the log, where the next owner finds it.
        """
        loop = self._loops.get(partition)
        if loop is None:
            return  # it was lost before this began
        if partition in self._owned:
            limit = STOPPING if self.stopping else JOINING
            self._forget(loop.partition)
            loop.partition.drain(limit / 2)
            await asyncio.wait([loop.task], timeout=limit)
            loop.partition.close()
            await asyncio.wait([loop.task], timeout=_LAST_TURN)
        await _end(loop)
        if self._loops.get(partition) is loop:  # else the lease was lost meanwhile
            del self._loops[partition]
            await self._relay.remove(partition, limit=_PUBLISHING)
            self._health.opened(f"partition {partition}")

    # Giving up ------------------------------------------------------------------------------------------

    async def lost(self, partition: int) -> None:
        """Stop at once what runs for a partition; nothing of it is recorded."""
        loop = self._loops.pop(partition, None)
        if loop is None:
            return  # it was handed over, and only its last events were still being published
        self._stop(loop.partition)
        await self._relay.remove(partition)
        await _end(loop)
        self._health.opened(f"partition {partition}")

    async def _abandon(self, partition: Partition) -> None:
        """Let the lease run out: whoever takes it next begins with what the log holds."""
        self._stop(partition)
        await self._relay.remove(partition.number)
        self._leases().drop(partition.number)

    def _stop(self, partition: Partition) -> None:
        self._forget(partition)
        partition.close()

    def _forget(self, partition: Partition) -> None:
        if self._owned.get(partition.number) is partition:
            del self._owned[partition.number]
            self._intake.remove(partition.number)


async def _end(loop: _Loop) -> None:
    loop.partition.close()
    loop.task.cancel()
    await asyncio.wait([loop.task], timeout=_LAST_TURN)
