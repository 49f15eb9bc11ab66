"""A run as a browser follows it while it goes on: the frames of its log, as the stream service has them."""

from typing import Final
from uuid import UUID

from aiohttp import web

from signoff.gateway.gateway import Gateway
from signoff.tail.sending import HEADERS, frames_of, send

FRAMES: Final = "With a session: the frames of [the execution's stream](streaming.md)."
"""What such a stream holds, for the docs."""


async def stream_frames(
    request: web.Request, gateway: Gateway, *, log_id: UUID, run_id: str | None, shown_id: str, shown_as: str
) -> web.StreamResponse:
    """Answer with the events of a run, to its end.

    Args:
        request: what is answered.
        gateway: the ports.
        log_id: of the execution.
        run_id: the run to follow; ``None`` for an execution's first.
        shown_id: the run's id as the caller knows it.
        shown_as: the header that names it.
    """
    with gateway.hub.open(log_id, after=0, run_id=run_id) as reader:
        frames = await reader.begin()
        headers = {**HEADERS, shown_as: shown_id}
        return await send(request, headers, frames_of(reader, frames), log_id=str(log_id))
