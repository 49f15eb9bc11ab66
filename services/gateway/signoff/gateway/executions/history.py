"""Logs read for an answer: one event, one execution's state, a workflow's deployments."""

import asyncio
from collections.abc import Callable
from itertools import takewhile
from typing import Final
from uuid import UUID

from signoff.audit.life.folding import RUN_ENDINGS, Folded, state_as_of
from signoff.engine.evolve import evolve
from signoff.engine.state import ResumeEntry, Run, State
from signoff.events.codec import decode_event
from signoff.events.store.base import EventStore, ExecutionRow, Recorded
from signoff.events.types import Event
from signoff.gateway.errors import GatewayError

_PAGE: Final = 500
_REFERENCE: Final = b'"$'


async def fold(
    store: EventStore,
    log_id: UUID,
    *,
    before: int | None = None,
    see: Callable[[Event], None] | None = None,
) -> Folded:
    """Fold an execution's log, page by page; others get their turn between two pages.

    Args:
        store: the log.
        log_id: of the execution.
        before: the event that ends it and is left out; ``None`` folds all.
        see: is shown each event as it is folded.

    Raises:
        ValueError: the log cannot be folded.
    """
    if see is None:
        return await state_as_of(store, log_id, upto=None if before is None else before - 1)
    return await fold_on(store, await store.read(log_id, limit=_PAGE), before=before, see=see)


async def fold_on(
    store: EventStore,
    page: list[Recorded],
    *,
    before: int | None = None,
    see: Callable[[Event], None] | None = None,
) -> Folded:
    """Fold a log whose first page has been read, and whatever follows it; the others as in `fold`.

    Raises:
        ValueError: the log cannot be folded.
    """
    state = State()
    large = False
    last_ending = 0
    while page and state.version + 1 != before:
        for recorded in takewhile(lambda each: each.version != before, page):
            event = decode_event(recorded.state)
            evolve(state, event)
            if see is not None:
                see(event)
            large = large or _REFERENCE in recorded.state
            if isinstance(event.data, RUN_ENDINGS):
                last_ending = event.event_id
        last = page[-1]
        await asyncio.sleep(0)
        page = await store.read(last.log_id, after=last.version, limit=_PAGE) if len(page) == _PAGE else []
    return Folded(state, large, last_ending)


async def fold_many(store: EventStore, log_ids: list[UUID]) -> dict[UUID, Folded]:
    """Fold several logs; the first pages of all come in one query."""
    pages = await store.read_many(dict.fromkeys(log_ids, 0), limit=_PAGE)
    return {log_id: await fold_on(store, page) for log_id, page in pages.items()}


def find_run(state: State, row: ExecutionRow, run_id: str) -> Run | ResumeEntry | None:
    """A run by its id: one that began, or the decision that waits for its turn."""
    run = state.runs.get(state.execution_id if is_root(run_id, row) else run_id)
    return run or next((each for each in state.entries.values() if each.run_id == run_id), None)


def is_root(run_id: str, row: ExecutionRow) -> bool:
    """Whether a run's id names the whole execution."""
    return run_id in (row.execution_id, str(row.log_id))


async def read_event(store: EventStore, log_id: UUID, event_id: int) -> tuple[Event, bool]:
    """One event, and whether a value in it is a reference or has an escaped name.

    Raises:
        GatewayError: the log has no such event.
    """
    found = await store.read(log_id, after=event_id - 1, limit=1)
    if not found or found[0].version != event_id:
        raise GatewayError(f"log {log_id} has no event {event_id}")
    return decode_event(found[0].state), _REFERENCE in found[0].state
