"""``signoff gateway``, ``executor`` and ``stream``: each service of a cluster as a process of its own."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from signoff.cli.environment import require_cluster, serve_to_end, server_settings
from signoff.cli.exits import Exit
from signoff.runtime.server import install_signal_handlers
from signoff.runtime.settings import Settings

Service = Callable[[Settings, asyncio.Event], Awaitable[None]]


def gateway(*, host: str | None = None, port: int | None = None) -> Exit:
    """Run one gateway: HTTP in, commands out.

    It waits for its database and broker with readiness down; SIGTERM stops it.

    Args:
        host: The address to listen on, in place of SIGNOFF_HOST.
        port: The port, in place of SIGNOFF_PORT; 0 takes a free one.
    """
    from signoff.executor.forks.what_if import open_what_if  # noqa: PLC0415 - only this process needs it
    from signoff.gateway.app import run  # noqa: PLC0415 - the same

    return _run(partial(run, open_what_if=open_what_if), host, port)


def executor(*, host: str | None = None, port: int | None = None) -> Exit:
    """Run one executor: it owns a share of the partitions, and hands them over when it stops.

    It waits for its database and broker with readiness down; SIGTERM stops it.

    Args:
        host: The address of its health routes, in place of SIGNOFF_HOST.
        port: Their port, in place of SIGNOFF_PORT; 0 takes a free one.
    """
    from signoff.executor.app import run  # noqa: PLC0415 - only this process needs it

    return _run(run, host, port)


def stream(*, host: str | None = None, port: int | None = None) -> Exit:
    """Run one stream service: events out, to any number of readers.

    It waits for its database and broker with readiness down; SIGTERM stops it.

    Args:
        host: The address to listen on, in place of SIGNOFF_HOST.
        port: The port, in place of SIGNOFF_PORT; 0 takes a free one.
    """
    from signoff.stream.app import run  # noqa: PLC0415 - only this process needs it

    return _run(run, host, port)


def _run(service: Service, host: str | None, port: int | None) -> Exit:
    settings = server_settings(host=host, port=port)
    require_cluster(settings)

    async def until_stopped() -> None:
        stop = asyncio.Event()
        install_signal_handlers(stop)
        await service(settings, stop)

    return serve_to_end(until_stopped(), settings)
