"""Who changed what in a workspace: read from the logs of its workflows and of the directory.

Nothing else is kept for it. Each log is read from its end, no further than the page needs.
"""

import asyncio
import heapq
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from itertools import islice
from typing import Final, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Struct

from signoff.events.codec import TOPIC_BY_TYPE, decode_event
from signoff.events.store.base import EventStore, Recorded, WorkflowRow
from signoff.events.topics import DEFAULT_WORKSPACE, directory_log_id
from signoff.events.types import (
    DIRECTORY_FACTS,
    DirectoryFact,
    Event,
    EventData,
    Json,
    KeyCreated,
    KeyRevoked,
    KeyRotated,
    ScheduleSwitched,
    WorkflowActivated,
    WorkflowDeployed,
    WorkflowUndeployed,
)
from signoff.gateway.v2.backwards import WINDOW, backwards
from signoff.gateway.v2.log_schemas import AuditEntry

WorkflowFact: TypeAlias = WorkflowDeployed | WorkflowActivated | WorkflowUndeployed | ScheduleSwitched

WORKFLOW_FACTS: Final = (WorkflowDeployed, WorkflowActivated, WorkflowUndeployed, ScheduleSwitched)
"""What people do to a workflow."""

ACTIONS: Final = tuple(sorted(fact.TYPE.replace(":", ".") for fact in (*WORKFLOW_FACTS, *DIRECTORY_FACTS)))
"""Every action that an entry may name."""

_RESOURCE: Final = {
    "workspace": "workspace_id",
    "user": "user_id",
    "member": "user_id",
    "absence": "user_id",
    "group": "group_id",
    "key": "key_id",
    "environment": "name",
    "hook": "hook_id",
    "schedule": "block_id",
}
"""The field that names what a fact is about; of a workflow it is in the envelope."""

_TOPICS: Final = tuple(TOPIC_BY_TYPE[fact.TYPE] for fact in WORKFLOW_FACTS)
_UNTOLD: Final = frozenset({"actor", "definition", "workspaceId"})
_LOGS_AT_ONCE: Final = 20
_WORKFLOWS_A_PAGE: Final = 1000
_KEYS_A_PAGE: Final = 1000


class Key(Struct, frozen=True, order=True):
    """The order of entries: by time, then by id."""

    created_at: str
    id: str


class Wanted(Struct, frozen=True, kw_only=True):
    """Which entries are wanted.

    Attributes:
        workspace_id: of this workspace.
        action: of this kind.
        actor_id: of this actor.
        resource_type: about this kind of resource.
        first: not before this moment, as events write it.
        end: before this one.
        before: after this one in the list.
        limit: how many.
    """

    workspace_id: UUID
    action: str | None = None
    actor_id: str | None = None
    resource_type: str | None = None
    first: str = ""
    end: str | None = None
    before: Key | None = None
    limit: int

    def takes(self, entry: AuditEntry) -> bool:
        """Whether an entry is among them, but for its time."""
        return (
            entry.workspace_id == str(self.workspace_id)
            and self.action in (None, entry.action)
            and self.actor_id in (None, entry.actor_id)
            and self.resource_type in (None, entry.resource_type)
        )


class _Newest:
    """The newest entries found so far."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._heap: list[tuple[Key, AuditEntry]] = []

    def is_past(self, event: Event) -> bool:
        """Whether nothing as old as an event can be among them any more."""
        if event.timestamp < self._wanted.first:
            return True
        return len(self._heap) == self._wanted.limit and event.timestamp < self._heap[0][0].created_at

    def offer(self, entry: AuditEntry) -> None:
        """Take an entry in, if it is wanted and new enough."""
        key = Key(entry.created_at, entry.id)
        wanted = self._wanted
        if not wanted.takes(entry) or (wanted.before is not None and key >= wanted.before):
            return
        if wanted.end is not None and entry.created_at >= wanted.end:
            return
        if len(self._heap) < wanted.limit:
            heapq.heappush(self._heap, (key, entry))
        else:
            heapq.heappushpop(self._heap, (key, entry))

    def entries(self) -> list[AuditEntry]:
        """The newest first."""
        return [entry for _, entry in sorted(self._heap, reverse=True)]


async def read_audit(store: EventStore, wanted: Wanted) -> list[AuditEntry]:
    """The newest entries that are wanted, the newest first.

    Args:
        store: the log.
        wanted: which, and how many.
    """
    newest = _Newest(wanted)
    await _read_directory(store, newest)
    after = ""
    while rows := await store.workflows(wanted.workspace_id, after=after, limit=_WORKFLOWS_A_PAGE):
        remaining = iter(rows)
        while some := list(islice(remaining, _LOGS_AT_ONCE)):
            await _read_workflows(store, some, newest)
        after = rows[-1].workflow_id
    return newest.entries()


async def _read_workflows(store: EventStore, rows: Sequence[WorkflowRow], newest: _Newest) -> None:
    """The ends of several workflows' logs come in one query; most logs are no longer."""
    heads = await store.heads([row.log_id for row in rows])
    after = {log_id: max(0, head - WINDOW) for log_id, head in heads.items()}
    tails = await store.read_many(after, limit=WINDOW)
    for row in rows:
        async with aclosing(_facts(store, row.log_id, tails.get(row.log_id, []))) as facts:
            async for event in facts:
                if newest.is_past(event):
                    break
                if isinstance(event.data, WORKFLOW_FACTS):
                    newest.offer(_workflow_entry(row, event, event.data))
        await asyncio.sleep(0)


