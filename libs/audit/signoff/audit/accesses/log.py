"""The access log of a workspace, a partition and a day: its fold, and how it grows. Pure."""

from collections.abc import Iterator
from operator import attrgetter
from typing import Final

import msgspec
from msgspec import Struct

from signoff.engine.messages import Draft
from signoff.events.times import from_iso, iso
from signoff.events.types import AccessFact, Command, Event, Outcome, RecordAccesses, Refusal

FORMAT: Final = 1
"""The version of the shape of `AccessLog`, and of how it is folded; a snapshot of another one is ignored."""

WORKFLOW_ID: Final = "$access"
"""What stands as ``workflowId`` in the events of access logs; no workflow can be called so."""

MOST_OBSERVERS: Final = 1000
"""Observers whose last batch is known; those heard of longest ago are forgotten."""

_DAY: Final = len("2026-07-26")
_began: Final = attrgetter("first_at")


class AccessLog(Struct, kw_only=True):
    """What deciding needs: no more than where the log ends, whatever stands in it.

    Attributes:
        version: of the log.
        time: of its last event, seconds since the epoch.
        workspace_id: whose it is.
        observers: the last batch of each, those heard of last at the end.
    """

    version: int = 0
    time: float = 0.0
    workspace_id: str = ""
    observers: dict[str, int] = {}
    workflow_id: str = WORKFLOW_ID

    def has(self, observer: str, batch: int) -> bool:
        """Whether what an observer saw was recorded as far as this batch."""
        return batch <= self.observers.get(observer, 0)


def day_of(moment: float) -> str:
    """The day in whose log something stands that happened at a moment (seconds since the epoch): UTC."""
    return iso(moment)[:_DAY]


def evolve_access(state: AccessLog, event: Event) -> None:
    """Fold one event, in place. Events of unknown types change nothing but the version.

    Raises:
        ValueError: the event does not follow the state.
    """
    if event.event_id != state.version + 1:
        raise ValueError(f"event {event.event_id} does not follow version {state.version}")
    if isinstance(event.data, AccessFact):
        state.workspace_id = event.data.workspace_id
        if event.data.observer:
            state.observers.pop(event.data.observer, None)
            state.observers[event.data.observer] = event.data.batch
            if len(state.observers) > MOST_OBSERVERS:
                del state.observers[next(iter(state.observers))]
    state.version, state.time = event.event_id, from_iso(event.timestamp)


def decide_accesses(state: AccessLog, command: Command) -> Iterator[Draft | Outcome]:
    """What follows from a command for an access log: its facts in order, or nothing if it came before."""
    data = command.data
    if not isinstance(data, RecordAccesses):
        yield _refused(command, f"{command.type} is no command for an access log")
        return
    facts = _facts(data)
    if not facts or any(fact.workspace_id != data.workspace_id for fact in facts):
        yield _refused(command, "A batch has accesses, and all of them in its workspace")
        return
    is_known = state.has(data.observer, data.batch)
    yield Outcome(
        command_id=command.command_id,
        execution_id=command.execution_id,
        outcome="duplicate" if is_known else "accepted",
        event_id=state.version if is_known else state.version + len(facts),
    )
    if not is_known:
        for fact in facts:
            seen = msgspec.structs.replace(fact, observer=data.observer, batch=data.batch)
            yield Draft(seen, command.command_id)


def _facts(data: RecordAccesses) -> list[AccessFact]:
    facts = [*data.read, *data.ended, *data.exported, *data.verified, *data.refused, *data.dropped]
    return sorted(facts, key=_began)


def _refused(command: Command, message: str) -> Outcome:
    return Outcome(
        command_id=command.command_id,
        execution_id=command.execution_id,
        outcome="refused",
        refusal=Refusal(code="BAD_REQUEST", message=message),
    )
