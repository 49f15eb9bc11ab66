"""Two states compared, or two executions event by event."""

import asyncio
from itertools import islice
from typing import Final

from msgspec import Struct

from signoff.audit.life.differences import MAX_CHANGES, Pair, align, changes_between
from signoff.audit.life.folding import Folded, state_as_of
from signoff.audit.life.shape import shape_of
from signoff.engine.deciding.forks import MAX_BYTES, MAX_EVENTS
from signoff.events.codec import decode_event
from signoff.events.store.base import EventStore, ExecutionRow
from signoff.events.store.paging import PAGE_BYTES
from signoff.events.times import iso
from signoff.events.types import Event, Json
from signoff.gateway.errors import ApiError
from signoff.gateway.executions.life_schemas import DiffSide, DiffView, TimelinesView
from signoff.gateway.executions.moments import read_event_id
from signoff.gateway.gateway import Gateway
from signoff.gateway.http.moments import EventOrMoment

_PAGE: Final = 500


class DiffQuery(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"start": "from", "other": "with"}
):
    """Which two states are compared.

    Attributes:
        start: The first state: after this event, or at this moment. Without it, as the execution began.
        to: The second state. Without it, as the execution is now.
        other: Another execution: then `to` is an event or a moment of that one.
    """

    start: EventOrMoment | None = None
    to: EventOrMoment | None = None
    other: str | None = None


async def compare_states(
    gateway: Gateway, row: ExecutionRow, other: ExecutionRow, query: DiffQuery
) -> DiffView:
    """What differs between two states, of one execution or of two.

    Raises:
        ApiError: 400, one has no such event.
        BlobError: a large value cannot be read.
    """
    default = "1" if query.other is None else None
    before = await _side(gateway, row, "from", query.start or default)
    after = await _side(gateway, other, "to", query.to)
    first, second = await _shape(gateway, row, before), await _shape(gateway, other, after)
    changes = await asyncio.to_thread(changes_between, first, second)  # large ones take a moment
    return DiffView(before=_named(before), after=_named(after), changes=changes)


async def compare_timelines(gateway: Gateway, row: ExecutionRow, other: ExecutionRow) -> TimelinesView:
    """Two executions event by event.

    Raises:
        ApiError: 413, one of them is too long to be compared so.
    """
    first = await _events(gateway.store, row)
    second = await _events(gateway.store, other)
    common, pairs = await asyncio.to_thread(_apart, first, second)
    return TimelinesView(before=_last(row, first), after=_last(other, second), common=common, pairs=pairs)


def _apart(first: list[Event], second: list[Event]) -> tuple[int, list[Pair]]:
    """How many pairs at the beginning are the same, and what follows."""
    pairs = align(first, second)
    for common, pair in enumerate(pairs):
        if not pair.same:
            return common, [pair, *islice(pairs, MAX_CHANGES - 1)]
    return len(first), []


async def _side(gateway: Gateway, row: ExecutionRow, field: str, moment: str | None) -> Folded:
    if moment is None:
        return await state_as_of(gateway.store, row.log_id)
    event_id = await read_event_id(gateway, row, field, moment)
    return await state_as_of(gateway.store, row.log_id, upto=event_id)


async def _shape(gateway: Gateway, row: ExecutionRow, folded: Folded) -> Json:
    shape = shape_of(folded.state)
    return await gateway.blobs.resolve(shape, workspace_id=row.workspace_id) if folded.large else shape


def _named(folded: Folded) -> DiffSide:
    state = folded.state
    return DiffSide(execution_id=state.execution_id, event_id=state.version, at=iso(state.time))


def _last(row: ExecutionRow, events: list[Event]) -> DiffSide:
    return DiffSide(
        execution_id=row.execution_id or str(row.log_id),
        event_id=events[-1].event_id,
        at=events[-1].happened_at,
    )


async def _events(store: EventStore, row: ExecutionRow) -> list[Event]:
    """All events of an execution that is short enough to be compared so.

    Raises:
        ApiError: 413.
    """
    events: list[Event] = []
    size = 0
    while page := await store.read(row.log_id, after=len(events), limit=_PAGE, size=PAGE_BYTES):
        events += [decode_event(each.state) for each in page]
        size += sum(len(each.state) for each in page)
        if len(events) > MAX_EVENTS or size > MAX_BYTES:
            raise ApiError(
                413,
                f"Executions of more than {MAX_EVENTS} events, or {MAX_BYTES >> 20} MiB of them, are "
                "compared by their states",
            )
    return events
