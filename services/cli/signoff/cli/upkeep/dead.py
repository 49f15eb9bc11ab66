"""Commands that could not be decided: sent again after a fix, or given up."""

import asyncio
from collections.abc import AsyncIterator, Collection
from typing import Final

import msgspec
from msgspec import Struct

from signoff.cli.upkeep.opening import Installation
from signoff.events.bus.base import Bus, Record
from signoff.events.codec import decode_command, encode
from signoff.events.errors import CodecError
from signoff.events.store.base import DeadCommand, EventStore
from signoff.events.topics import COMMANDS, record_key

MOST: Final = 1000
"""Dead commands that one call deals with."""

TAKEN_UP_LIMIT: Final = 30.0
"""Seconds for an executor to take a command up."""

_LOOK_EVERY: Final = 0.1


class Settled(Struct, frozen=True, kw_only=True, rename="camel"):
    """What became of a dead command. ``ok``: it is dealt with."""

    place: str
    command_id: str
    ok: bool
    detail: str


def place_of(command: DeadCommand) -> str:
    """Names a dead command, also one that has no id: ``<partition>/<offset>``."""
    return f"{command.partition}/{command.offset}"


async def chosen(store: EventStore, names: Collection[str]) -> list[DeadCommand]:
    """Dead commands by their ids or places; all, where none is named. The oldest first.

    Raises:
        LookupError: there is none of this name.
    """
    dead = list(reversed(await store.dead_commands(limit=MOST)))
    known = {name for each in dead for name in (each.command_id, place_of(each)) if name}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise LookupError(f"there is no dead command {', '.join(unknown)}; `signoff doctor` lists them")
    return [each for each in dead if not names or {each.command_id, place_of(each)} & set(names)]


async def retry(
    installation: Installation, bus: Bus, commands: Collection[DeadCommand]
) -> AsyncIterator[Settled]:
    """Send commands again, one after the other, each with its id, so that it has one effect.

    Nobody waits for the answer any more, and the moment after which they expire has passed: they go without
    either. One that dies again is listed anew.

    Raises:
        BusError: the broker is away; the command is listed still.
        StoreError: the database is away.
    """
    for dead in commands:
        detail, ok = await _retry(installation, bus, dead)
        yield Settled(place=place_of(dead), command_id=dead.command_id, ok=ok, detail=detail)


async def _retry(installation: Installation, bus: Bus, dead: DeadCommand) -> tuple[str, bool]:
    try:
        command = decode_command(dead.command)
    except CodecError as error:
        return f"{error}; give it up with --discard-dead {place_of(dead)}", False
    if dead.log_id is None:
        return f"it belongs to no log here; give it up with --discard-dead {place_of(dead)}", False
    again = msgspec.structs.replace(command, not_after=None, reply_to=None)
    await bus.send(COMMANDS, dead.partition, Record(record_key(dead.log_id), encode(again)))
    _, end = (await bus.bounds(COMMANDS, [dead.partition]))[dead.partition]
    if not await _is_taken_up(installation.store, dead.partition, end):
        return f"sent; no executor took it up within {TAKEN_UP_LIMIT:.0f} s: look at the leases", False
    died = [
        each
        for each in await installation.store.dead_commands(limit=MOST)
        if each.command_id == dead.command_id and each.offset != dead.offset
    ]
    await installation.store.upkeep.settle_dead(
        dead.partition, dead.offset, settled="died again" if died else "retried", by=installation.who
    )
    return (f"died again: {died[0].reason}", False) if died else ("sent again and taken up", True)


async def _is_taken_up(store: EventStore, partition: int, end: int) -> bool:
    deadline = asyncio.get_running_loop().time() + TAKEN_UP_LIMIT
    while asyncio.get_running_loop().time() < deadline:
        rows = {row.partition: row for row in await store.leases()}
        if rows[partition].next_offset >= end:
            return True
        await asyncio.sleep(_LOOK_EVERY)
    return False


async def discard(installation: Installation, commands: Collection[DeadCommand]) -> AsyncIterator[Settled]:
    """Give commands up: they are listed no longer, and stay in the database with who did that."""
    for dead in commands:
        await installation.store.upkeep.settle_dead(
            dead.partition, dead.offset, settled="discarded", by=installation.who
        )
        yield Settled(place=place_of(dead), command_id=dead.command_id, ok=True, detail="given up")
