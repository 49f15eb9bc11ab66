"""What happened at a pause point: the events of its context, as its deciders are shown them."""

import asyncio
from collections import deque
from collections.abc import Collection, Mapping
from typing import Final
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from signoff.engine.points.standing import person_of
from signoff.engine.state import PausePoint
from signoff.events.codec import TOPIC_BY_TYPE, decode_event
from signoff.events.store.base import EventStore
from signoff.events.store.paging import PAGE_BYTES
from signoff.events.types import (
    BlockStarted,
    DecisionExpired,
    DecisionHeld,
    DecisionRecorded,
    Event,
    EventData,
    ExecutionReopened,
    ExecutionResumed,
    PauseAmended,
    PauseClaimed,
    PauseClosed,
    PauseCommented,
    PauseDelegated,
    PauseEscalated,
    PauseExpired,
    PauseNotified,
    PauseOpened,
    PauseReassigned,
    PauseReleased,
    PauseReminded,
    PauseReturned,
    ResumeFailed,
    ResumeQueued,
    Verdict,
)
from signoff.gateway.inbox.looking_back import in_json
from signoff.gateway.inbox.people import Names, Party, Person
from signoff.gateway.inbox.reasons import MAX_REASON

MOST: Final = 1000
"""Events that are shown of one pause point, the newest."""

_TOLD: Final = (
    PauseOpened, PauseAmended, PauseClaimed, PauseReleased, PauseDelegated, PauseReassigned, PauseReturned,
    PauseCommented, PauseReminded, PauseEscalated, PauseExpired, PauseClosed, PauseNotified,
    DecisionRecorded, DecisionHeld, DecisionExpired, ResumeQueued, ResumeFailed, ExecutionResumed,
    ExecutionReopened,
)  # fmt: skip


_TOPICS: Final = frozenset(TOPIC_BY_TYPE[each.TYPE] for each in _TOLD)
_STARTED: Final = TOPIC_BY_TYPE[BlockStarted.TYPE]
_PAGE: Final = 500


class HistoryEntry(Struct, frozen=True, kw_only=True, rename="camel"):
    """Something that happened at a pause point. What an event does not have is left out.

    Attributes:
        event_id: Its place in the execution's log.
        type: Of the event, such as `pause:commented` or `execution:resumed` (the decision).
        at: When.
        actor: Who did it, if somebody did.
        on_behalf_of: In whose place they did it.
        text: Of a comment.
        reason: Why; of a decision the `reason` of its input, beside the `submission`.
        to: Who was asked, told or assigned by it.
        verdict: What one of several people said.
        weight: What that counts.
        step: Of the deadline, from 1.
        channel: By which people were told.
        success: Whether that went well.
        retry: Whether the point's run had failed, and the point is tried again.
    """

    event_id: int
    type: str
    at: str
    actor: Person | UnsetType = UNSET
    on_behalf_of: Person | UnsetType = UNSET
    text: str | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    to: list[Party] | UnsetType = UNSET
    verdict: Verdict | UnsetType = UNSET
    weight: int | UnsetType = UNSET
    step: int | UnsetType = UNSET
    channel: str | UnsetType = UNSET
    success: bool | UnsetType = UNSET
    retry: bool | UnsetType = UNSET


class History(Struct, frozen=True):
    """What happened at one pause point.

    Attributes:
        events: the newest `MOST`, in their order.
        block_names: of the blocks that started, by their ids.
    """

    events: Collection[Event]
    block_names: Mapping[str, str]

    def people(self) -> set[str]:
        """Everybody who did something, as `signoff.engine.points.standing.person_of` names them."""
        found = {_actor(event.data) for event in self.events} | {_behalf(event.data) for event in self.events}
        return {each for each in found if each is not None}

    def keys(self) -> set[str]:
        """Everybody who was asked or told, by their keys."""
        return {key for event in self.events for key in _to(event.data) or ()}

    def entries(self, names: Names) -> list[HistoryEntry]:
        """The events in their order, as they are shown."""
        return [_entry(event, names) for event in self.events]


