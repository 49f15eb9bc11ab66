"""How a service listens, and how it stops: at once for open streams, in bounded time for all."""

import asyncio
import gc
import signal
from collections.abc import Callable, Coroutine
from typing import Any, Final, cast

import uvloop
from aiohttp import web
from yarl import URL

from signoff.runtime.connections import open_to
from signoff.runtime.errors import ServerError

STOPPING: Final = web.AppKey("stopping", asyncio.Event)
"""Set when the server begins to stop: whatever holds a response open ends it then."""

_GC_THRESHOLDS: Final = (50_000, 20, 100)

SHUTDOWN_TIMEOUT: Final = 3.0
"""Seconds that requests under way have to end. aiohttp may wait twice that long."""

_BACKLOG: Final = 1024


async def serve(
    app: web.Application,
    *,
    host: str,
    port: int,
    stop: asyncio.Event,
    on_ready: Callable[[str], None] | None = None,
    handler_cancellation: bool = False,
) -> None:
    """Serve an application until ``stop`` is set; ends when all of it is cleaned up.

    Args:
        app: gets :data:`STOPPING`.
        host: the address to listen on.
        port: 0 takes a free one.
        stop: ends the server.
        on_ready: called with the base URL once the server listens.
        handler_cancellation: cancel a handler when its client goes away (streams only).

    Raises:
        ServerError: the address cannot be listened on; says what to do.
    """
    stopping = app[STOPPING] = asyncio.Event()

    async def begin_to_stop(_: web.Application) -> None:
        stopping.set()

    app.on_shutdown.insert(0, begin_to_stop)
    runner = web.AppRunner(
        app,
        handler_cancellation=handler_cancellation,
        shutdown_timeout=SHUTDOWN_TIMEOUT,
    )
    await runner.setup()
    try:
        listener = await _listen(runner, host, port)
        try:
            if on_ready is not None:
                on_ready(str(URL.build(scheme="http", host=host, port=listener.sockets[0].getsockname()[1])))
            await stop.wait()
        finally:
            listener.close()
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, host: str, port: int) -> asyncio.Server:
    server = cast("web.Server", runner.server)  # the runner is set up
    loop = asyncio.get_running_loop()
    try:
        return await loop.create_server(open_to(server), host, port, backlog=_BACKLOG)
    except OSError as error:
        raise ServerError(
            f"cannot listen on {host}:{port} ({error.strerror}): "
            "end what listens there, or set SIGNOFF_HOST and SIGNOFF_PORT"
        ) from error


def install_signal_handlers(stop: asyncio.Event) -> None:
    """Set ``stop`` on SIGINT and SIGTERM; a second one ends the process at once."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)

    def begin_to_stop() -> None:
        stop.set()
        for each in signals:
            loop.remove_signal_handler(each)

    for each in signals:
        loop.add_signal_handler(each, begin_to_stop)


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a service's coroutine on uvloop to its end.

    What is loaded by now lives as long as the process, and messages die by reference counting: the
    collector is kept from walking over all of it again and again (a fifth of the time per step).
    """
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
    uvloop.run(main)
