"""An event as a CloudEvents 1.0 record in Kafka's binary mode (architecture.md, Topics).

The one place that says which headers a record has: who publishes makes them here, who verifies compares.
"""

from typing import Final

from signoff.events.bus.base import Record
from signoff.events.codec import Header
from signoff.events.topics import DEFAULT_WORKSPACE
from signoff.events.types import AccessFact, DirectoryFact, Event, ExecutionStarted, WorkflowDeployed

REPUBLISHED: Final = "ce_republished"
"""The one header that may differ when a record comes again."""

CommonHeaders = tuple[tuple[str, bytes], ...]
"""Those that all records of a log have in common."""

_FIRST: Final = ("ce_attempt", b"1")
_ORIGINAL: Final = (REPUBLISHED, b"false")
_AGAIN: Final = (REPUBLISHED, b"true")


def common_headers(workspace_id: str, workflow_id: str, subject: str) -> CommonHeaders:
    """The common part of a log's records.

    Args:
        workspace_id: whose it is.
        workflow_id: what it is an execution, or the deployments, of.
        subject: the execution, or the workflow, as its callers know it.
    """
    return (
        ("ce_specversion", b"1.0"),
        ("content-type", b"application/json"),
        ("ce_source", b"/workflows/" + workflow_id.encode()),
        ("ce_subject", subject.encode()),
        ("ce_workspaceid", workspace_id.encode()),
    )


def common_headers_from(first: Event) -> CommonHeaders:
    """The same by the first event of the log; recoveries are nobody's, the directory the installation's."""
    data, workspace_id = first.data, ""
    if isinstance(data, (ExecutionStarted, WorkflowDeployed, AccessFact)):
        workspace_id = data.workspace_id
    elif isinstance(data, DirectoryFact):
        workspace_id = str(
            DEFAULT_WORKSPACE
        )  # which looks after users, and is where commands to it come from
    return common_headers(workspace_id, first.workflow_id, first.execution_id or first.workflow_id)


def record_of(event: Event | Header, raw: bytes, key: bytes, common: CommonHeaders, *, again: bool) -> Record:
    """The record of one event: its very bytes, and what consumers route by in headers.

    Args:
        event: the envelope of ``raw``.
        raw: the bytes as the log holds them.
        key: the log's UUID as text.
        common: the headers of the event's log.
        again: it may have been published before, by an owner that could not say so any more.
    """
    cause = event.causation_id.encode()
    version = b"%d" % event.event_id
    return Record(
        key,
        raw,
        (
            *common,
            ("ce_id", key + b"/" + version),
            ("ce_type", event.type.encode()),
            ("ce_time", event.timestamp.encode()),
            ("ce_eventid", version),
            ("ce_causationid", cause),
            ("ce_correlationid", event.correlation_id.encode() if event.correlation_id else cause),
            ("ce_attempt", b"%d" % event.attempt) if event.attempt else _FIRST,
            _AGAIN if again else _ORIGINAL,
            *(() if event.copy_of is None else (("ce_copyof", b"%d" % event.copy_of.event_id),)),
        ),
    )
