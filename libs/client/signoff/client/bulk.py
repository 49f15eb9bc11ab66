"""What becomes of each execution of a bulk operation, read from its stream."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Final
from uuid import uuid4

import msgspec
from msgspec import Struct

from signoff.client.answers.executions import BulkResult
from signoff.client.errors import BadAnswerError, Json, Request, UnavailableError
from signoff.client.reconnect import FrameStream
from signoff.client.transport import Transport, api_path


class _Line(Struct, rename="camel"):
    """A result, or the totals at the end, which name no execution. Not ``done``: it was cut short."""

    execution_id: str | None = None
    result: str = ""
    run_id: str | None = None
    error: str | None = None
    done: bool = True


_decoder: Final = msgspec.json.Decoder(_Line)


async def bulk_results(
    transport: Transport, body: Mapping[str, Json], *, key: str | None, patience: float
) -> AsyncGenerator[BulkResult, None]:
    """Start a bulk operation and give each result once.

    A cut stream is asked for again under the same idempotency key: what was done is told again by the
    server, and left out here.

    Args:
        transport: where to.
        body: of the request.
        key: the idempotency key; one is made where it is not given.
        patience: seconds without a server after which it gives up.

    Raises:
        UnavailableError: the server cut it short; the same request goes on.
    """
    request = Request("POST", api_path("executions", "bulk"), key or str(uuid4()))
    stream = FrameStream(transport, request, body=msgspec.json.encode(body), patience=patience)
    told: set[str] = set()
    async with aclosing(stream.frames()) as frames:
        async for frame in frames:
            try:
                line = _decoder.decode(frame.data)
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                raise BadAnswerError(
                    f"the stream of a bulk operation holds what is no result: {error}"
                ) from error
            if not line.done:
                raise UnavailableError(
                    503, f"{line.error}; the same request goes on", retry_after=1.0, request=request
                )
            if line.execution_id is not None and line.execution_id not in told:
                told.add(line.execution_id)
                yield BulkResult(
                    execution_id=line.execution_id, result=line.result, run_id=line.run_id, error=line.error
                )
