"""How a partition goes on whose log and topics contradict each other: ``signoff recover``."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Final, get_args
from uuid import UUID, uuid4

from msgspec import Struct

from signoff.cli.upkeep.opening import Installation
from signoff.cli.upkeep.tail import Tail, lost_events, read_tail
from signoff.events.bus.base import Bus
from signoff.events.codec import TOPIC_BY_TYPE, chain_hash, decode_header, encode
from signoff.events.errors import SignoffError
from signoff.events.store.base import Append, EventStore, Lease, LeaseRow, NewEvent
from signoff.events.times import from_iso, iso, recordable
from signoff.events.topics import COMMANDS, EXECUTIONS, recovery_log_id
from signoff.events.types import Event, LogSpan, PartitionRecovered, RecoveryChoice
from signoff.executor.logs.loader import BrokenExecutionError
from signoff.executor.ownership.takeover import REMEDY, find_contradiction, is_made_anew
from signoff.executor.publishing.cloudevents import origin_of, record_of

OWNER: Final = "signoff recover"
"""Who holds a partition's lease meanwhile."""

WORKFLOW_ID: Final = "$recovery"
"""What stands as ``workflowId`` in its events; no workflow can be called so."""

TTL: Final = 30.0
"""Seconds for which a lease is taken; it is renewed as long as it is needed."""

_NAMED: Final = 1000
"""Logs that an event names."""


class RecoveryError(SignoffError):
    """A partition cannot be recovered in this way; says in which it can."""


class Closed(Struct, frozen=True, kw_only=True):
    """A partition that its owner keeps closed.

    Attributes:
        reason: what contradicts what.
        next_offset: where the log goes on with commands.
        first: the first offset of a command that is held.
        end: the offset after the last.
        anew: the broker was made anew: none of the commands that it holds was executed.
        tail: the events that the topic has and the log has not.
    """

    partition: int
    reason: str
    next_offset: int
    first: int
    end: int
    anew: bool
    tail: Tail

    def goes_on_at(self, choice: RecoveryChoice) -> int:
        """The offset of the next command."""
        if choice == "skip-to-end":
            return self.end
        return self.next_offset if self._is_held else self.first

    def skipped(self, choice: RecoveryChoice) -> int:
        """Commands that are held, and will not be executed."""
        unread = self.next_offset if self._is_held else self.first
        return self.goes_on_at(choice) - unread

    @property
    def _is_held(self) -> bool:
        return not self.anew and self.first <= self.next_offset <= self.end

    @property
    def expired(self) -> int:
        """Commands that are held no longer, and were not executed."""
        return max(0, self.first - self.next_offset)


class Facts(Struct, frozen=True, kw_only=True, rename="camel"):
    """What an operator should know of a closed partition. ``choices``: what each would mean."""

    partition: int
    reason: str
    next_offset: int
    first_offset: int
    end_offset: int
    commands_expired: int
    events_on_topic_only: int
    logs: int
    choices: dict[str, str]


def facts_of(closed: Closed) -> Facts:
    """What is known of a closed partition, and what can be done."""
    choices = {name: _meaning(closed, name) for name in get_args(RecoveryChoice)}
    return Facts(
        partition=closed.partition,
        reason=closed.reason,
        next_offset=closed.next_offset,
        first_offset=closed.first,
        end_offset=closed.end,
        commands_expired=closed.expired,
        events_on_topic_only=closed.tail.events,
        logs=len(closed.tail.logs),
        choices=choices,
    )


def _meaning(closed: Closed, choice: RecoveryChoice) -> str:
    tail, at = closed.tail, closed.goes_on_at(choice)
    if choice == "from-topic" and tail.flaw is not None:
        return f"not possible: {tail.flaw}"
    events = f"{tail.events} events of {len(tail.logs)} logs are"
    events += " put back into the log" if choice == "from-topic" else " given up, though consumers saw them"
    commands = f"{closed.skipped(choice)} commands are not executed, {closed.end - at} are read from {at} on"
    if closed.expired:
        commands += f"; {closed.expired} have expired unread"
    return f"{events}; {commands}" if tail.logs else commands


async def closed_partitions(
    store: EventStore, bus: Bus, partitions: frozenset[int] = frozenset()
) -> list[Closed]:
    """The partitions whose log and topics contradict each other.

    Args:
        store: the log.
        bus: the topics.
        partitions: of these; none: of all.
    """
    found = []
    for row in await store.leases():
        if not partitions or row.partition in partitions:
            closed = await look(store, bus, row)
            if closed is not None:
                found.append(closed)
    return found


async def look(store: EventStore, bus: Bus, row: LeaseRow | Lease) -> Closed | None:
    """What is wrong with a partition; ``None`` when nothing is."""
    lease = Lease(
        partition=row.partition,
        owner=OWNER,
        epoch=row.epoch,
        next_offset=row.next_offset,
        relayed=row.relayed,
    )
    reason = await find_contradiction(store, bus, lease)
    if reason is None:
        return None
    bounds = await bus.bounds(COMMANDS, [row.partition])
    if row.partition not in bounds:
        raise RecoveryError(reason)
    first, end = bounds[row.partition]
    return Closed(
        partition=row.partition,
        reason=reason.removesuffix(f"; {REMEDY}"),
        next_offset=row.next_offset,
        first=first,
        end=end,
        anew=await is_made_anew(store, bus, lease),
        tail=await read_tail(store, bus, row.partition),
    )


class Recovery(Struct, frozen=True, kw_only=True):
    """What was done.

    Attributes:
        recovered: what was recorded, by partition; nothing for one that was well.
        unfoldable: logs that came back and cannot be folded: their workflow's partition may be closed still.
    """

    recovered: list[PartitionRecovered]
    unfoldable: list[UUID]


