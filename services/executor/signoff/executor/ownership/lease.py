"""Which partitions this executor owns: leases in the log's database, renewed each second.

A lease counts as held by this process's own clock, from before the renewal was asked for: a process that was
stopped and goes on late knows that it no longer owns anything. What has run out is never held again: whoever
saw that it did may have given something up.
"""

import asyncio
import math
from collections.abc import Callable
from typing import Final, Protocol

import structlog

from signoff.events import faults
from signoff.events.errors import StoreError
from signoff.events.store.base import EventStore, Lease
from signoff.executor.ownership.owners import is_dead, new_owner
from signoff.runtime.clock import since_boot

TTL: Final = 3.0
"""Seconds that a lease lasts."""

RENEWAL: Final = 1.0
"""Seconds between renewals."""

AT_ONCE: Final = 8
"""Partitions that are handed over at once to an executor that joins: the others work on meanwhile."""

_log = structlog.get_logger("signoff.executor.lease")


class Holder(Protocol):
    """What works on partitions while their leases are held."""

    async def gained(self, lease: Lease) -> None:
        """Begin to work on a partition."""
        ...

    async def handing_over(self, partition: int) -> None:
        """Bring the work on a partition to an end, in bounded time: its lease is released after that."""
        ...

    async def lost(self, partition: int) -> None:
        """Stop at once: the lease has run out, or another has it."""
        ...


