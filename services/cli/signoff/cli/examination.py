"""Whether an installation is well: what `signoff doctor` finds out, without changing anything."""

from collections.abc import AsyncIterator
from typing import Final

from msgspec import Struct

from signoff.events.bus.base import Bus
from signoff.events.errors import BusError, StoreError
from signoff.events.store.base import EventStore
from signoff.events.times import iso
from signoff.events.topics import COMMANDS, PARTITIONS
from signoff.events.topology import RETENTION_MS

_MOST: Final = 100
"""Dead commands and broken executions that are listed."""


class Finding(Struct, frozen=True):
    """One thing that was looked at. ``detail`` says what is wrong, or how well it is."""

    subject: str
    ok: bool
    detail: str


async def examine(store: EventStore, bus: Bus | None) -> AsyncIterator[Finding]:
    """Look at the log and, where there is one, at the broker.

    Args:
        store: the log.
        bus: the broker; ``None`` where it lives within an embedded server.
    """
    try:
        async for finding in _examine_log(store, running=bus is not None):
            yield finding
    except StoreError as error:
        yield Finding("database", ok=False, detail=str(error))
        return
    if bus is not None:
        try:
            async for finding in _examine_topics(store, bus):
                yield finding
        except BusError as error:
            yield Finding("broker", ok=False, detail=str(error))


async def _examine_log(store: EventStore, *, running: bool) -> AsyncIterator[Finding]:
    await store.check(partitions=PARTITIONS)
    yield Finding(
        "database", ok=True, detail=f"{await store.last_position()} events; the schema is up to date"
    )
    leases = await store.leases()
    free = [lease.partition for lease in leases if lease.seconds_left <= 0]
    owners = {lease.owner for lease in leases if lease.seconds_left > 0}
    held = f"{len(leases) - len(free)} of {len(leases)} partitions are held by {len(owners)} executors"
    yield Finding("leases", ok=not (running and free), detail=held)
    for command in await store.dead_commands(limit=_MOST):
        place = f"{COMMANDS}/{command.partition} offset {command.offset}"
        yield Finding(
            "dead command",
            ok=False,
            detail=f"{command.command_id} ({place}, {iso(command.died_at)}): {command.reason}",
        )
    for row in await store.broken(limit=_MOST):
        name = row.execution_id or str(row.log_id)
        yield Finding("broken execution", ok=False, detail=f"{name} of {row.workflow_id}: {row.broken}")


async def _examine_topics(store: EventStore, bus: Bus) -> AsyncIterator[Finding]:
    for name in RETENTION_MS:
        found = await bus.partitions(name)
        if found != PARTITIONS:
            problem = f"has {found} partitions, not {PARTITIONS}" if found else "does not exist"
            yield Finding(f"topic {name}", ok=False, detail=f"{problem}: run `signoff topics apply`")
            return
    leases = {lease.partition: lease for lease in await store.leases()}
    bounds = await bus.bounds(COMMANDS, list(leases))
    behind = 0
    for partition, (first, end) in bounds.items():
        at = leases[partition].next_offset
        behind += max(0, end - at)
        if not first <= at <= end:
            yield Finding(
                f"{COMMANDS}/{partition}",
                ok=False,
                detail=f"holds offsets {first} to {end}, the log goes on at {at}: its owner keeps it closed",
            )
    yield Finding("broker", ok=True, detail=f"{len(RETENTION_MS)} topics; {behind} commands wait")
