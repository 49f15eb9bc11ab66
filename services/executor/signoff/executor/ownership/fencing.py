"""Whoever acts outside for a partition acts only while its lease holds, by this process's own clock.

A process that was stopped does not know it until it looks. So it looks before each step outside: the tasks of
blocks, notices and webhooks carry their partition's lease, and every request that they make asks for it.
"""

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from typing import Final

from aiohttp import ClientHandlerType, ClientRequest, ClientResponse


class LeaseRanOutError(asyncio.CancelledError):
    """The lease has run out: what runs for it ends as if cancelled, and says nothing more.

    No handler of errors takes it for a failure of what was to be reached.
    """


def _always() -> bool:
    return True


_held: Final[ContextVar[Callable[[], bool]]] = ContextVar("held", default=_always)


def fence(held: Callable[[], bool]) -> None:
    """Let this task, and those that it makes, act outside only while a lease is held.

    Args:
        held: whether it is.
    """
    _held.set(held)


def check() -> None:
    """Go on only while the lease is held that this task works for. Call it before each step outside.

    Raises:
        LeaseRanOutError: it is not.
    """
    if not _held.get()():
        raise LeaseRanOutError


async def fenced(request: ClientRequest, send: ClientHandlerType) -> ClientResponse:
    """Check before each HTTP request: the middleware of every session that works for partitions."""
    check()
    return await send(request)
