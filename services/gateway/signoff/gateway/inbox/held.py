"""Decisions that came before their pause point: what became of each, as the log tells it."""

from typing import Literal

from aiohttp import web
from msgspec import Struct

from signoff.audit.life.hiding import hide_secrets
from signoff.engine.points.standing import person_of
from signoff.engine.state import State
from signoff.events.store.base import ExecutionRow
from signoff.events.types import (
    DecisionExpired,
    DecisionHeld,
    DecisionRecorded,
    Event,
    ExecutionResumed,
    Json,
    ResumeQueued,
)
from signoff.gateway.executions.history import fold
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.inbox.people import Names, Person, names_of


class HeldDecision(Struct, frozen=True, kw_only=True, rename="camel"):
    """A decision that came before its pause point.

    Attributes:
        context_id: Of the point that it waits for.
        status: `held`: it waits. `taken`: its point opened, and it was counted there. `expired`: it is taken
            no more.
        expires_at: Until when it waits.
        input: What was sent, without secrets.
        reason: Why it is taken no more.
        event_id: Of its recording.
    """

    held_id: str
    context_id: str
    status: Literal["held", "taken", "expired"]
    by: Person
    held_at: str
    expires_at: str
    input: Json
    reason: str | None
    event_id: int


class _Seen:
    """Takes the events of a log in order, and keeps what became of held decisions."""

    def __init__(self) -> None:
        self.held: dict[str, tuple[Event, DecisionHeld]] = {}
        self.taken: set[str] = set()
        self.reasons: dict[str, str] = {}

    def see(self, event: Event) -> None:
        match event.data:
            case DecisionHeld() as data:
                self.held[data.held_id] = (event, data)
            case DecisionExpired(held_id=held_id, reason=reason):
                self.reasons[held_id] = reason
            case DecisionRecorded(decision_id=held_id):
                self.taken.add(held_id)
            case ExecutionResumed(resume_entry_id=held_id) | ResumeQueued(resume_entry_id=held_id):
                self.taken.add(held_id)


async def held_decisions(app: web.Application, row: ExecutionRow) -> list[HeldDecision]:
    """The decisions of an execution that came before their points, in the order in which they came.

    Raises:
        BlobError: what was sent cannot be read.
        StoreUnavailableError: the log cannot be read.
    """
    gateway, seen = app[GATEWAY], _Seen()
    folded = await fold(gateway.store, row.log_id, see=seen.see)
    people = (person_of(data.actor) for _, data in seen.held.values())
    names = await names_of(app, row.workspace_id, people=people)
    shown = []
    for event, data in seen.held.values():
        given = data.input
        if folded.large:
            given = await gateway.blobs.resolve(given, workspace_id=row.workspace_id)
        shown.append(_view(event, data, seen, names, given=_masked(folded.state, data, given)))
    return shown


def _masked(state: State, data: DecisionHeld, given: Json) -> Json:
    """The form is known once the point has opened; before that, what may be a secret is kept elsewhere."""
    point = state.points.get(data.context_id)
    return given if point is None else hide_secrets(point.response, given)


def _view(event: Event, data: DecisionHeld, seen: _Seen, names: Names, *, given: Json) -> HeldDecision:
    reason = seen.reasons.get(data.held_id)
    settled: Literal["held", "taken"] = "taken" if data.held_id in seen.taken else "held"
    return HeldDecision(
        held_id=data.held_id,
        context_id=data.context_id,
        status=settled if reason is None else "expired",
        by=names.actor(data.actor),
        held_at=event.timestamp,
        expires_at=data.expires_at,
        input=given,
        reason=reason,
        event_id=event.event_id,
    )
