"""What happened at a pause point: the events of its context, as its deciders are shown them."""

from collections import deque
from typing import Final

from msgspec import UNSET, Struct, UnsetType

from signoff.engine.points.standing import person_of
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
from signoff.gateway.inbox.people import Names, Party, Person

MOST: Final = 1000
"""Events that are shown of one pause point, the newest."""

_TOLD: Final = (
    PauseOpened, PauseAmended, PauseClaimed, PauseReleased, PauseDelegated, PauseReassigned, PauseReturned,
    PauseCommented, PauseReminded, PauseEscalated, PauseExpired, PauseClosed, PauseNotified,
    DecisionRecorded, DecisionHeld, DecisionExpired, ResumeQueued, ResumeFailed, ExecutionResumed,
    ExecutionReopened,
)  # fmt: skip


class HistoryEntry(Struct, frozen=True, kw_only=True, rename="camel"):
    """Something that happened at a pause point. What an event does not have is left out.

    Attributes:
        event_id: Its place in the execution's log.
        type: Of the event, such as `pause:commented` or `execution:resumed` (the decision).
        at: When.
        actor: Who did it, if somebody did.
        on_behalf_of: In whose place they did it.
        text: Of a comment.
        reason: Why.
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


class History:
    """Takes the events of a log in order, and keeps those of one pause point.

    Args:
        context_id: the point's.

    Attributes:
        events: the newest `MOST`.
        block_names: of the blocks that started, by their ids.
    """

    def __init__(self, context_id: str) -> None:
        self._context_id = context_id
        self.events: deque[Event] = deque(maxlen=MOST)
        self.block_names: dict[str, str] = {}

    def see(self, event: Event) -> None:
        """Take an event."""
        data = event.data
        if isinstance(data, BlockStarted):
            self.block_names[data.block_id] = data.block_name
        elif isinstance(data, _TOLD) and data.context_id == self._context_id:
            self.events.append(event)

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


def _entry(event: Event, names: Names) -> HistoryEntry:
    data = event.data
    actor, behalf, to = _actor(data), _behalf(data), _to(data)
    return HistoryEntry(
        event_id=event.event_id,
        type=event.type,
        at=event.timestamp,
        actor=UNSET if actor is None else names.person(actor),
        on_behalf_of=UNSET if behalf is None else names.person(behalf),
        text=data.text if isinstance(data, PauseCommented) else UNSET,
        reason=getattr(data, "reason", None) or UNSET,
        to=UNSET if to is None else names.parties(to),
        verdict=data.verdict if isinstance(data, DecisionRecorded) else UNSET,
        weight=data.weight if isinstance(data, DecisionRecorded) else UNSET,
        step=data.step if isinstance(data, (PauseReminded, PauseEscalated, PauseExpired)) else UNSET,
        channel=data.channel if isinstance(data, PauseNotified) else UNSET,
        success=data.success if isinstance(data, PauseNotified) else UNSET,
        retry=data.retry_of is not None if isinstance(data, (ExecutionResumed, ResumeQueued)) else UNSET,
    )


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
