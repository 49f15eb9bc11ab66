"""An event as a CloudEvents 1.0 record in Kafka's binary mode (architecture.md, Topics)."""

from typing import Final
from uuid import UUID

from signoff.events.bus.base import Record
from signoff.events.codec import Header
from signoff.events.topics import record_key
from signoff.events.types import Event

_FIXED: Final = (("ce_specversion", b"1.0"), ("content-type", b"application/json"))
_FIRST: Final = ("ce_attempt", b"1")
_ORIGINAL: Final = ("ce_republished", b"false")
_AGAIN: Final = ("ce_republished", b"true")


def record_of(event: Event | Header, raw: bytes, log_id: UUID, workspace_id: str, *, again: bool) -> Record:
    """The record of one event: its very bytes, and what consumers route by in headers.

    Args:
        event: the envelope of ``raw``.
        raw: the bytes as the log holds them.
        log_id: names the log; the record's key.
        workspace_id: whose it is.
        again: it may have been published before, by an owner that could not say so any more.
    """
    key = record_key(log_id)
    cause = event.causation_id.encode()
    version = str(event.event_id).encode()
    return Record(
        key,
        raw,
        (
            *_FIXED,
            ("ce_id", key + b"/" + version),
            ("ce_type", event.type.encode()),
            ("ce_source", b"/workflows/" + event.workflow_id.encode()),
            ("ce_time", event.timestamp.encode()),
            ("ce_subject", (event.execution_id or event.workflow_id).encode()),
            ("ce_workspaceid", workspace_id.encode()),
            ("ce_eventid", version),
            ("ce_causationid", cause),
            ("ce_correlationid", event.correlation_id.encode() if event.correlation_id else cause),
            ("ce_attempt", str(event.attempt).encode()) if event.attempt else _FIRST,
            _AGAIN if again else _ORIGINAL,
        ),
    )
