"""The context of blocks that are not async: they run in threads."""

import asyncio
import threading

import msgspec

from signoff.blocks.context import Context
from signoff.blocks.errors import BlockCancelledError


def for_thread(context: Context) -> Context:
    """The context of a block that runs in a thread: what it says goes to the event loop."""
    chunks = _Chunks(context)

    def heartbeat(details: str = "", /) -> None:
        _go_on(context)
        context.heartbeat(details)

    return msgspec.structs.replace(context, emit=chunks.emit, heartbeat=heartbeat)


def _go_on(context: Context) -> None:
    if context.cancelled.is_set():
        raise BlockCancelledError(f"the try of {context.block_id} was given up: nobody waits for its result")


class _Chunks:
    """Takes chunks in a thread and hands them on in the event loop; one visit there takes all there are."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._parts: list[str] = []

    def emit(self, text: str) -> None:
        _go_on(self._context)
        with self._lock:
            self._parts.append(text)
            is_first = len(self._parts) == 1
        if is_first:
            self._loop.call_soon_threadsafe(self._hand_on)

    def _hand_on(self) -> None:
        with self._lock:
            text, self._parts = "".join(self._parts), []
        if not self._context.cancelled.is_set():
            self._context.emit(text)
