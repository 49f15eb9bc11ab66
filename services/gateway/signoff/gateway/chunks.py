"""A run as its API caller reads it while it goes on: Sim's chunk protocol over SSE.

``{"blockId","chunk"}`` for each selected output, then ``{"event":"final"}`` or ``{"event":"error"}``,
then ``"[DONE]"``. Everything comes from the log's frames; the caller may go away at any time.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Final
from uuid import UUID

import msgspec
import structlog
from aiohttp import ClientConnectionResetError, web
from msgspec import UNSET, Struct, UnsetType

from signoff.engine.values import to_text
from signoff.events.codec import decode_event
from signoff.events.errors import SignoffError
from signoff.events.types import BlockCompleted, Json
from signoff.gateway.endings import TIMEOUT, Ending
from signoff.gateway.errors import GatewayError
from signoff.gateway.gateway import Gateway
from signoff.gateway.selection import Selected
from signoff.gateway.taken import ends_run
from signoff.tail import Frame

_DONE: Final = "[DONE]"
_HEARTBEAT: Final = b": heartbeat\n\n"
_HEADERS: Final = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache",
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
}
_encode: Final = msgspec.json.Encoder().encode
_log = structlog.get_logger("signoff.gateway.chunks")


class Chunk(Struct, frozen=True, rename="camel"):
    """A selected output, as text."""

    block_id: str
    chunk: str


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


async def stream_run(
    request: web.Request,
    gateway: Gateway,
    *,
    workspace_id: UUID,
    log_id: UUID,
    run_id: str | None,
    shown_id: str,
    selected: Sequence[Selected],
) -> web.StreamResponse:
    """Answer with the run's chunks, to its end.

    Args:
        request: what is answered.
        gateway: the ports.
        workspace_id: of the execution.
        log_id: of the execution.
        run_id: the run to follow; ``None`` for an execution's first.
        shown_id: the run's id as the caller knows it.
        selected: outputs to send as soon as their blocks end.
    """
    response = web.StreamResponse(headers={**_HEADERS, "X-Execution-Id": shown_id})
    await response.prepare(request)
    try:
        async with aclosing(
            _messages(gateway, workspace_id=workspace_id, log_id=log_id, run_id=run_id, selected=selected)
        ) as messages:
            async for message in messages:
                await response.write(message)
        await response.write_eof()
    except ClientConnectionResetError:
        _log.debug("the reader of a stream went away", execution=shown_id)
    return response


async def _messages(
    gateway: Gateway, *, workspace_id: UUID, log_id: UUID, run_id: str | None, selected: Sequence[Selected]
) -> AsyncGenerator[bytes, None]:
    try:
        with gateway.hub.open(log_id, after=0, run_id=run_id) as reader:
            frames = await reader.begin()
            while frames or not reader.ended:
                for frame in frames:
                    for message in await _of_frame(gateway, workspace_id, frame, run_id, selected):
                        yield _sse(message)
                        if not isinstance(message, Chunk):
                            yield _sse(_DONE)
                            return
                frames = await reader.read()
                if not frames:
                    yield _HEARTBEAT
        raise GatewayError(f"log {log_id} ended before the run did")
    except SignoffError as error:
        # The status is sent already: what went wrong can only be said in the stream.
        _log.warning("a stream was cut short", log_id=str(log_id), reason=str(error))
        yield _sse(Interrupted("The stream was interrupted; the execution goes on"))
        yield _sse(_DONE)


async def _of_frame(
    gateway: Gateway, workspace_id: UUID, frame: Frame, run_id: str | None, selected: Sequence[Selected]
) -> Sequence[Chunk | Finished | Interrupted]:
    """The messages that an event leads to; anything but a chunk is the last one."""
    if frame.type == BlockCompleted.TYPE and selected:
        return await _chunks(gateway, workspace_id, frame, selected)
    if frame.ends is None:
        return []
    event = decode_event(frame.raw)
    if not ends_run(event, run_id):
        return []
    return [_final(await gateway.endings.tell(workspace_id, event, large=b'"$' in frame.raw))]


async def _chunks(
    gateway: Gateway, workspace_id: UUID, frame: Frame, selected: Sequence[Selected]
) -> list[Chunk]:
    data = decode_event(frame.raw).data
    if not isinstance(data, BlockCompleted):
        return []
    wanted = [each for each in selected if each.block_id == data.block_id]
    if not wanted:
        return []
    output = await gateway.blobs.resolve(data.output, workspace_id=workspace_id)
    values = [each.pick(output) for each in wanted]
    return [Chunk(data.block_id, to_text(value)) for value in values if value is not None]


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
