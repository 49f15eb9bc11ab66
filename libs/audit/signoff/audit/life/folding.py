"""An execution's state as of any event: a waypoint of its log, and the fold of the few events after it.

Folded without the graph: all that happened, not what is ready next. That is enough to show an execution, and
the same whatever this installation can run today.
"""

import asyncio
from collections.abc import Iterable
from typing import Final
from uuid import UUID

import msgspec
import structlog
from msgspec import Struct

from signoff.engine.evolve import evolve
from signoff.engine.state import FORMAT, State
from signoff.events.codec import chain_hash, decode_event
from signoff.events.store.base import EventStore, Recorded, Snapshot
from signoff.events.store.snapshots import decode_snapshot, kept_fold
from signoff.events.times import from_iso
from signoff.events.types import ExecutionCancelled, ExecutionCompleted, ExecutionError, ExecutionPaused

RUN_ENDINGS: Final = (ExecutionPaused, ExecutionCompleted, ExecutionError, ExecutionCancelled)
"""What ends a run."""

WAYPOINT: Final = 100 + FORMAT
"""The version of a waypoint's shape, and of the fold that led to it; one of another is passed over."""

SPAN: Final = 4096
"""Events from one waypoint to the next, at least: what the fold of any state may cost beyond it."""

_WEIGHT: Final = 4
"""A waypoint follows once the events since the last one outweigh that so many times."""

_EVENT: Final = 512
"""Bytes of an event, about."""

_PAGE: Final = 500
_REFERENCE: Final = b'"$'

_log = structlog.get_logger("signoff.audit.life")


class Folded(Struct):
    """An execution as its log tells it, up to an event.

    Attributes:
        state: folded without the graph.
        large: some value is a reference to a large one, or has an escaped name.
        last_ending: the last event that ended a run, 0 for none yet.
        prev: the hash of the last event: a state is of the log that has this event there.
    """

    state: State
    large: bool = False
    last_ending: int = 0
    prev: str | None = None

    def take(self, page: Iterable[Recorded]) -> None:
        """Fold more events.

        Raises:
            CodecError: bytes that are no event.
            ValueError: an event does not follow.
        """
        recorded = None
        for recorded in page:
            event = decode_event(recorded.state)
            evolve(self.state, event)
            self.large = self.large or _REFERENCE in recorded.state
            if isinstance(event.data, RUN_ENDINGS):
                self.last_ending = event.event_id
        if recorded is not None:
            self.prev = chain_hash(recorded.state)


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Folded)


async def state_as_of(store: EventStore, log_id: UUID, *, upto: int | None = None) -> Folded:
    """An execution's state after an event.

    Args:
        store: the log.
        log_id: of the execution.
        upto: the event, 1 being the first; ``None``: the last one. Past the end of the log it is the last.

    Raises:
        CodecError: the log holds what is no event.
        ValueError: the log cannot be folded.
        StoreUnavailableError: the database is away.
    """
    folded = Folded(State())
    page = await _page(store, log_id, 0, upto)
    if len(page) == _PAGE:
        found = await _from_waypoint(store, log_id, upto)
        if found is not None:
            folded = found
            page = await _page(store, log_id, folded.state.version, upto)
    await _take_all(store, folded, page, upto)
    return folded


async def version_at(store: EventStore, log_id: UUID, moment: float) -> int:
    """The last event that was recorded by a moment; 0 where none was.

    No event of a log is older than the one before it, so that few are looked at.

    Args:
        store: the log.
        log_id: of any log.
        moment: seconds since the epoch, UTC.

    Raises:
        CodecError: the log holds what is no event.
        StoreUnavailableError: the database is away.
    """
    low, high = 0, (await store.heads([log_id])).get(log_id, 0)
    while low < high:
        middle = (low + high + 1) // 2
        found = await store.read(log_id, after=middle - 1, limit=1)
        if found and from_iso(decode_event(found[0].state).timestamp) <= moment:
            low = middle
        else:
            high = middle - 1
    return low


async def mark_waypoint(store: EventStore, log_id: UUID) -> None:
    """Keep the state of a log that has grown by a span since its last waypoint.

    Together, waypoints weigh about a quarter of their log, however large the state becomes.

    Args:
        store: the log.
        log_id: of an execution.

    Raises:
        CodecError: the log holds what is no event.
        ValueError: the log cannot be folded.
        StoreUnavailableError: the database is away.
    """
    head = (await store.heads([log_id])).get(log_id, 0)
    last = await store.waypoint(log_id, upto=head)
    version = 0 if last is None else last.version
    span = SPAN if last is None else max(SPAN, _WEIGHT * len(last.state) // _EVENT)
    if head - version < span:
        return
    folded = await _read(store, last) or Folded(State())
    upto = version + span
    await _take_all(store, folded, await _page(store, log_id, folded.state.version, upto), upto)
    raw = await asyncio.to_thread(_encoder.encode, folded)
    await store.keep_waypoint(
        Snapshot(log_id=log_id, version=folded.state.version, format=WAYPOINT, state=raw)
    )


async def _from_waypoint(store: EventStore, log_id: UUID, upto: int | None) -> Folded | None:
    if upto is None:
        upto = (await store.heads([log_id])).get(log_id, 0)
    return await _read(store, await store.waypoint(log_id, upto=upto))


def decode_waypoint(waypoint: Snapshot) -> Folded:
    """What a waypoint of this version's shape holds.

    Raises:
        CodecError: it holds something else.
    """
    return decode_snapshot(waypoint, _decoder)


async def _read(store: EventStore, waypoint: Snapshot | None) -> Folded | None:
    return await kept_fold(store, waypoint, _decoder, form=WAYPOINT)


async def _page(store: EventStore, log_id: UUID, after: int, upto: int | None) -> list[Recorded]:
    limit = _PAGE if upto is None else min(_PAGE, upto - after)
    return await store.read(log_id, after=after, limit=limit) if limit > 0 else []


async def _take_all(store: EventStore, folded: Folded, page: list[Recorded], upto: int | None) -> None:
    """Fold a page and all that follow it; others get their turn between two."""
    while page:
        folded.take(page)
        await asyncio.sleep(0)
        last = page[-1]
        page = await _page(store, last.log_id, last.version, upto) if len(page) == _PAGE else []
