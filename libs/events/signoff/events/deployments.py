"""Versions of a workflow, found in the workflow's own log."""

from typing import Final
from uuid import UUID

from signoff.events.codec import TOPIC_BY_TYPE, decode_event
from signoff.events.store.base import EventStore, Recorded
from signoff.events.types import Event, WorkflowDeployed

_PAGE: Final = 100
_TOPIC: Final = TOPIC_BY_TYPE[WorkflowDeployed.TYPE]


async def read_deployment(
    store: EventStore, log_id: UUID, version: int
) -> tuple[Event, WorkflowDeployed] | None:
    """A version of a workflow. Its definition may be a reference.

    Args:
        store: the log.
        log_id: of the workflow.
        version: 1, 2, 3 …; the event that made it has an ``eventId`` not below it.
    """
    found = await find_deployment(store, log_id, version)
    return None if found is None else found[1:]


async def find_deployment(
    store: EventStore, log_id: UUID, version: int
) -> tuple[Recorded, Event, WorkflowDeployed] | None:
    """The same with the event as the log holds it."""
    after = version - 1
    while found := await store.read(log_id, after=after, limit=_PAGE, topic=_TOPIC):
        for recorded in found:
            event = decode_event(recorded.state)
            if isinstance(event.data, WorkflowDeployed) and event.data.version == version:
                return recorded, event, event.data
        after = found[-1].version
    return None
