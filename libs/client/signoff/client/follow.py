"""Events out of streams: of one execution, each once and in order; of everything the caller may see."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

import msgspec

from signoff.client.answers.executions import StreamEvent
from signoff.client.errors import BadAnswerError, Request
from signoff.client.reconnect import FrameStream
from signoff.client.sse import Frame
from signoff.client.transport import Parameters, Transport

_OF_THE_FEED: Final = "feed:"
"""What the types of frames begin with that are about the feed itself, and carry its cursor."""

_decoder: Final = msgspec.json.Decoder(StreamEvent)


class _Typed(msgspec.Struct):
    type: str = ""


_type_decoder: Final = msgspec.json.Decoder(_Typed)


async def follow(
    transport: Transport, path: str, *, params: Parameters, after: int, patience: float
) -> AsyncGenerator[StreamEvent, None]:
    """The events of an execution's stream after one of them, until its end.

    Args:
        transport: where to.
        path: of the stream.
        params: its query.
        after: the last event that is known; 0 for none.
        patience: seconds without a server after which it gives up.

    Raises:
        RefusedError: the server will not show them.
        UnreachableError: no server for longer than the patience.
    """
    cursor = str(after) if after else None
    stream = FrameStream(transport, Request("GET", path), params=params, cursor=cursor, patience=patience)
    last = after
    async with aclosing(stream.frames()) as frames:
        async for frame in frames:
            event = _event_of(frame)
            if event.event_id > last:
                last = event.event_id
                yield event


async def feed(
    transport: Transport, path: str, *, params: Parameters, cursor: str | None, patience: float
) -> AsyncGenerator[StreamEvent, None]:
    """The events of a feed after a cursor, for ever.

    Args:
        transport: where to.
        path: of the feed.
        params: its filters.
        cursor: of the last event that is known; ``None`` for those to come.
        patience: seconds without a server after which it gives up.

    Raises:
        RefusedError: the caller may not read it, or not any more.
        UnreachableError: no server for longer than the patience.
    """
    stream = FrameStream(transport, Request("GET", path), params=params, cursor=cursor, patience=patience)
    async with aclosing(stream.frames()) as frames:
        async for frame in frames:
            if not _type_of(frame).startswith(_OF_THE_FEED):
                yield _event_of(frame)


async def present(transport: Transport, path: str, *, patience: float) -> str:
    """The cursor of a feed that is opened now.

    Args:
        transport: where to.
        path: of the feed.
        patience: seconds without a server after which it gives up.

    Raises:
        RefusedError: the caller may not read it.
        UnreachableError: no server for longer than the patience.
    """
    stream = FrameStream(transport, Request("GET", path), patience=patience)
    async with aclosing(stream.frames()) as frames:
        async for frame in frames:
            if frame.id is not None:
                return frame.id
    raise BadAnswerError("the feed ended without a cursor: is the URL that of a Signoff server?")


def _type_of(frame: Frame) -> str:
    try:
        return _type_decoder.decode(frame.data).type
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _no_event(error) from error


def _event_of(frame: Frame) -> StreamEvent:
    try:
        event = _decoder.decode(frame.data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _no_event(error) from error
    return msgspec.structs.replace(event, raw=frame.data, cursor=frame.id or "")


def _no_event(error: Exception) -> BadAnswerError:
    return BadAnswerError(
        f"the stream holds what is no event ({error}): is the URL that of a Signoff server?"
    )
