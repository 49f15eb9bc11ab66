"""The versions of a workflow, the newest first, from the workflow's own log."""

from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing
from typing import Annotated, Final

from msgspec import Meta, Struct

from signoff.events.codec import TOPIC_BY_TYPE, decode_event
from signoff.events.store.base import EventStore, WorkflowRow
from signoff.events.types import Event, WorkflowActivated, WorkflowDeployed
from signoff.gateway.v2.backwards import backwards
from signoff.gateway.v2.cursors import read_cursor, write_cursor
from signoff.gateway.v2.schemas import VersionItem

_DEPLOYED: Final = TOPIC_BY_TYPE[WorkflowDeployed.TYPE]
_ACTIVATED: Final = TOPIC_BY_TYPE[WorkflowActivated.TYPE]


class _Place(Struct, frozen=True):
    """Where a page begins: before this event."""

    before: Annotated[int, Meta(ge=1, le=2**31 - 1)]


async def list_versions(
    store: EventStore, workflow: WorkflowRow, *, cursor: str, limit: int
) -> tuple[list[VersionItem], str | None]:
    """A page of versions, and the cursor of the next one.

    Args:
        store: the log.
        workflow: whose versions.
        cursor: of the page; empty for the newest.
        limit: versions on it.

    Raises:
        ApiError: 400, the cursor is none of this list.
    """
    before = read_cursor(cursor, _Place).before if cursor else None
    found: list[Event] = []
    async with aclosing(_events(store, workflow, [_DEPLOYED], before=before)) as events:
        async for event in events:
            found.append(event)
            if len(found) > limit:
                break
    shown = found[:limit]
    items = [
        _item(workflow, event, event.data) for event in shown if isinstance(event.data, WorkflowDeployed)
    ]
    return items, write_cursor(_Place(shown[-1].event_id)) if len(found) > limit else None


async def newest_version(store: EventStore, workflow: WorkflowRow) -> int:
    """The number of the version that was deployed last."""
    async with aclosing(_events(store, workflow, [_DEPLOYED])) as events:
        async for event in events:
            if isinstance(event.data, WorkflowDeployed):
                return event.data.version
    return workflow.version


async def version_before(store: EventStore, workflow: WorkflowRow) -> int | None:
    """The number of the version that was active before the active one; ``None`` if there was none."""
    async with aclosing(_events(store, workflow, [_DEPLOYED, _ACTIVATED])) as events:
        async for event in events:
            data = event.data
            if isinstance(data, WorkflowDeployed | WorkflowActivated) and data.version != workflow.version:
                return data.version
    return None


async def _events(
    store: EventStore, workflow: WorkflowRow, topics: Collection[str], *, before: int | None = None
) -> AsyncGenerator[Event, None]:
    if before is None:
        before = (await store.heads([workflow.log_id])).get(workflow.log_id, 0) + 1
    async with aclosing(backwards(store, workflow.log_id, before=before, topics=topics)) as found:
        async for recorded in found:
            yield decode_event(recorded.state)


def _item(workflow: WorkflowRow, event: Event, data: WorkflowDeployed) -> VersionItem:
    return VersionItem(
        id=f"{workflow.log_id}/{event.event_id}",
        version=data.version,
        name=data.name,
        digest=data.digest,
        is_active=workflow.is_deployed and data.version == workflow.version,
        created_at=event.timestamp,
        deployed_by=data.actor.name or data.actor.id,
    )