async def _facts(store: EventStore, log_id: UUID, tail: list[Recorded]) -> AsyncGenerator[Event, None]:
    """What people did to a workflow, the newest first; ``tail`` is the end of its log."""
    for recorded in reversed(tail):
        if recorded.topic in _TOPICS:
            yield decode_event(recorded.state)
    before = tail[0].version if tail else 1
    async with aclosing(backwards(store, log_id, before=before, topics=_TOPICS)) as older:
        async for recorded in older:
            yield decode_event(recorded.state)


async def _read_directory(store: EventStore, newest: _Newest) -> None:
    log_id = directory_log_id()
    before = (await store.heads([log_id])).get(log_id, 0) + 1
    keys: dict[str, KeyCreated] | None = None
    while before > 1:
        after = max(0, before - 1 - WINDOW)
        for recorded in reversed(await store.read(log_id, after=after, limit=before - 1 - after)):
            event = decode_event(recorded.state)
            if newest.is_past(event):
                return
            data = event.data
            if isinstance(data, (KeyRotated, KeyRevoked)):
                keys = await _keys(store) if keys is None else keys
                newest.offer(_entry(event, data, log_id, about=keys.get(data.key_id)))
            elif isinstance(data, DirectoryFact):
                newest.offer(_entry(event, data, log_id, about=data))
        before = after + 1
        await asyncio.sleep(0)


async def _keys(store: EventStore) -> dict[str, KeyCreated]:
    """Every key that was ever made, by its id: later facts about it name nothing else."""
    keys: dict[str, KeyCreated] = {}
    topic = TOPIC_BY_TYPE[KeyCreated.TYPE]
    after = 0
    while page := await store.read(directory_log_id(), after=after, limit=_KEYS_A_PAGE, topic=topic):
        for recorded in page:
            data = decode_event(recorded.state).data
            if isinstance(data, KeyCreated):
                keys[data.key_id] = data
        after = page[-1].version
    return keys


def _workflow_entry(row: WorkflowRow, event: Event, data: WorkflowFact) -> AuditEntry:
    name = None if isinstance(data, ScheduleSwitched) else row.name
    return _entry(event, data, row.log_id, about=data, name=name)


def _entry(
    event: Event,
    data: WorkflowFact | DirectoryFact,
    log_id: UUID,
    *,
    about: EventData | None,
    name: str | None = None,
) -> AuditEntry:
    """The entry of a fact; ``about`` is the one that tells its workspace and its name."""
    kind, _, verb = data.TYPE.partition(":")
    resource_id: str = getattr(data, _RESOURCE.get(kind, ""), event.workflow_id)
    name = getattr(about, "name", None) or getattr(about, "host", None) or name
    actor = data.actor
    return AuditEntry(
        id=f"{log_id}/{event.event_id}",
        workspace_id=getattr(about, "workspace_id", None) or str(DEFAULT_WORKSPACE),
        actor_type=actor.type,
        actor_id=actor.id,
        actor_name=actor.name,
        action=f"{kind}.{verb}",
        resource_type=kind,
        resource_id=resource_id,
        resource_name=name,
        description=f"{kind} {name or resource_id} {verb}",
        metadata=_metadata(data),
        created_at=event.timestamp,
    )


def _metadata(data: EventData) -> dict[str, Json]:
    told: dict[str, Json] = msgspec.to_builtins(data)
    hidden = _UNTOLD | {"digest"} if isinstance(data, (KeyCreated, KeyRotated)) else _UNTOLD
    return {name: value for name, value in told.items() if name not in hidden}
