"""Which partitions this executor owns: leases in the log's database, renewed each second.

A lease counts as held by this process's own monotonic clock, from before the renewal was asked
for: a process that was stopped and goes on late knows that it no longer owns anything.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from signoff.events import faults
from signoff.events.errors import StoreError
from signoff.events.store.base import EventStore, Lease
from signoff.executor.owners import is_dead, new_owner

TTL: Final = 3.0
"""Seconds that a lease lasts."""

RENEWAL: Final = 1.0
"""Seconds between renewals."""

_log = structlog.get_logger("signoff.executor.lease")


class Leases:
    """Takes this executor's share of the partitions, and gives back what is over it.

    Args:
        owner: names this process; one is made when none is given.
        gained: called for each lease taken.
        lost: called for each partition that is no longer owned, or is to be given back; the
            partition is released when it returns.
        partitions: how many there are.
        is_dead: whether another owner has certainly ended, so that its leases need not run out.
    """

    def __init__(
        self,
        store: EventStore,
        owner: str | None,
        *,
        partitions: int,
        gained: Callable[[Lease], Awaitable[None]],
        lost: Callable[[int], Awaitable[None]],
        ttl: float = TTL,
        renewal: float = RENEWAL,
        monotonic: Callable[[], float] = time.monotonic,
        is_dead: Callable[[str], bool] = is_dead,
    ) -> None:
        self._store = store
        self.owner = owner or ""
        self._partitions = partitions
        self._gained = gained
        self._lost = lost
        self._ttl = ttl
        self._renewal = renewal
        self._monotonic = monotonic
        self._is_dead = is_dead
        self._epochs: dict[int, int] = {}
        self._until: dict[int, float] = {}

    def held(self, partition: int) -> bool:
        """Whether the lease of a partition holds right now."""
        return self._until.get(partition, -math.inf) > self._monotonic()

    @property
    def owned(self) -> list[int]:
        """The partitions whose leases this process has."""
        return sorted(self._epochs)

    async def keep(self) -> None:
        """Renew, take and give back, for ever."""
        if not self.owner:
            self.owner = await asyncio.to_thread(new_owner)
        while True:
            before = self._monotonic()
            try:
                await self._round()
            except StoreError as error:
                _log.warning("leases cannot be renewed", reason=str(error))
                await self._drop_expired()
            await asyncio.sleep(max(0.0, self._renewal - (self._monotonic() - before)))

    async def _round(self) -> None:
        await self._bury_the_dead()
        if faults.armed:
            await faults.reach("lease.renewing")
        asked_at = self._monotonic()
        alive = await self._store.announce(self.owner, ttl=self._ttl)
        if self._epochs:
            kept = await self._store.renew(dict(self._epochs), owner=self.owner, ttl=self._ttl)
            for partition in kept & self._epochs.keys():  # some may have been dropped meanwhile
                self._until[partition] = asked_at + self._ttl
            await self._forget([each for each in self._epochs if each not in kept])
        share = math.ceil(self._partitions / max(1, alive))
        await self._give_back(len(self._epochs) - share)
        if len(self._epochs) < share:
            await self._take(share - len(self._epochs))

    async def _bury_the_dead(self) -> None:
        """Free what processes hold that were killed on this host, without waiting for their leases' end."""
        if len(self._epochs) == self._partitions:
            return
        held: dict[str, dict[int, int]] = {}
        for row in await self._store.leases():
            if row.owner is not None and row.owner != self.owner and row.seconds_left > 0:
                held.setdefault(row.owner, {})[row.partition] = row.epoch
        for owner in await asyncio.to_thread(lambda: [each for each in held if self._is_dead(each)]):
            _log.info("its process is gone: its leases are free", owner=owner, partitions=len(held[owner]))
            await self._store.release(held[owner], owner=owner)
            await self._store.announce(owner, ttl=0.0)

    async def _take(self, most: int) -> None:
        asked_at = self._monotonic()
        for lease in await self._store.acquire(self.owner, most=most, ttl=self._ttl):
            self._epochs[lease.partition] = lease.epoch
            self._until[lease.partition] = asked_at + self._ttl
            if faults.armed:
                await faults.reach("lease.taken")
            await self._gained(lease)

    async def _give_back(self, count: int) -> None:
        if count > 0:
            await self._release(self.owned[-count:])

    async def _release(self, partitions: list[int]) -> None:
        released = {partition: self._epochs[partition] for partition in partitions}
        await asyncio.gather(*(self._lost(partition) for partition in partitions))
        for partition in partitions:
            self._epochs.pop(partition, None)
            self._until.pop(partition, None)
        if faults.armed:
            await faults.reach("lease.releasing")
        await self._store.release(released, owner=self.owner)

    async def _drop_expired(self) -> None:
        await self._forget([each for each in self._epochs if not self.held(each)])

    async def _forget(self, partitions: list[int]) -> None:
        for partition in partitions:
            _log.warning("lease lost", partition=partition)
            self.drop(partition)
        await asyncio.gather(*(self._lost(partition) for partition in partitions))

    def drop(self, partition: int) -> None:
        """Stop counting on a lease that the database says is another's."""
        self._epochs.pop(partition, None)
        self._until.pop(partition, None)

    async def release_all(self) -> None:
        """Give everything back and leave, so that others take over at once."""
        try:
            await self._release(self.owned)
            await self._store.announce(self.owner, ttl=0.0)
        except StoreError as error:
            _log.warning("leases not released: they run out by themselves", reason=str(error))