async def recover(
    installation: Installation,
    bus: Bus,
    partitions: Collection[int],
    choice: RecoveryChoice,
    *,
    clock: Callable[[], float] = time.time,
) -> Recovery:
    """Take partitions, do what was chosen, record it in the log and on the topic, and give them back.

    What is done again after an interruption goes on where that was: a partition stays closed until all is
    done. Events come back in all partitions before rows are made: an execution's workflow is in another one.

    Args:
        installation: whose.
        bus: its topics.
        partitions: which.
        choice: how they go on.
        clock: seconds since the epoch, UTC.

    Raises:
        RecoveryError: the lost events of a partition cannot be put back; nothing was changed.
        LeaseLostError: somebody else took a partition meanwhile.
        BusError: the broker is away.
        StoreError: the database is away.
    """
    store = installation.store
    async with _seized(store, partitions) as leases:
        looked_at = [(lease, await look(store, bus, lease)) for lease in leases]
        wrong = [(lease, closed) for lease, closed in looked_at if closed is not None]
        unfoldable = []
        if choice == "from-topic":
            _check_whole(closed for _, closed in wrong)
            for lease, closed in wrong:
                await _put_back(store, bus, lease, closed.tail)
            unfoldable = [
                log_id
                for _, closed in wrong
                for log_id in closed.tail.logs
                if not await _make_rows(installation, log_id)
            ]
        recovered = []
        for lease, closed in wrong:
            decided = _recovered(installation, closed, choice)
            await _publish(bus, lease.partition, await _record(store, lease, decided, clock()))
            recovered.append(decided)
    return Recovery(recovered=recovered, unfoldable=unfoldable)


@asynccontextmanager
async def _seized(store: EventStore, partitions: Collection[int]) -> AsyncIterator[list[Lease]]:
    """The leases of partitions, taken from whoever has them; they are free afterwards.

    Should one be lost, the next append says so.
    """
    leases = await store.upkeep.seize(partitions, owner=OWNER, ttl=TTL)
    epochs = {lease.partition: lease.epoch for lease in leases}
    renewing = asyncio.create_task(_renew(store, epochs))
    try:
        yield leases
    finally:
        renewing.cancel()
        await asyncio.gather(renewing, return_exceptions=True)
        await store.release(epochs, owner=OWNER)


async def _renew(store: EventStore, epochs: Mapping[int, int]) -> None:
    while True:
        await asyncio.sleep(TTL / 3)
        await store.renew(epochs, owner=OWNER, ttl=TTL)


def _check_whole(closed: Iterable[Closed]) -> None:
    for each in closed:
        if each.tail.flaw is not None:
            raise RecoveryError(
                f"the events of {EXECUTIONS}/{each.partition} cannot be put back: {each.tail.flaw}; restore "
                f"a later backup, or give them up: --skip-to-end or --reread --partition {each.partition}"
            )


async def _put_back(store: EventStore, bus: Bus, lease: Lease, tail: Tail) -> None:
    """Append the very bytes of the topic."""
    async for page in lost_events(bus, lease.partition, tail.logs):
        await store.append(Append(partition=lease.partition, epoch=lease.epoch, events=page))


async def _make_rows(installation: Installation, log_id: UUID) -> bool:
    """Make the rows that follow from a log; false when it cannot be folded."""
    try:
        reading = await installation.deriver.read(log_id)
    except BrokenExecutionError:
        return False
    return await installation.store.upkeep.put_derived(reading.derived)


def _recovered(installation: Installation, closed: Closed, choice: RecoveryChoice) -> PartitionRecovered:
    logs = closed.tail.logs
    restores = choice == "from-topic"
    at = closed.goes_on_at(choice)
    return PartitionRecovered(
        partition=closed.partition,
        choice=choice,
        reason=closed.reason,
        actor=installation.actor(OWNER),
        previous_offset=closed.next_offset,
        next_offset=at,
        commands_skipped=closed.skipped(choice),
        commands_expired=closed.expired,
        events_restored=closed.tail.events if restores else 0,
        events_lost=0 if restores else closed.tail.events,
        logs=[
            LogSpan(log_id=str(log_id), after=lost.after, upto=lost.upto)
            for log_id, lost in list(logs.items())[:_NAMED]
        ],
        more_logs=max(0, len(logs) - _NAMED),
    )


async def _record(store: EventStore, lease: Lease, recovered: PartitionRecovered, now: float) -> bytes:
    """Append what was decided, with the offset at which the partition goes on."""
    log_id = recovery_log_id(lease.partition)
    version = (await store.heads([log_id])).get(log_id, 0)
    before = await store.read(log_id, after=version - 1, limit=1) if version else []
    last = from_iso(decode_header(before[0].state).timestamp) if before else 0.0
    event = Event(
        type=recovered.TYPE,
        event_id=version + 1,
        log_id=str(log_id),
        workflow_id=WORKFLOW_ID,
        timestamp=iso(max(recordable(now), last)),
        causation_id=str(uuid4()),
        prev=chain_hash(before[0].state) if before else None,
        data=recovered,
    )
    raw = encode(event)
    new = NewEvent(log_id, event.event_id, TOPIC_BY_TYPE[event.type], raw)
    await store.append(
        Append(partition=lease.partition, epoch=lease.epoch, next_offset=recovered.next_offset, events=[new])
    )
    return raw


async def _publish(bus: Bus, partition: int, raw: bytes) -> None:
    """Put the event on the topic: from now on its last record is in the log."""
    origin = origin_of(recovery_log_id(partition), "", WORKFLOW_ID, WORKFLOW_ID)
    record = record_of(decode_header(raw), raw, origin, again=False)
    await (await bus.publish(EXECUTIONS, partition, [record]))
