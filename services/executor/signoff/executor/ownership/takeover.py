"""The comparison that a new owner makes before it writes: do log, topic and commands belong together?

A database restored to yesterday, or a broker made anew, is found here, before it can fork history.
"""

from typing import Final

from signoff.events.bus.base import Bus
from signoff.events.codec import decode_header
from signoff.events.errors import CodecError
from signoff.events.store.base import EventStore, Lease
from signoff.events.topics import COMMANDS, EXECUTIONS, log_of_key

REMEDY: Final = "an operator must decide how it goes on: run `signoff recover`"


async def find_contradiction(store: EventStore, bus: Bus, lease: Lease) -> str | None:
    """Compare a partition's topics with its log.

    Returns:
        What contradicts what, for an operator to decide; ``None`` when all is well.

    Raises:
        BusUnavailableError: the broker is away.
        StoreUnavailableError: the database is away.
    """
    bounds = await bus.bounds(COMMANDS, [lease.partition])
    if lease.partition not in bounds:
        return f"{COMMANDS} has no partition {lease.partition}; run `signoff topics apply`"
    first, end = bounds[lease.partition]
    if not first <= lease.next_offset <= end:
        return (
            f"{COMMANDS}/{lease.partition} holds offsets {first} to {end}, and the log goes on at "
            f"{lease.next_offset}: the broker was made anew, or commands expired unread; {REMEDY}"
        )
    if await is_made_anew(store, bus, lease):
        return (
            f"{EXECUTIONS}/{lease.partition} never held a record, and events of the log were published "
            f"there: the broker was made anew; {REMEDY}"
        )
    return await _unknown_event(store, bus, lease.partition)


async def is_made_anew(store: EventStore, bus: Bus, lease: Lease) -> bool:
    """Whether a partition's topic of events never held any, though events of its log were published.

    Its topic of commands may by now hold as many as the log has read from the one before, and nothing shows
    that they are others. A topic whose records have expired keeps count of them.

    Raises:
        BusUnavailableError: the broker is away.
        StoreUnavailableError: the database is away.
    """
    if lease.relayed == 0:
        return False
    _, end = (await bus.bounds(EXECUTIONS, [lease.partition]))[lease.partition]
    if end > 0:
        return False
    first = await store.read_all(after=0, limit=1, partitions=[lease.partition])
    return bool(first) and first[0].position <= lease.relayed


async def _unknown_event(store: EventStore, bus: Bus, partition: int) -> str | None:
    last = await bus.last(EXECUTIONS, partition)
    if last is None:
        return None
    place = f"{EXECUTIONS}/{partition} at offset {last.offset}"
    try:
        log_id, event_id = log_of_key(last.key), decode_header(last.value).event_id
    except (CodecError, ValueError):
        return f"{place} holds a record that is no event of a log; {REMEDY}"
    found = await store.read(log_id, after=event_id - 1, limit=1)
    if not found or found[0].state != last.value:
        return (
            f"{place} holds event {event_id} of {log_id}, and the log does not, or differs: "
            f"the database was restored to an earlier time; {REMEDY}"
        )
    return None
