"""A log in memory: its fold, and how what was decided becomes the bytes of new events."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from signoff.access.directory.fold import Directory, evolve_directory
from signoff.audit.accesses.log import AccessLog, evolve_access
from signoff.engine.deciding.workflow import WorkflowState, evolve_workflow
from signoff.engine.evolve import evolve
from signoff.engine.messages import Draft, Effect, Result
from signoff.engine.state import State
from signoff.events.blobs import ALWAYS_OVER, BlobStore
from signoff.events.codec import TOPIC_BY_TYPE, chain_hash, decode_event, encode
from signoff.events.errors import SignoffError
from signoff.events.store.base import NewEvent, Recorded
from signoff.events.times import iso
from signoff.events.types import Event, EventData, Outcome, Unknown
from signoff.executor.logs.plans import Plan
from signoff.executor.publishing.cloudevents import Origin, origin_of
from signoff.executor.publishing.messages import lineage_of

_REFERENCE: Final = b'"$'
"""Bytes without these hold neither a reference to a large value nor an escaped name."""

_LARGE_FIELDS: Final = (
    "input", "output", "submission", "response", "values", "definition",
    "items", "item", "outputs", "variables",
)  # fmt: skip
"""Fields of events whose size is the workflow author's."""


class NewerEventError(SignoffError):
    """A newer version wrote in a log what this one does not know, and so cannot tell what to decide."""


class Step(Struct):
    """What one message led to: events with their bytes, effects, answers."""

    events: list[Event]
    states: list[bytes]
    effects: list[Effect]
    outcomes: list[Outcome]
    oversized: bool = False


class Loaded:
    """One log's fold with the hash of its last event. Its partition's loop alone touches it.

    Attributes:
        large: some value in the log is a reference or has an escaped name.
        since_snapshot: events and bytes since the last snapshot; ``snapshot_size``: its bytes.
        due: the next moment at which something happens by itself, as of the last change.
        unrunnable: why its workflow cannot run; such an execution has failed with its start.
        parked: what its row says: whether nothing runs; ``None`` when that is not known here.
    """

    __slots__ = (
        "_envelope_log_id",
        "_origin",
        "_workspace",
        "due",
        "execution_id",
        "large",
        "log_id",
        "parked",
        "plan",
        "prev",
        "since_snapshot",
        "snapshot_size",
        "state",
        "unrunnable",
        "workflow_id",
    )  # fmt: skip

    def __init__(
        self, log_id: UUID, state: State | WorkflowState | Directory | AccessLog, plan: Plan | None
    ) -> None:
        self.log_id = log_id
        self.state = state
        self.plan = plan
        self.unrunnable: str | None = None
        self.prev: str | None = None
        self.large = False
        self.since_snapshot = (0, 0)
        self.snapshot_size = 0
        self.due: float | None = None
        self.parked: bool | None = None
        self.execution_id: str | None = None
        self.workflow_id = ""
        self._envelope_log_id: str | None = None
        self._origin: Origin | None = None
        self._workspace: UUID | None = None

    @property
    def workspace(self) -> UUID:
        """Whose log it is, once its first event is folded."""
        if self._workspace is None:
            self._workspace = UUID(self.state.workspace_id)
        return self._workspace

    @property
    def origin(self) -> Origin:
        """What the records of all of this log's events have in common."""
        if self._origin is None:
            lineage = lineage_of(self.state) if isinstance(self.state, State) else None
            subject = self.execution_id or self.workflow_id
            self._origin = origin_of(self.log_id, self.state.workspace_id, self.workflow_id, subject, lineage)
        return self._origin

    def name(self, *, execution_id: str | None, workflow_id: str) -> None:
        """Give the ids that every event of this log carries."""
        self.execution_id = execution_id
        self.workflow_id = workflow_id
        log_id = str(self.log_id)
        self._envelope_log_id = None if log_id == execution_id else log_id

    def fold(self, recorded: Iterable[Recorded]) -> None:
        """Fold events read from the log.

        Raises:
            NewerEventError: an event of a type that this version does not know.
            CodecError: bytes that are no event.
            ValueError: an event that does not follow, by its number or by the hash that it carries.
        """
        for each in recorded:
            event = decode_event(each.state)
            if event.prev != self.prev:
                raise ValueError(f"event {event.event_id} does not follow the bytes of the one before it")
            if not self.workflow_id:
                self.name(execution_id=event.execution_id, workflow_id=event.workflow_id)
            if isinstance(event.data, Unknown):
                raise NewerEventError(
                    f"event {event.event_id} ({event.type}) is of a newer version: upgrade this executor"
                )
            self._evolve(event, None)
            self._link(each.state)

    def step(self, results: Iterable[Result], now: float) -> Step:
        """Fold each draft as it comes and collect what is to be written and done."""
        step = Step([], [], [], [])
        timestamp = iso(now)
        for result in results:
            if isinstance(result, Draft):
                event = self._event(result, timestamp)
                raw = encode(event)
                self._evolve(event, None if result.copy_of else now)
                self._link(raw)
                step.events.append(event)
                step.states.append(raw)
                if len(raw) > ALWAYS_OVER:
                    step.oversized = True
            elif isinstance(result, Outcome):
                step.outcomes.append(result)
            else:
                step.effects.append(result)
        return step

    def records(self, step: Step) -> list[NewEvent]:
        """The events of a step as the log takes them."""
        return [
            NewEvent(self.log_id, event.event_id, TOPIC_BY_TYPE[event.type], raw)
            for event, raw in zip(step.events, step.states, strict=True)
        ]

    def _event(self, draft: Draft, timestamp: str) -> Event:
        return Event(
            type=draft.data.TYPE,
            event_id=self.state.version + 1,
            execution_id=self.execution_id,
            log_id=self._envelope_log_id,
            run_id=draft.run_id,
            workflow_id=self.workflow_id,
            timestamp=timestamp,
            causation_id=draft.causation_id,
            correlation_id=draft.correlation_id,
            attempt=draft.attempt,
            copy_of=draft.copy_of,
            prev=self.prev,
            data=draft.data,
        )

    def _evolve(self, event: Event, now: float | None) -> None:
        if isinstance(self.state, WorkflowState):
            evolve_workflow(self.state, event)
        elif isinstance(self.state, Directory):
            evolve_directory(self.state, event)
        elif isinstance(self.state, AccessLog):
            evolve_access(self.state, event)
        else:
            evolve(self.state, event, self.plan.graph if self.plan else None, now=now)

    def _link(self, raw: bytes) -> None:
        self.prev = chain_hash(raw)
        self.large = self.large or _REFERENCE in raw
        count, size = self.since_snapshot
        self.since_snapshot = (count + 1, size + len(raw))


async def shrink(loaded: Loaded, step: Step, blobs: BlobStore) -> None:
    """Move large values of oversized events to the object store, and chain what follows anew.

    Several values that are small enough each can make an event too large together.
    """
    prev = step.events[0].prev
    for index, event in enumerate(step.events):
        data = event.data
        if len(step.states[index]) > ALWAYS_OVER:
            data = await _smaller(data, blobs, loaded.workspace)
        step.events[index] = msgspec.structs.replace(event, data=data, prev=prev)
        step.states[index] = encode(step.events[index])
        prev = chain_hash(step.states[index])
    loaded.prev = prev
    loaded.large = True


async def _smaller(data: EventData, blobs: BlobStore, workspace_id: UUID) -> EventData:
    values = {name: getattr(data, name) for name in _LARGE_FIELDS if getattr(data, name, None) is not None}
    return msgspec.structs.replace(data, **await blobs.refit(values, workspace_id=workspace_id))
