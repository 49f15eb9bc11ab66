"""What an executor knows of a log to be published: the headers of its records, and whose child it is."""

from uuid import UUID

from msgspec import Struct

from signoff.events import cloudevents
from signoff.events.bus.base import Record
from signoff.events.cloudevents import CommonHeaders
from signoff.events.codec import Header
from signoff.events.topics import record_key
from signoff.events.types import Event
from signoff.executor.publishing.messages import Lineage


class Origin(Struct, frozen=True):
    """What the records of all events of one log have in common, and the messages that follow from them.

    ``lineage`` is an execution's; a workflow's log has none.
    """

    key: bytes
    headers: CommonHeaders
    lineage: Lineage | None = None


def origin_of(
    log_id: UUID, workspace_id: str, workflow_id: str, subject: str, lineage: Lineage | None = None
) -> Origin:
    """The common part of a log's records.

    Args:
        log_id: names the log; the records' key.
        workspace_id: whose it is.
        workflow_id: what it is an execution, or the deployments, of.
        subject: the execution, or the workflow, as its callers know it.
        lineage: of an execution.
    """
    headers = cloudevents.common_headers(workspace_id, workflow_id, subject)
    return Origin(record_key(log_id), headers, lineage)


def record_of(event: Event | Header, raw: bytes, origin: Origin, *, again: bool) -> Record:
    """The record of one event, by the origin of its log."""
    return cloudevents.record_of(event, raw, origin.key, origin.headers, again=again)
