"""Whether checkpoints are made of what the log gets."""

from typing import Final

from signoff.audit.checkpoints.decided import Decided, Refused
from signoff.audit.checkpoints.signing import Keyring
from signoff.cli.upkeep.finding import Finding
from signoff.events.codec import decode_header
from signoff.events.errors import CodecError
from signoff.events.store.base import EventStore
from signoff.events.times import from_iso

LATE: Final = 600.0
"""Seconds after which a checkpoint that was to be made should cover an event."""


async def examine_checkpoints(store: EventStore, keys: Keyring, *, every: float, running: bool) -> Finding:
    """Look whether the newest checkpoint is about as new as the log.

    Args:
        store: the log.
        keys: of the server: checkpoints that it did not sign do not count.
        every: seconds between two checkpoints, as the executors have it.
        running: the server works now; else events count up to the newest one.
    """
    newest = await Decided(store, keys).newest()
    if isinstance(newest, Refused):
        detail = f"the record of checkpoint {newest.number} {newest.reason}: run `signoff audit verify`"
        return Finding("checkpoints", ok=False, detail=detail)
    covered = 0 if newest is None else newest.checkpoint.position
    made = "there is none" if newest is None else f"{newest.number}, of {newest.checkpoint.time}, is the last"
    oldest = await _time(store, covered)
    end = await store.upkeep.now() if running else await _time(store, await store.last_position() - 1)
    waiting = 0.0 if oldest is None or end is None else end - oldest
    if waiting <= every + LATE:
        return Finding("checkpoints", ok=True, detail=made)
    remedy = (
        "the executor with partition 0 logs why (`no checkpoint made`)"
        if running
        else f"start the server, and let it work for over {every:.0f} s"
    )
    detail = f"{made}; events wait for the next one since {waiting / 60:.0f} min: {remedy}"
    return Finding("checkpoints", ok=False, detail=detail)


async def _time(store: EventStore, after: int) -> float | None:
    """When the first event behind a position was logged; ``None`` where there is none."""
    page = await store.read_all(after=max(0, after), limit=1)
    try:
        return from_iso(decode_header(page[0].state).timestamp) if page else None
    except CodecError:
        return None  # the examination of logs tells of it
