"""A run as its API caller reads it while it goes on: Sim's chunk protocol over SSE.

``{"blockId","chunk"}`` for selected outputs, live where a block streams its text, then
``{"event":"final"}`` or ``{"event":"error"}``, then ``"[DONE]"``. Everything comes from the log's frames;
the caller may go away at any time.
"""

from collections.abc import AsyncGenerator, Sequence
from typing import Final
from uuid import UUID

import msgspec
import structlog
from aiohttp import web
from msgspec import UNSET, Struct, UnsetType

from signoff.events.codec import decode_event
from signoff.events.errors import SignoffError
from signoff.events.types import BlockCompleted, BlockError, BlockRetrying, Json, StreamChunk
from signoff.gateway.errors import GatewayError
from signoff.gateway.executions.endings import TIMEOUT, Ending
from signoff.gateway.executions.live_text import SAYING, Chunk, LiveText, Reset
from signoff.gateway.executions.selection import Selected
from signoff.gateway.gateway import Gateway
from signoff.gateway.taken import ends_run
from signoff.tail import Frame
from signoff.tail.sending import HEADERS, HEARTBEAT, send

CHUNKS: Final = (
    'Frames `data: {"blockId", "chunk"}` for selected outputs, then `data: {"event": "final", "data": '
    '{"success", "output", "status"?, "error"?}}` or `data: {"event": "error", "error"}`, '
    'then `data: "[DONE]"`.'
)
"""What such a stream holds, for the docs."""

_DONE: Final = "[DONE]"
_encode: Final = msgspec.json.Encoder().encode
_log = structlog.get_logger("signoff.gateway.executions.chunks")


class FinalData(Struct, frozen=True):
    """How the run ended; ``status`` where it is not simply completed."""

    success: bool
    output: Json
    status: str | UnsetType = UNSET
    error: str | UnsetType = UNSET


class Finished(Struct, frozen=True, tag_field="event", tag="final"):
    """The last message of a run that was followed to its end."""

    data: FinalData


class Interrupted(Struct, frozen=True, tag_field="event", tag="error"):
    """The last message of a run that timed out, or could not be followed."""

    error: str


class _Followed(Struct, frozen=True, kw_only=True):
    """The run that a stream follows, and what its caller wants of it."""

    workspace_id: UUID
    log_id: UUID
    run_id: str | None
    selected: Sequence[Selected]
    base64_most: int | None


async def stream_run(
    request: web.Request,
    gateway: Gateway,
    *,
    workspace_id: UUID,
    log_id: UUID,
    run_id: str | None,
    shown_id: str,
    shown_as: str = "X-Execution-Id",
    selected: Sequence[Selected] = (),
    base64_most: int | None = None,
) -> web.StreamResponse:
    """Answer with the run's chunks, to its end.

    Args:
        request: what is answered.
        gateway: the ports.
        workspace_id: of the execution.
        log_id: of the execution.
        run_id: the run to follow; ``None`` for an execution's first.
        shown_id: the run's id as the caller knows it.
        shown_as: the header that names it.
        selected: outputs to send as soon as their blocks end, and the text of blocks while they say it.
        base64_most: bytes of a file whose contents stand in the output; ``None`` is no contents.
    """
    run = _Followed(
        workspace_id=workspace_id, log_id=log_id, run_id=run_id, selected=selected, base64_most=base64_most
    )
    return await send(request, {**HEADERS, shown_as: shown_id}, _pieces(gateway, run), execution=shown_id)


async def _pieces(gateway: Gateway, run: _Followed) -> AsyncGenerator[list[bytes], None]:
    live = LiveText(run.selected)
    try:
        with gateway.hub.open(run.log_id, after=0, run_id=run.run_id) as reader:
            frames = await reader.begin()
            while frames or not reader.ended:
                for frame in frames:
                    for message in await _of_frame(gateway, run, frame, live):
                        if isinstance(message, (Finished, Interrupted)):
                            yield [_sse(message), _sse(_DONE)]
                            return
                        yield [_sse(message)]
                frames = await reader.read()
                if not frames:
                    yield [HEARTBEAT]
        raise GatewayError(f"log {run.log_id} ended before the run did")
    except SignoffError as error:
        # The status is sent already: what went wrong can only be said in the stream.
        _log.warning("a stream was cut short", log_id=str(run.log_id), reason=str(error))
        yield [_sse(Interrupted("The stream was interrupted; the execution goes on")), _sse(_DONE)]


async def _of_frame(
    gateway: Gateway, run: _Followed, frame: Frame, live: LiveText
) -> Sequence[Chunk | Reset | Finished | Interrupted]:
    """The messages that an event leads to; an end is the last one."""
    if run.selected and (frame.type in SAYING or frame.type == BlockCompleted.TYPE):
        return await _said(gateway, run, frame, live)
    if frame.ends is None:
        return []
    event = decode_event(frame.raw)
    if not ends_run(event, run.run_id):
        return []
    ending = await gateway.endings.tell(
        run.workspace_id, event, large=b'"$' in frame.raw, base64_most=run.base64_most
    )
    return [_final(ending)]


async def _said(gateway: Gateway, run: _Followed, frame: Frame, live: LiveText) -> list[Chunk | Reset]:
    data = decode_event(frame.raw).data
    if isinstance(data, (StreamChunk, BlockRetrying, BlockError)):
        return list(live.hear(data))
    if not isinstance(data, BlockCompleted) or not live.wants(data.block_id):
        return []
    output = await gateway.blobs.resolve(data.output, workspace_id=run.workspace_id)
    return list(live.end(data, output))


def _final(ending: Ending) -> Finished | Interrupted:
    if ending.code == TIMEOUT and ending.error is not None:
        return Interrupted(ending.error)
    return Finished(
        FinalData(
            success=ending.success,
            output=ending.output,
            status=UNSET if ending.status == "completed" else ending.status,
            error=UNSET if ending.error is None else ending.error,
        )
    )


def _sse(message: Struct | str) -> bytes:
    return b"data: %b\n\n" % _encode(message)
