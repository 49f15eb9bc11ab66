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
from signoff.events.topology import TOPICS, find_alterations
from signoff.executor.ownership.takeover import find_contradiction

LATE: Final = 10.0
"""Seconds after which an event should be on its topic."""


async def examine_topics(store: EventStore, bus: Bus) -> AsyncIterator[Finding]:
    """Look at topics: that they exist, are made as they should be, and belong to the log."""
    for name, topic in TOPICS.items():
        found, wanted = await bus.partitions(name), topic.count(PARTITIONS)
        if found != wanted:
            problem = f"has {found} partitions, not {wanted}" if found else "does not exist"
            yield Finding(f"topic {name}", ok=False, detail=f"{problem}: run `signoff topics apply`")
            return
        for problem in await _misconfigured(bus, name):
            yield Finding(f"topic {name}", ok=False, detail=problem)
    async for finding in _examine_partitions(store, bus):
        yield finding
    waiting = await _waiting(store, bus)
    yield Finding("broker", ok=True, detail=f"{len(TOPICS)} topics; {waiting} commands wait")


async def _misconfigured(bus: Bus, name: str) -> list[str]:
    actual = await bus.configs(name)
    problems = [
        f"has {each.setting}={each.found}, not {each.wanted}: run `signoff topics apply`"
        for each in find_alterations(name, actual)
    ]
    if actual.get("replicas") == "2":
        problems.append("has 2 copies: make it 3, so that a broker may go and nothing is lost or stops")
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
