"""An event as a CloudEvents 1.0 record in Kafka's binary mode (architecture.md, Topics)."""

from typing import Final
from uuid import UUID

from msgspec import Struct

from signoff.events.bus.base import Record
from signoff.events.codec import Header
from signoff.events.topics import record_key
from signoff.events.types import Event
from signoff.executor.messages import Lineage

_FIRST: Final = ("ce_attempt", b"1")
_ORIGINAL: Final = ("ce_republished", b"false")
_AGAIN: Final = ("ce_republished", b"true")


class Origin(Struct, frozen=True):
    """What the records of all events of one log have in common, and the messages that follow from them.

    ``lineage`` is an execution's; a workflow's log has none.
    """

    key: bytes
    headers: tuple[tuple[str, bytes], ...]
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
    headers = (
        ("ce_specversion", b"1.0"),
        ("content-type", b"application/json"),
        ("ce_source", b"/workflows/" + workflow_id.encode()),
        ("ce_subject", subject.encode()),
        ("ce_workspaceid", workspace_id.encode()),
    )
    return Origin(record_key(log_id), headers, lineage)


def record_of(event: Event | Header, raw: bytes, origin: Origin, *, again: bool) -> Record:
    """The record of one event: its very bytes, and what consumers route by in headers.

    Args:
        event: the envelope of ``raw``.
        raw: the bytes as the log holds them.
        origin: of the event's log.
        again: it may have been published before, by an owner that could not say so any more.
    """
    cause = event.causation_id.encode()
    version = b"%d" % event.event_id
    return Record(
        origin.key,
        raw,
        (
            *origin.headers,
            ("ce_id", origin.key + b"/" + version),
            ("ce_type", event.type.encode()),
            ("ce_time", event.timestamp.encode()),
            ("ce_eventid", version),
            ("ce_causationid", cause),
            ("ce_correlationid", event.correlation_id.encode() if event.correlation_id else cause),
            ("ce_attempt", b"%d" % event.attempt) if event.attempt else _FIRST,
            _AGAIN if again else _ORIGINAL,
        ),
    )
