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
    return await _unknown_event(store, bus, lease.partition)


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
