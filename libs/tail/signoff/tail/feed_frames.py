"""An event as feeds have it: what filters ask of it, read once, and its frame."""

from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from signoff.events.codec import decode_header
from signoff.events.errors import CodecError
from signoff.events.store.base import ExecutionStatus, Recorded
from signoff.events.types import ExecutionError, ExecutionForked, Source
from signoff.tail.cursors import Cursors
from signoff.tail.feed_filter import BROUGHT_BY


class FeedEvent(Struct, frozen=True, gc=False):
    """One event with its place.

    Attributes:
        position: in the whole log.
        log_id: its log.
        workspace_id: where it happened.
        workflow_id: of what.
        type: such as ``block:completed``.
        status: the state into which it brings its execution, if it does.
        forked_from: the log from which it forks its execution, if it does.
        raw: its bytes, the very ones of the log.
    """

    position: int
    log_id: UUID
    workspace_id: UUID
    workflow_id: str
    type: str
    status: ExecutionStatus | None
    forked_from: UUID | None
    raw: bytes


class FeedFrame(Struct, frozen=True, gc=False):
    """An event as it is sent: made once, and shared by all feeds that have it.

    Attributes:
        position: in the whole log.
        workspace_id: where it happened.
        sse: a frame of a ``text/event-stream``, whose ``id`` is the cursor.
    """

    position: int
    workspace_id: UUID
    sse: bytes


class _Final(Struct):
    final: bool


class _Forked(Struct):
    source: Source


_final_decoder: Final = msgspec.json.Decoder(_Final)
_forked_decoder: Final = msgspec.json.Decoder(_Forked)
_STATUS: Final[dict[str, ExecutionStatus]] = {
    type_: status for status, types in BROUGHT_BY.items() for type_ in types if type_ != ExecutionError.TYPE
}


def feed_event(recorded: Recorded, workspace_id: UUID) -> FeedEvent:
    """Read what filters ask of an event.

    Raises:
        CodecError: its bytes are no event.
    """
    header = decode_header(recorded.state)
    is_error = header.type == ExecutionError.TYPE
    is_fork = header.type == ExecutionForked.TYPE and header.copy_of is None
    return FeedEvent(
        position=recorded.position,
        log_id=recorded.log_id,
        workspace_id=workspace_id,
        workflow_id=header.workflow_id,
        type=header.type,
        status=_status_of_error(header.data) if is_error else _STATUS.get(header.type),
        forked_from=_source_of_fork(header.data) if is_fork else None,
        raw=recorded.state,
    )


def _status_of_error(data: msgspec.Raw) -> ExecutionStatus:
    try:
        return "failed" if _final_decoder.decode(data).final else "paused"
    except msgspec.MsgspecError as error:
        raise CodecError(f"{ExecutionError.TYPE}: {error}") from error


def _source_of_fork(data: msgspec.Raw) -> UUID:
    try:
        source = _forked_decoder.decode(data).source
        return UUID(source.log_id or source.execution_id)
    except (msgspec.MsgspecError, ValueError) as error:
        raise CodecError(f"{ExecutionForked.TYPE}: {error}") from error


def feed_frame(event: FeedEvent, cursors: Cursors) -> FeedFrame:
    """The frame of an event."""
    cursor = cursors.at_event(event.position).encode()
    return FeedFrame(event.position, event.workspace_id, b"id: %b\ndata: %b\n\n" % (cursor, event.raw))