class Leases:
    """Takes this executor's share of the partitions, and hands over what is above it.

    Args:
        owner: names this process; one is made when none is given.
        holder: is told of what comes and goes.
        partitions: how many there are.
        monotonic: seconds, on a clock that no pause of this process stops.
        is_dead: whether another owner has certainly ended, so that its leases need not run out.
    """

    def __init__(
        self,
        store: EventStore,
        owner: str | None,
        *,
        holder: Holder,
        partitions: int,
        ttl: float = TTL,
        renewal: float = RENEWAL,
        monotonic: Callable[[], float] = since_boot,
        is_dead: Callable[[str], bool] = is_dead,
    ) -> None:
        self._store = store
        self.owner = owner or ""
        self._holder = holder
        self._partitions = partitions
        self._ttl = ttl
        self._renewal = renewal
        self._monotonic = monotonic
        self._is_dead = is_dead
        self._epochs: dict[int, int] = {}
        self._until: dict[int, float] = {}
        self._leaving = False
        self._handed_over: dict[int, asyncio.Task[None]] = {}
        self._done: dict[int, int] = {}
        self._in_round = asyncio.Lock()
        self._releasing = asyncio.Lock()
        self._others_end = math.inf
        self._heard = 0

    def held(self, partition: int) -> bool:
        """Whether the lease of a partition holds right now."""
        return self._until.get(partition, -math.inf) > self._monotonic()

    @property
    def owned(self) -> list[int]:
        """The partitions whose leases this process has."""
        return sorted(self._epochs)

    # For ever -----------------------------------------------------------------------------------------

    async def keep(self) -> None:
        """Renew, take and hand over, for ever; at once what another has released."""
        if not self.owner:
            self.owner = await asyncio.to_thread(new_owner)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._renew())
            tasks.create_task(self._watch())

    async def _renew(self) -> None:
        while True:
            before = self._monotonic()
            try:
                async with self._in_round:
                    await self._round()
            except StoreError as error:
                _log.warning("leases cannot be renewed", reason=str(error))
            await self._rest(before + self._renewal)

    async def _rest(self, until: float) -> None:
        """Wait for the next round: until a moment, another's lease's end, or a release."""
        limit = max(0.0, min(until, self._others_end) - self._monotonic())
        try:
            self._heard = await self._store.released(self._heard, limit=limit)
        except StoreError as error:
            _log.warning("releases are not heard of", reason=str(error))
            await asyncio.sleep(limit)

    async def _watch(self) -> None:
        """Stop what runs for a lease in the moment in which it runs out, also while no round ends."""
        while True:
            soonest = min(self._until.values(), default=math.inf) - self._monotonic()
            await asyncio.sleep(max(0.0, min(soonest, self._renewal)))
            await self._drop_expired()

    async def _round(self) -> None:
        await self._drop_expired()
        await self._bury_the_dead()
        if faults.armed:
            await faults.reach("lease.renewing")
        asked_at = self._monotonic()
        alive = 0 if self._leaving else await self._store.announce(self.owner, ttl=self._ttl)
        await self._extend(asked_at)
        if self._leaving:
            return
        share = math.ceil(self._partitions / max(1, alive))
        self._hand_over_above(share)
        if len(self._epochs) < share:
            await self._take(share - len(self._epochs))

    async def _extend(self, asked_at: float) -> None:
        asked = dict(self._epochs)
        if not asked:
            return
        kept = await self._store.renew(asked, owner=self.owner, ttl=self._ttl)
        for partition in kept:
            if self.held(partition):  # it may have run out while the database took its time
                self._until[partition] = asked_at + self._ttl
        await self._forget([each for each in asked if each in self._epochs and each not in kept])
        if ran_out := {each: asked[each] for each in kept if not self.held(each)}:
            await self._store.release(ran_out, owner=self.owner)

    async def _bury_the_dead(self) -> None:
        """Free what processes hold that were killed on this host, without waiting for their leases' end."""
        self._others_end = math.inf
        if self._leaving or len(self._epochs) == self._partitions:
            return
        asked_at = self._monotonic()
        held: dict[str, dict[int, int]] = {}
        for row in await self._store.leases():
            if row.owner is not None and row.owner != self.owner and row.seconds_left > 0:
                held.setdefault(row.owner, {})[row.partition] = row.epoch
                self._others_end = min(self._others_end, asked_at + row.seconds_left)
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
            await self._holder.gained(lease)

    # Handing over ---------------------------------------------------------------------------------------

    def _hand_over_above(self, share: int) -> None:
        """Hand over what is above this executor's share, some at once."""
        above = len(self._epochs) - share - len(self._handed_over)
        room = AT_ONCE - len(self._handed_over)
        staying = [each for each in self.owned if each not in self._handed_over]
        for partition in staying[::-1][: max(0, min(above, room))]:
            self._hand_over(partition)

    def _hand_over(self, partition: int) -> None:
        """End the work on a partition while its lease is renewed, then release it; no other waits for it."""
        if partition not in self._handed_over:
            task = asyncio.create_task(self._finish(partition, self._epochs[partition]))
            self._handed_over[partition] = task

    async def _finish(self, partition: int, epoch: int) -> None:
        try:
            await self._holder.handing_over(partition)
            if self._epochs.get(partition) == epoch:  # else it ran out meanwhile
                self.drop(partition)
                self._done[partition] = epoch
                await self._release()
        except StoreError as error:
            _log.warning("lease not released: it runs out by itself", partition=partition, reason=str(error))
        finally:
            del self._handed_over[partition]
            if self._epochs.get(partition) == epoch:  # whatever went wrong: nothing works on it any more
                self.drop(partition)

    async def _release(self) -> None:
        """Release what is done; what gets done meanwhile goes together with the next."""
        async with self._releasing:
            done, self._done = self._done, {}
            if done:
                if faults.armed:
                    await faults.reach("lease.releasing")
                await self._store.release(done, owner=self.owner)

    async def leave(self) -> None:
        """Hand everything over, each partition as soon as it is done; leases are renewed until then.

        While the database is away nothing could be recorded or released: all is stopped at once.
        :meth:`keep` must go on meanwhile.
        """
        self._leaving = True
        try:
            async with asyncio.timeout(self._ttl), self._in_round:  # nothing is being taken, nothing will be
                await self._store.announce(self.owner, ttl=0.0)  # first, so that the others may take more
        except (StoreError, TimeoutError) as error:
            _log.warning("nothing can be handed over: leases run out by themselves", reason=str(error))
            await self._forget(self.owned)
        while self._epochs or self._handed_over:  # a partition may have been lost and taken again meanwhile
            for partition in self.owned:
                self._hand_over(partition)
            await asyncio.gather(*self._handed_over.values())

    # Losing ---------------------------------------------------------------------------------------------

    async def _drop_expired(self) -> None:
        await self._forget([each for each in self._epochs if not self.held(each)])

    async def _forget(self, partitions: list[int]) -> None:
        for partition in partitions:
            _log.warning("lease lost", partition=partition)
            self.drop(partition)
        await asyncio.gather(*(self._holder.lost(partition) for partition in partitions))

    def drop(self, partition: int) -> None:
        """Count no more on a lease: the database says that it is another's, or it is to run out."""
        self._epochs.pop(partition, None)
        self._until.pop(partition, None)
