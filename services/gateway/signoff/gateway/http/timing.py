"""The gateway's own time for a request: all of it but what it waited for (docs/benchmarks.md)."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from typing import Final

from aiohttp import web


class Pause:
    """Time that a request spends waiting for one thing; a context manager for each wait.

    Tasks of a request may wait at once: what overlaps counts once.

    Args:
        clock: monotonic, seconds.

    Attributes:
        seconds: spent so far, without a wait that has not ended.
    """

    __slots__ = ("_clock", "_depth", "_since", "seconds")

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.seconds = 0.0
        self._depth = 0
        self._since = 0.0

    def __enter__(self) -> None:
        if not self._depth:
            self._since = self._clock()
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if not self._depth:
            self.seconds += self._clock() - self._since


class Stopwatch:
    """Runs from a request's head to its answer's.

    Args:
        clock: monotonic, seconds.

    Attributes:
        receiving: the caller's body, on its way.
        waiting: the broker, for the command; the executor, for its outcome or the end of its run.
    """

    __slots__ = ("_began", "_clock", "receiving", "waiting")

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._began = clock()
        self.receiving = Pause(clock)
        self.waiting = Pause(clock)

    def elapsed(self) -> float:
        """Seconds since the request's head was read."""
        return self._clock() - self._began

    def server_timing(self) -> str:
        """The value of ``Server-Timing`` (W3C, Server Timing), in milliseconds.

        ``gateway`` is the gateway's own time, with its reads of the log; ``wait`` is what it waited.
        """
        waited = self.waiting.seconds
        own = self.elapsed() - self.receiving.seconds - waited
        return f"gateway;dur={own * 1e3:.2f}, wait;dur={waited * 1e3:.2f}"


_current: ContextVar[Stopwatch | None] = ContextVar("signoff.gateway.stopwatch", default=None)
_OUTSIDE: Final = nullcontext()


def begin() -> Stopwatch:
    """Start the stopwatch of a request, in its own task: the next request has another one."""
    watch = Stopwatch()
    _current.set(watch)
    return watch


def receiving() -> AbstractContextManager[None]:
    """Stop the gateway's own time while a body arrives."""
    watch = _current.get()
    return _OUTSIDE if watch is None else watch.receiving


def waiting() -> AbstractContextManager[None]:
    """Stop the gateway's own time while others work: nothing happens outside of requests."""
    watch = _current.get()
    return _OUTSIDE if watch is None else watch.waiting


async def tell_timing(_: web.Request, response: web.StreamResponse) -> None:
    """Say in an answer's ``Server-Timing`` how long it took; a stream says so at its start."""
    watch = _current.get()
    if watch is not None:
        response.headers["Server-Timing"] = watch.server_timing()
