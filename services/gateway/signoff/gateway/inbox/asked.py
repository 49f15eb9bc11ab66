"""What pause points ask for, as their own events tell it: read for a page of them, without folding a log."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import TypeAlias
from uuid import UUID

from msgspec import Struct

from signoff.events.codec import TOPIC_BY_TYPE, decode_event
from signoff.events.store.base import EventStore, PointRow
from signoff.events.types import Event, Json, PauseAmended, PauseOpened, Quorum
from signoff.gateway.inbox.looking_back import LOGS_AT_ONCE, events_of, in_json

PointId: TypeAlias = tuple[UUID, str]
"""A log, and the id of a point in it."""

_Shown: TypeAlias = PauseOpened | PauseAmended


class Asked(Struct):
    """What a pause point asks for.

    Attributes:
        title: its own, if it has one.
        block_id: of its block.
        response: what it shows, and its form; what is large by reference.
        quorum: where several people decide.
    """

    title: str | None
    block_id: str
    response: Json = None
    quorum: Quorum | None = None


async def asked_now(store: EventStore, rows: Sequence[PointRow]) -> dict[PointId, Asked]:
    """What open points ask for; one whose log was deleted meanwhile is left out.

    One query reads the last change of each log's first point, which most often is its opening. What else has
    happened to the others, such as a claim, is looked behind: a log at a time, however many points it has.

    Args:
        store: the log.
        rows: of the points, at most a page.

    Raises:
        StoreUnavailableError: the database is away.
    """
    first = {row.log_id: row for row in reversed(rows)}
    last = await store.read_many({log_id: row.version - 1 for log_id, row in first.items()}, limit=1)
    found: dict[PointId, Asked] = {}
    for log_id, events in last.items():
        data, row = decode_event(events[0].state).data, first[log_id]
        if isinstance(data, PauseOpened) and data.context_id == row.context_id:
            found[log_id, row.context_id] = _asked(data)
    left: dict[UUID, set[str]] = {}
    for row in rows:
        if (row.log_id, row.context_id) not in found:
            left.setdefault(row.log_id, set()).add(row.context_id)
    room = asyncio.Semaphore(LOGS_AT_ONCE)

    async def behind(log_id: UUID) -> dict[PointId, Asked]:
        async with room:
            asked = await asked_of(store, log_id, left[log_id])
        return {(log_id, context_id): each for context_id, each in asked.items()}

    for part in await asyncio.gather(*map(behind, left)):
        found |= part
    return found


async def asked_of(store: EventStore, log_id: UUID, contexts: Collection[str]) -> Mapping[str, Asked]:
    """What points of a log ask for: their openings, and what was changed since.

    Raises:
        StoreUnavailableError: the database is away.
    """
    asked: dict[str, Asked] = {}
    async for event in _shown(store, log_id, PauseOpened, contexts):
        if isinstance(event.data, PauseOpened):
            asked[event.data.context_id] = _asked(event.data)
    async for event in _shown(store, log_id, PauseAmended, contexts):
        data = event.data
        if isinstance(data, PauseAmended) and data.context_id in asked:
            was = asked[data.context_id]
            asked[data.context_id] = Asked(data.title or was.title, was.block_id, data.response, was.quorum)
    return asked


def _asked(opened: PauseOpened) -> Asked:
    return Asked(opened.title, opened.block_id, opened.response, opened.quorum)


async def _shown(
    store: EventStore, log_id: UUID, kind: type[_Shown], contexts: Collection[str]
) -> AsyncIterator[Event]:
    """What some points of a log showed."""
    names = [in_json(each) for each in contexts]
    async for event in events_of(store, log_id, TOPIC_BY_TYPE[kind.TYPE], names):
        if isinstance(event.data, kind) and event.data.context_id in contexts:
            yield event
