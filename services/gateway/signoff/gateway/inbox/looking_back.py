"""Somebody's decisions looked for in the log, from its end backwards, within bounds of memory and time."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Final, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Struct

from signoff.engine.points.standing import person_of
from signoff.events.codec import TOPIC_BY_TYPE, decode_event
from signoff.events.store.base import EventStore, FeedRow
from signoff.events.store.paging import bytes_of, is_full
from signoff.events.types import DecisionRecorded, Event, ExecutionResumed, ResumeQueued

Taken: TypeAlias = ExecutionResumed | ResumeQueued | DecisionRecorded
"""What a decision leads to, one of them or several."""

PAGE: Final = 500
PAGE_BYTES: Final = 1024 * 1024
MOST_PAGES: Final = 10
"""Of one log's events of a type at most so many pages are looked through, of so many events or bytes."""

LOGS_AT_ONCE: Final = 8

_TAKEN: Final = tuple(TOPIC_BY_TYPE[each.TYPE] for each in (ExecutionResumed, ResumeQueued, DecisionRecorded))
_NOTED: Final = tuple(TOPIC_BY_TYPE[each.TYPE] for each in (ResumeQueued, DecisionRecorded))
"""What may come before a decision is taken up."""

_WIDEST: Final = 2_000
"""Positions of the log that one query looks through."""

_SIDE_BY_SIDE: Final = 4
_LOOKED: Final = 40_000
_READ: Final = 32 * 1024 * 1024
"""A look ends once it went through so many positions, or read so many bytes."""


class Found(Struct, frozen=True):
    """The event by which somebody decided: the first of those that their decision led to."""

    log_id: UUID
    context_id: str
    version: int
    position: int


_Window: TypeAlias = tuple[int, int]
"""Positions: after the one, up to the other."""


async def look_back(
    store: EventStore, workspace_id: UUID, person: str, *, before: int, most: int
) -> tuple[list[Found], int]:
    """The last decisions of somebody, the newest first, and the position down to which the log was looked at.

    A look that ends early has found fewer, perhaps none; another one goes on from there.

    Args:
        store: the log.
        workspace_id: in which they decided.
        person: as `signoff.engine.points.standing.person_of` names them.
        before: a position of the log; only what is before it.
        most: decisions that are looked for.

    Raises:
        StoreUnavailableError: the database is away.
    """
    name = in_json(person.rpartition(":")[2])
    found, firsts = list[Found](), _Firsts(store, name)
    width, looked, read = _WIDEST, 0, 0
    while before > 1 and looked < _LOOKED and read < _READ:
        windows = _windows(before, width)
        pages = await asyncio.gather(*(_read(store, workspace_id, each) for each in windows))
        read += sum(bytes_of(row.event for row in page) for page in pages)
        for (after, upto), page in zip(windows, pages, strict=True):
            if _is_cut(page, upto):  # its newest events are missing: a narrower one has them all
                width = max(1, (page[-1].event.position - after) // 2)
                break
            found += await firsts.among(_decisions(page, name, person), most=most - len(found))
            if len(found) == most:
                return found, found[-1].position
            looked, before = looked + upto - after, after + 1
        else:
            width = min(_WIDEST, 4 * width)
    return found, before


def in_json(text: str) -> bytes:
    """A text as it stands inside JSON."""
    return msgspec.json.encode(text)[1:-1]


def _windows(before: int, width: int) -> list[_Window]:
    """The next stretches of positions, the last of the log first."""
    ends = [before - 1 - width * each for each in range(_SIDE_BY_SIDE)]
    return [(max(0, upto - width), upto) for upto in ends if upto > 0]


async def _read(store: EventStore, workspace_id: UUID, window: _Window) -> list[FeedRow]:
    after, upto = window
    return await store.read_feed(
        [workspace_id], after=after, upto=upto, limit=upto - after, size=PAGE_BYTES, topics=_TAKEN
    )


def _is_cut(page: Sequence[FeedRow], upto: int) -> bool:
    """Whether a window had more bytes than are read at a time: its last events may be missing."""
    return bytes_of(row.event for row in page) >= PAGE_BYTES and page[-1].event.position < upto


class _Candidate(Struct, frozen=True):
    """An event of somebody's decision, and the decision's id."""

    found: Found
    entry_id: str


def _decisions(page: Sequence[FeedRow], name: bytes, person: str) -> list[_Candidate]:
    """What somebody's decisions led to, the newest first."""
    candidates = []
    for recorded in (row.event for row in reversed(page)):
        if name not in recorded.state:
            continue  # most are of others: they need not be decoded
        event = decode_event(recorded.state)
        if isinstance(event.data, Taken) and _is_by(event, event.data, person):
            found = Found(recorded.log_id, event.data.context_id, recorded.version, recorded.position)
            candidates.append(_Candidate(found, _entry_of(event.data)))
    return candidates


def _is_by(event: Event, data: Taken, person: str) -> bool:
    """Whether somebody decided so: neither is a copy in a fork their decision, nor another try of one."""
    if event.copy_of is not None or (
        not isinstance(data, DecisionRecorded) and data.retry_of is not None and data.made is None
    ):
        return False
    return ((data.made.user_id if data.made is not None else None) or person_of(data.actor)) == person


def _entry_of(data: Taken) -> str:
    return data.decision_id if isinstance(data, DecisionRecorded) else data.resume_entry_id


class _Firsts:
    """Tells the first event of a decision from those that follow: it is counted once, when it was made.

    Args:
        store: the log.
        name: of its maker, as it stands in their events.
    """

    def __init__(self, store: EventStore, name: bytes) -> None:
        self._store = store
        self._name = name
        self._known: dict[UUID, dict[str, int]] = {}

    async def among(self, candidates: Sequence[_Candidate], *, most: int) -> list[Found]:
        """The first events of decisions among some events, at most so many, in their order."""
        firsts = list[Found]()
        for start in range(0, len(candidates), LOGS_AT_ONCE):
            part = candidates[start : start + LOGS_AT_ONCE]
            await self._learn({each.found.log_id for each in part} - self._known.keys())
            firsts += [each.found for each in part if self._is_first(each)]
            if len(firsts) >= most:
                return firsts[:most]
        return firsts

    def _is_first(self, candidate: _Candidate) -> bool:
        found = candidate.found
        return self._known[found.log_id].get(candidate.entry_id, found.version) == found.version

    async def _learn(self, log_ids: Iterable[UUID]) -> None:
        learned = await asyncio.gather(*map(self._noted, log_ids := list(log_ids)))
        self._known.update(zip(log_ids, learned, strict=True))

    async def _noted(self, log_id: UUID) -> dict[str, int]:
        """The first event of each decision that was noted before it was taken up."""
        first: dict[str, int] = {}
        for topic in _NOTED:
            async for event in events_of(self._store, log_id, topic, [self._name]):
                if isinstance(event.data, Taken):
                    entry_id = _entry_of(event.data)
                    first[entry_id] = min(event.event_id, first.get(entry_id, event.event_id))
        return first


async def events_of(
    store: EventStore, log_id: UUID, topic: str, names: Sequence[bytes]
) -> AsyncIterator[Event]:
    """The events of a log's topic in which one of some names stands, in order; others are not decoded."""
    after = 0
    for _ in range(MOST_PAGES):
        page = await store.read(log_id, after=after, limit=PAGE, topic=topic, size=PAGE_BYTES)
        for each in page:
            if any(name in each.state for name in names):
                yield decode_event(each.state)
        if not is_full(page, limit=PAGE, size=PAGE_BYTES):
            return
        after = page[-1].version
