"""Tells hooks of what happened: follows the log of the partitions that this executor owns.

The log is the queue. For each partition a position in the tracking table says up to where every hook has
been told, or a record says where the execution goes on; whoever owns the partition next reads on from
there. So an event may be delivered twice, with the same ``webhook-id``, and none is left out.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

import structlog
from msgspec import Struct

from signoff.access.hooks import HookRecords
from signoff.access.secrets.sealing import Sealer
from signoff.events.codec import decode_header
from signoff.events.errors import CodecError, StoreError
from signoff.events.store.base import EventStore, Recorded
from signoff.events.store.paging import PAGE_BYTES, is_full
from signoff.events.topics import PARTITIONS, partition_of
from signoff.executor.hooks.attempts import Attempts
from signoff.executor.hooks.due import Due
from signoff.executor.hooks.lanes import Lanes
from signoff.executor.hooks.limits import Limits
from signoff.executor.hooks.metrics import HookMetrics
from signoff.executor.hooks.progress import Progress
from signoff.executor.hooks.sending import Sender
from signoff.executor.hooks.slots import Slots
from signoff.executor.hooks.subscriptions import LiveDirectory, Subscriptions
from signoff.executor.hooks.targets import Targets
from signoff.executor.ownership.fencing import fenced
from signoff.executor.publishing.origins import Origins
from signoff.runtime.guard import Network, guarded_session

NO_HOOKS: Final = "hooks"
"""Names the position up to which there was no hook at all, for any partition."""

_log = structlog.get_logger("signoff.executor.hooks")


class _Page(Struct, frozen=True):
    """Events that were read: all of some partitions up to a position. ``full``: there may be more."""

    events: Sequence[Recorded] = ()
    partitions: frozenset[int] = frozenset()
    until: int = 0
    full: bool = False


def tracking_name(partition: int) -> str:
    """Names the position of a partition in the tracking table."""
    return f"hooks/{partition}"


class Deliverer:
    """Delivers the events of the executions in the partitions that an executor owns. See `delivering`.

    Args:
        store: the log.
        directory: says which hooks there are.
        owned: gives the partitions that are owned now.
        subscriptions: the same as those of lanes and due.
        lanes: what is under way.
        due: what was put aside.
        metrics: shows how far it has come.
        partitions: how many there are in all.
        limits: how often it looks, and how much it takes at once.
        monotonic: seconds.
    """

    def __init__(
        self,
        store: EventStore,
        directory: LiveDirectory,
        owned: Callable[[], Collection[int]],
        *,
        subscriptions: Subscriptions,
        lanes: Lanes,
        due: Due,
        metrics: HookMetrics,
        partitions: int,
        limits: Limits,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._directory = directory
        self._owned = owned
        self._subscriptions = subscriptions
        self._lanes = lanes
        self._due = due
        self._metrics = metrics
        self._partitions = partitions
        self._limits = limits
        self._monotonic = monotonic
        self._origins = Origins(store)
        self._progress: dict[int, Progress] = {}
        self._none_until = 0
        self._none_recorded = 0
        self._due_at = 0.0
        self._step_at = 0.0
        self._idle_step_at = 0.0

    async def run(self) -> None:
        """Deliver, for ever. A database that is away is waited for."""
        while True:
            more = False
            try:
                more = await self._round()
            except StoreError as error:
                _log.warning("hooks wait for the database", reason=str(error))
            if (fault := self._lanes.fault or self._due.fault) is not None:
                raise fault
            if not more:
                await asyncio.sleep(self._limits.poll if self._subscriptions else self._limits.idle_poll)

    async def close(self) -> None:
        """Stop what is under way, and record how far it came."""
        await self._due.close()
        try:
            await self._lanes.drop()
            await self._record()
        except StoreError as error:
            _log.warning("positions of hooks not recorded: some events will come twice", reason=str(error))

    async def _round(self) -> bool:
        """Look once; gives whether there is more at once."""
        await self._drop_lost()
        last = await self._store.last_position()
        page = await self._read(last) if self._subscriptions else _Page()
        # After the events: a hook that was set before one of them is known now.
        await self._subscriptions.refresh(self._directory)
        await self._begin_gained(last)
        more = False
        if self._subscriptions:
            await self._hand_over(page)
            more = await self._take_due()
        else:
            self._pass_over(last)
        self._metrics.lanes.set(len(self._lanes))
        self._metrics.reached(last, self._progress.values())
        await self._step()
        return more or page.full

    async def _take_due(self) -> bool:
        now = self._monotonic()
        if now < self._due_at:
            return False
        more = await self._due.take(self._progress)
        self._due_at = now if more else now + self._limits.due_poll
        return more

    # Partitions come and go ---------------------------------------------------------------------------

    async def _drop_lost(self) -> None:
        owned = set(self._owned())
        ended = [each for each, progress in self._progress.items() if each not in owned or progress.given_up]
        for partition in ended:
            await self._lanes.drop(self._progress.pop(partition))

    async def _begin_gained(self, last: int) -> None:
        gained = [each for each in self._owned() if each not in self._progress]
        if not gained:
            return
        if not self._subscriptions:
            self._progress.update({partition: Progress(last) for partition in gained})
            return
        none_until = await self._store.tracked(NO_HOOKS)
        for partition in gained:
            position = await self._store.tracked(tracking_name(partition))
            self._progress[partition] = Progress(max(position, none_until))

    # Reading ------------------------------------------------------------------------------------------

    async def _read(self, last: int) -> _Page:
        """The next events, from where the partition that is furthest behind goes on."""
        after = min((each.read for each in self._progress.values()), default=last)
        if after >= last:
            return _Page()
        partitions, limit = frozenset(self._progress), self._limits.page
        events = await self._store.read_all(
            after=after, limit=limit, partitions=list(partitions), size=PAGE_BYTES
        )
        full = is_full(events, limit=limit, size=PAGE_BYTES)
        return _Page(events, partitions, events[-1].position if full else last, full)

    async def _hand_over(self, page: _Page) -> None:
        """Put events into lanes. A partition is read up to what was handed over, should it end early."""
        wanted = [each for each in page.events if each.topic in self._subscriptions.topics]
        workspaces = await self._workspaces(wanted)
        for recorded in wanted:
            progress = self._progress.get(partition_of(recorded.log_id, self._partitions))
            workspace_id = workspaces.get(recorded.log_id)
            if progress is None or workspace_id is None or recorded.position <= progress.read:
                continue
            await self._hand_over_one(recorded, workspace_id, progress)
            progress.read = recorded.position
        for partition in page.partitions & self._progress.keys():
            progress = self._progress[partition]
            progress.read = max(progress.read, page.until)

    async def _workspaces(self, events: Sequence[Recorded]) -> dict[UUID, UUID]:
        """The workspaces of the executions that events are of."""
        origins = await self._origins.find(each.log_id for each in events) if events else {}
        return {
            log_id: UUID(origin.lineage.workspace_id)
            for log_id, origin in origins.items()
            if origin.lineage is not None
        }

    async def _hand_over_one(self, recorded: Recorded, workspace_id: UUID, progress: Progress) -> None:
        hooks = self._subscriptions.of(workspace_id)
        if not hooks:
            return
        try:
            header = decode_header(recorded.state)
        except CodecError as error:
            _log.error(
                "no event in the log", log=str(recorded.log_id), version=recorded.version, exc_info=error
            )
            return
        for hook in hooks:
            if header.copy_of is None and hook.wants(recorded.topic, header.workflow_id):
                await self._lanes.hand_over(workspace_id, hook.hook_id, recorded, progress)

    def _pass_over(self, last: int) -> None:
        """Nobody is told of anything up to here."""
        self._none_until = last
        for progress in self._progress.values():
            progress.read = last
        self._metrics.due.set(0)

    # Positions ----------------------------------------------------------------------------------------

    async def _step(self) -> None:
        """Record positions, now and then: most often those of partitions with something to deliver."""
        now = self._monotonic()
        if now >= self._idle_step_at:
            self._idle_step_at = self._step_at = now + self._limits.idle_step
            await self._record()
        elif now >= self._step_at and self._subscriptions:
            await self._record(only_told=True)
        else:
            return
        self._step_at = now + self._limits.step

    async def _record(self, *, only_told: bool = False) -> None:
        if not self._subscriptions:
            if self._none_until > self._none_recorded:
                await self._store.track(NO_HOOKS, self._none_until)
                self._none_recorded = self._none_until
            return
        for partition, progress in self._progress.items():
            position = progress.position
            if position > progress.recorded and (progress.told or not only_told):
                await self._store.track(tracking_name(partition), position)
                progress.recorded = position
                progress.told = not progress.idle


@asynccontextmanager
async def delivering(
    store: EventStore,
    directory: LiveDirectory,
    sealer: Sealer,
    owned: Callable[[], Collection[int]],
    metrics: HookMetrics,
    *,
    networks: Sequence[Network] = (),
    partitions: int = PARTITIONS,
    limits: Limits = Limits(),  # noqa: B008 (a frozen value)
    clock: Callable[[], float] = time.time,
) -> AsyncIterator[Deliverer]:
    """A deliverer with what it needs; what is under way is stopped on leaving.

    Args:
        store: the log, with the records beside it.
        directory: says which hooks there are.
        sealer: opens their URLs and secrets.
        owned: gives the partitions that are owned now.
        metrics: shows what comes of it.
        networks: that may be reached although they are not public.
        partitions: how many there are in all.
        limits: of time, size and number.
        clock: seconds since the epoch, UTC.
    """
    kept, subscriptions = HookRecords(store.records, sealer), Subscriptions()

    def held(log_id: UUID) -> bool:
        return partition_of(log_id, partitions) in owned()

    async with guarded_session(networks, connections=limits.in_all, middlewares=[fenced]) as session:
        attempts = Attempts(
            subscriptions,
            Targets(kept),
            Slots(limits),
            Sender(session, limits, clock),
            metrics=metrics,
            clock=clock,
        )
        lanes = Lanes(store, kept, attempts, limits, held=held, metrics=metrics, clock=clock)
        due = Due(
            store, kept, subscriptions, attempts, lanes,
            metrics=metrics, partitions=partitions, limits=limits, clock=clock,
        )  # fmt: skip
        deliverer = Deliverer(
            store, directory, owned, subscriptions=subscriptions, lanes=lanes, due=due, metrics=metrics,
            partitions=partitions, limits=limits,
        )  # fmt: skip
        try:
            yield deliverer
        finally:
            await deliverer.close()