class Histories:
    """Takes the events of a log in order, and keeps those of its pause points."""

    def __init__(self) -> None:
        self._events: dict[str, deque[Event]] = {}
        self._block_names: dict[str, str] = {}

    def see(self, event: Event) -> None:
        """Take an event."""
        data = event.data
        if isinstance(data, BlockStarted):
            self._block_names[data.block_id] = data.block_name
        elif isinstance(data, _TOLD) and data.context_id is not None:
            self._events.setdefault(data.context_id, deque(maxlen=MOST)).append(event)

    def name_of(self, block_id: str) -> str:
        """The name of a block; its id where it never started."""
        return self._block_names.get(block_id, block_id)

    def of(self, context_id: str) -> History:
        """What happened at one pause point."""
        return History(self._events.get(context_id, ()), self._block_names)


async def history_of(store: EventStore, log_id: UUID, point: PausePoint, *, upto: int) -> History:
    """What happened at a pause point, without folding its log: only its own events are decoded.

    Args:
        store: the log.
        log_id: of its execution.
        point: as it is folded.
        upto: the last event that counts.

    Raises:
        StoreUnavailableError: the database is away.
    """
    histories, own, block = Histories(), in_json(point.context_id), in_json(point.block_id)
    after = 0
    while after < upto:
        page = await store.read(log_id, after=after, limit=min(_PAGE, upto - after), size=PAGE_BYTES)
        if not page:
            break
        for each in page:
            if (each.topic in _TOPICS and own in each.state) or (
                each.topic == _STARTED and block in each.state
            ):
                histories.see(decode_event(each.state))
        after = page[-1].version
        await asyncio.sleep(0)
    return histories.of(point.context_id)


def _entry(event: Event, names: Names) -> HistoryEntry:
    data = event.data
    actor, behalf, to = _actor(data), _behalf(data), _to(data)
    return HistoryEntry(
        event_id=event.event_id,
        type=event.type,
        at=event.happened_at,
        actor=UNSET if actor is None else names.person(actor),
        on_behalf_of=UNSET if behalf is None else names.person(behalf),
        text=data.text if isinstance(data, PauseCommented) else UNSET,
        reason=_reason(data),
        to=UNSET if to is None else names.parties(to),
        verdict=data.verdict if isinstance(data, DecisionRecorded) else UNSET,
        weight=data.weight if isinstance(data, DecisionRecorded) else UNSET,
        step=data.step if isinstance(data, (PauseReminded, PauseEscalated, PauseExpired)) else UNSET,
        channel=data.channel if isinstance(data, PauseNotified) else UNSET,
        success=data.success if isinstance(data, PauseNotified) else UNSET,
        retry=data.retry_of is not None if isinstance(data, (ExecutionResumed, ResumeQueued)) else UNSET,
    )


def _reason(data: EventData) -> str | UnsetType:
    """Why; of a decision what its input says beside its submission."""
    if isinstance(data, (DecisionRecorded, ExecutionResumed, ResumeQueued)):
        given = data.input if isinstance(data.input, dict) and "submission" in data.input else {}
        reason = given.get("reason")
        return reason[:MAX_REASON] if isinstance(reason, str) and reason else UNSET
    return getattr(data, "reason", None) or UNSET


def _actor(data: EventData) -> str | None:
    actor = getattr(data, "actor", None)
    return None if actor is None else person_of(actor)


def _behalf(data: EventData) -> str | None:
    if isinstance(data, PauseDelegated):
        return data.on_behalf_of
    made = data.made if isinstance(data, (DecisionRecorded, ExecutionResumed, ResumeQueued)) else None
    return None if made is None else made.on_behalf_of


def _to(data: EventData) -> list[str] | None:
    """The keys of those whom an event names, ``None`` where its type names nobody."""
    match data:
        case PauseOpened() | PauseReassigned():
            return data.assignees
        case PauseDelegated():
            return [f"user:{data.to}"]
        case PauseReminded() | PauseEscalated():
            return data.to
        case PauseNotified():
            return None if data.to is None else [f"user:{data.to}"]
        case _:
            return None
