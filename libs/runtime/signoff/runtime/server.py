"""How a service listens, and how it stops: in bounded time, and no caller meets a closed door.

A load balancer needs a moment to find out that a service stops. Until then the service serves on, tells
probes that it is :data:`LEAVING`, and closes each connection with its answer. Then open streams end at once.
"""

import asyncio
import gc
import signal
import socket
from collections.abc import Callable, Coroutine
from typing import Any, Final, cast

import structlog
import uvloop
from aiohttp import web
from yarl import URL

from signoff.runtime.connections import open_to
from signoff.runtime.errors import ServerError

LEAVING: Final = web.AppKey("leaving", asyncio.Event)
"""Set when the server was told to stop: probes say so, and requests are still served."""

STOPPING: Final = web.AppKey("stopping", asyncio.Event)
"""Set when the server begins to stop: whatever holds a response open ends it then."""

_GC_THRESHOLDS: Final = (50_000, 20, 100)

SHUTDOWN_TIMEOUT: Final = 3.0
"""Seconds that requests under way have to end. aiohttp may wait twice that long."""

GRACE: Final = 2.0
"""Seconds in which load balancers find out that a service stops: some probes of its ``/healthz``."""

LAST_ANSWERS: Final = 10.0
"""Seconds that callers behind a load balancer have for what they wait for, such as the end of a run."""

_log = structlog.get_logger("signoff.server")

_BACKLOG: Final = 1024

_ACCEPTORS: Final = 16
"""How often a socket is watched. libuv accepts one connection each time round its loop (since 1.45): while
that is busy, who connects would wait for seconds, where no limit sees it and nobody refuses it."""


async def serve(
    app: web.Application,
    *,
    host: str,
    port: int,
    stop: asyncio.Event,
    on_ready: Callable[[str], None] | None = None,
    handler_cancellation: bool = False,
    grace: float = 0.0,
    shutdown_timeout: float = SHUTDOWN_TIMEOUT,
    backlog: int = _BACKLOG,
) -> None:
    """Serve an application until ``stop`` is set; ends when all of it is cleaned up.

    Args:
        app: gets :data:`LEAVING` and :data:`STOPPING`.
        host: the address to listen on.
        port: 0 takes a free one.
        stop: ends the server.
        on_ready: called with the base URL once the server listens; it is logged where there is none.
        handler_cancellation: cancel a handler when its client goes away (streams only).
        grace: seconds to serve on once ``stop`` is set, for load balancers.
        shutdown_timeout: seconds that requests under way have to end after that.
        backlog: connections that may wait to be accepted, as far as the system allows; who comes when they
            are as many is not heard, and tries again after a second and more.

    Raises:
        ServerError: the address cannot be listened on; says what to do.
    """
    leaving = app[LEAVING] = asyncio.Event()
    stopping = app[STOPPING] = asyncio.Event()

    async def begin_to_stop(_: web.Application) -> None:
        stopping.set()

    async def close_with_answer(_: web.Request, response: web.StreamResponse) -> None:
        if leaving.is_set():
            response.headers["Connection"] = "close"
            response.force_close()

    app.on_shutdown.insert(0, begin_to_stop)
    app.on_response_prepare.append(close_with_answer)
    runner = web.AppRunner(
        app,
        handler_cancellation=handler_cancellation,
        shutdown_timeout=shutdown_timeout,
    )
    await runner.setup()
    try:
        listeners = await _listen(runner, host, port, backlog)
        try:
            bound = listeners[0].sockets[0].getsockname()[1]
            (on_ready or _tell)(str(URL.build(scheme="http", host=host, port=bound)))
            await stop.wait()
            _log.info("stopping")
            leaving.set()
            await asyncio.sleep(grace)
        finally:
            for listener in listeners:
                listener.close()
    finally:
        await runner.cleanup()


def _tell(url: str) -> None:
    _log.info("listening", url=url)


async def _listen(runner: web.AppRunner, host: str, port: int, backlog: int) -> list[asyncio.Server]:
    server = cast("web.Server", runner.server)  # the runner is set up
    connection = open_to(server)
    loop = asyncio.get_running_loop()
    try:
        first = await loop.create_server(connection, host, port, backlog=backlog)
    except OSError as error:
        raise ServerError(
            f"cannot listen on {host}:{port} ({error.strerror}): "
            "end what listens there, or set SIGNOFF_HOST and SIGNOFF_PORT"
        ) from error
    listeners = [first]
    for bound in first.sockets * (_ACCEPTORS - 1):
        same = socket.fromfd(bound.fileno(), bound.family, bound.type)
        listeners.append(await loop.create_server(connection, sock=same, backlog=backlog))
    return listeners


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
