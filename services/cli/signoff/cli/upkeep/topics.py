"""Whether the topics are as they should be, and say what the log says."""

from collections.abc import AsyncIterator
from typing import Final

from signoff.cli.upkeep.finding import Finding
from signoff.events.bus.base import Bus
from signoff.events.codec import decode_header
from signoff.events.errors import CodecError
from signoff.events.store.base import EventStore, Lease
from signoff.events.times import from_iso
from signoff.events.topics import COMMANDS, EXECUTIONS, PARTITIONS
from signoff.events.topology import RETENTION_MS, topic_configs
from signoff.executor.takeover import find_contradiction

LATE: Final = 10.0
"""Seconds after which an event should be on its topic."""

_FOREVER: Final = -1


async def examine_topics(store: EventStore, bus: Bus) -> AsyncIterator[Finding]:
    """Look at topics: that they exist, are made as they should be, and belong to the log."""
    for name in RETENTION_MS:
        found = await bus.partitions(name)
        if found != PARTITIONS:
            problem = f"has {found} partitions, not {PARTITIONS}" if found else "does not exist"
            yield Finding(f"topic {name}", ok=False, detail=f"{problem}: run `signoff topics apply`")
            return
        for problem in await _misconfigured(bus, name):
            yield Finding(f"topic {name}", ok=False, detail=problem)
    async for finding in _examine_partitions(store, bus):
        yield finding
    waiting = await _waiting(store, bus)
    yield Finding("broker", ok=True, detail=f"{len(RETENTION_MS)} topics; {waiting} commands wait")


async def _misconfigured(bus: Bus, name: str) -> list[str]:
    actual = await bus.configs(name)
    wanted = topic_configs(replication=1)[name]
    problems = [
        f"has {key}={actual[key]}: set it to {wanted[key]}"
        for key in ("cleanup.policy", "max.message.bytes")
        if actual.get(key, wanted[key]) != wanted[key]
    ]
    retention = int(actual.get("retention.ms", _FOREVER))
    if _FOREVER < retention < RETENTION_MS[name]:
        problems.append(
            f"keeps records for {retention} ms: set retention.ms to {RETENTION_MS[name]}, or what waits "
            "is lost"
        )
    least, copies = int(actual.get("min.insync.replicas", "1")), int(actual.get("replicas", "1"))
    if copies > 1 and not 1 < least < copies:
        problems.append(
            f"has {copies} copies and min.insync.replicas={least}: set it to {max(2, copies - 1)} of at "
            "least 3 copies, so that a broker may go and nothing is lost"
        )
    return problems


async def _examine_partitions(store: EventStore, bus: Bus) -> AsyncIterator[Finding]:
    late = []
    for row in await store.leases():
        lease = Lease(
            partition=row.partition, owner=row.owner or "", epoch=row.epoch,
            next_offset=row.next_offset, relayed=row.relayed,
        )  # fmt: skip
        contradiction = await find_contradiction(store, bus, lease)
        if contradiction is not None:
            yield Finding(f"partition {row.partition}", ok=False, detail=contradiction)
        elif await _age(store, lease) > LATE:
            late.append(row.partition)
    if late:
        named = ", ".join(map(str, late))
        yield Finding(
            f"topic {EXECUTIONS}",
            ok=False,
            detail=f"events of partitions {named} are not there since over {LATE:.0f} s: look at the "
            "executors that own them",
        )


async def _age(store: EventStore, lease: Lease) -> float:
    """Seconds since the oldest event of which the relay has not recorded that it is on the topic."""
    page = await store.read_all(after=lease.relayed, limit=1, partitions=[lease.partition])
    try:
        return await store.upkeep.now() - from_iso(decode_header(page[0].state).timestamp) if page else 0.0
    except CodecError:
        return 0.0  # the examination of logs tells of it


async def _waiting(store: EventStore, bus: Bus) -> int:
    leases = {row.partition: row for row in await store.leases()}
    bounds = await bus.bounds(COMMANDS, list(leases))
    return sum(max(0, end - leases[partition].next_offset) for partition, (_, end) in bounds.items())
