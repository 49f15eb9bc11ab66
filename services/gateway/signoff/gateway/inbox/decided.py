"""What somebody has decided lately: found in the log from its end backwards, without folding any of it."""

import asyncio
from collections.abc import Collection
from typing import Final
from uuid import UUID

from msgspec import Struct

from signoff.events.codec import decode_event
from signoff.events.store.base import EventStore, ExecutionRow
from signoff.events.types import DecisionRecorded, Event, Json, Verdict
from signoff.gateway.inbox.asked import Asked, asked_of
from signoff.gateway.inbox.looking_back import LOGS_AT_ONCE, Found, Taken, look_back

SHOWN: Final = 25
"""Decisions of one page."""


class PastDecision(Struct, frozen=True, kw_only=True):
    """A decision that somebody took.

    Attributes:
        execution: its row, as it is now.
        context_id: of the point.
        asked: what the point asked for; by its id where that is too far back in a long log.
        verdict: what they said, where several decided together.
        submission: what they filled the form with.
        at: when, ISO 8601.
    """

    execution: ExecutionRow
    context_id: str
    asked: Asked
    verdict: Verdict | None
    submission: Json
    at: str


class PastPage(Struct, frozen=True):
    """Decisions, the newest first, and the position down to which the log was looked through."""

    decisions: list[PastDecision]
    reached: int


async def decided_by(store: EventStore, workspace_id: UUID, person: str, *, before: int) -> PastPage:
    """A page of somebody's decisions.

    Args:
        store: the log.
        workspace_id: in which they decided.
        person: as `signoff.engine.points.standing.person_of` names them.
        before: a position of the log; only what is before it.

    Raises:
        StoreUnavailableError: the database is away.
    """
    found, reached = await look_back(store, workspace_id, person, before=before, most=SHOWN)
    wanted: dict[UUID, list[Found]] = {}
    for each in found:
        wanted.setdefault(each.log_id, []).append(each)
    room = asyncio.Semaphore(LOGS_AT_ONCE)

    async def read(log_id: UUID) -> dict[Found, PastDecision]:
        async with room:
            return await _read(store, log_id, wanted[log_id])

    parts = await asyncio.gather(*map(read, wanted))
    decisions = {each: decision for part in parts for each, decision in part.items()}
    return PastPage([decisions[each] for each in found if each in decisions], reached)


async def _read(store: EventStore, log_id: UUID, found: Collection[Found]) -> dict[Found, PastDecision]:
    """Decisions of one log; none where it was deleted meanwhile."""
    row = await store.execution(log_id)
    asked = await asked_of(store, log_id, {each.context_id for each in found})
    decisions = {}
    for each in found:
        for recorded in await store.read(log_id, after=each.version - 1, limit=1):
            if row is not None:
                point = asked.get(each.context_id) or Asked(None, each.context_id)
                decisions[each] = _decision(row, each.context_id, point, decode_event(recorded.state))
    return decisions


def _decision(row: ExecutionRow, context_id: str, asked: Asked, event: Event) -> PastDecision:
    data = event.data
    return PastDecision(
        execution=row,
        context_id=context_id,
        asked=asked,
        verdict=data.verdict if isinstance(data, DecisionRecorded) else None,
        submission=data.submission if isinstance(data, Taken) else None,
        at=event.happened_at,
    )
