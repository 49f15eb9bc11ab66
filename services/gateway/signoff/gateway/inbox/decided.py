"""What somebody has decided lately: found in the log from its end backwards, without folding any of it."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from typing import Final, TypeAlias
from uuid import UUID

from msgspec import Struct

from signoff.events.codec import TOPIC_BY_TYPE, decode_event
from signoff.events.store.base import EventStore, ExecutionRow
from signoff.events.types import (
    DecisionRecorded,
    Event,
    Json,
    PauseAmended,
    PauseOpened,
    Quorum,
    Verdict,
)
from signoff.gateway.inbox.looking_back import LOGS_AT_ONCE, Found, Taken, events_of, in_json, look_back

SHOWN: Final = 25
"""Decisions of one page."""

_Shown: TypeAlias = PauseOpened | PauseAmended


class Asked(Struct):
    """What a pause point asked for in the end, as its own events tell it.

    Attributes:
        title: what was decided.
        response: what it showed, and its form; a large one by reference.
        quorum: where several people decided.
    """

    title: str
    response: Json = None
    quorum: Quorum | None = None


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
    asked = await _asked(store, log_id, {each.context_id for each in found})
    decisions = {}
    for each in found:
        for recorded in await store.read(log_id, after=each.version - 1, limit=1):
            if row is not None:
                point = asked.get(each.context_id) or Asked(each.context_id)
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


async def _asked(store: EventStore, log_id: UUID, contexts: Collection[str]) -> Mapping[str, Asked]:
    """What points of a log asked for: their openings, and what was changed since."""
    asked: dict[str, Asked] = {}
    async for event in _shown(store, log_id, PauseOpened, contexts):
        data = event.data
        if isinstance(data, PauseOpened):
            asked[data.context_id] = Asked(data.title or data.block_id, data.response, data.quorum)
    async for event in _shown(store, log_id, PauseAmended, contexts):
        data = event.data
        if isinstance(data, PauseAmended) and data.context_id in asked:
            was = asked[data.context_id]
            asked[data.context_id] = Asked(data.title or was.title, data.response, was.quorum)
    return asked


async def _shown(
    store: EventStore, log_id: UUID, kind: type[_Shown], contexts: Collection[str]
) -> AsyncIterator[Event]:
    """What some points of a log showed."""
    names = [in_json(each) for each in contexts]
    async for event in events_of(store, log_id, TOPIC_BY_TYPE[kind.TYPE], names):
        if isinstance(event.data, kind) and event.data.context_id in contexts:
            yield event
