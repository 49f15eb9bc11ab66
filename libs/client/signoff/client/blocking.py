"""From coroutines to plain calls: an event loop in a thread of its own, and methods that wait for it."""

import asyncio
import functools
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from concurrent.futures import CancelledError
from typing import Any, Concatenate, Final, Generic, ParamSpec, TypeVar, cast

from signoff.client.errors import ConfigurationError

_END: Final = object()
_LAST_STEPS: Final = 5.0
"""Seconds that work which was given up may take to let go of what it holds."""


A = TypeVar("A")
B = TypeVar("B")
R = TypeVar("R")
S = TypeVar("S")
P = ParamSpec("P")


class LoopThread:
    """An event loop in a thread of its own. Any thread may call it, one inside of a running loop too.

    The thread starts with the first call; :meth:`close` ends it.
    """

    def __init__(self) -> None:
        # Reentrant, since the garbage collector may end an iterator in a thread that holds it.
        self._lock = threading.RLock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    def call(self, work: Callable[[], Awaitable[R]]) -> R:
        """Do something in the loop and wait for it. An interrupted wait cancels it.

        Args:
            work: begins it, in the loop.

        Raises:
            ConfigurationError: the client is closed, meanwhile or before, or is called from its own loop.
        """
        if self._is_here():
            raise ConfigurationError("a client cannot be called from its own loop: use AsyncClient there")
        let_go = threading.Event()
        with self._lock:  # so that nothing comes after what closing does last, and waits for ever
            loop = self._running()
            future = asyncio.run_coroutine_threadsafe(_told(work, let_go), loop)
        try:
            return future.result()
        except CancelledError as error:
            raise ConfigurationError("the client was closed while it was at work") from error
        except BaseException:
            if future.cancel():
                let_go.wait(_LAST_STEPS)
            raise

    def iterate(self, begin: Callable[[], AsyncGenerator[R, None]]) -> Generator[R, None, None]:
        """The items of an async generator; it is closed when the iterator is."""
        source = begin()
        try:
            while (item := self.call(lambda: anext(source, _END))) is not _END:
                yield cast("R", item)
        finally:
            self._end(source)

    def _end(self, source: AsyncGenerator[Any, None]) -> None:
        if self._is_here():  # the garbage collector ends forgotten iterators wherever it runs
            asyncio.get_running_loop().create_task(_closing(source))
        elif not self._closed:  # closing has ended them all
            self.call(source.aclose)

    def _is_here(self) -> bool:
        return threading.current_thread() is self._thread

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._closed:
            raise ConfigurationError("the client is closed: make another one")
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(
                target=self._run, args=(self._loop,), name="signoff-client", daemon=True
            )
            self._thread.start()
        return self._loop

    @staticmethod
    def _run(loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        loop.run_forever()

    def close(self, last: Callable[[], Awaitable[None]]) -> None:
        """End everything that is under way and the thread. Closing again does nothing.

        Args:
            last: done in the loop when all else has ended.
        """
        with self._lock:
            loop, thread, self._loop = self._loop, self._thread, None
            self._closed = True
        if loop is None or thread is None:
            return
        asyncio.run_coroutine_threadsafe(_end_all(loop, last), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _told(work: Callable[[], Awaitable[R]], let_go: threading.Event) -> R:
    try:
        return await work()
    finally:
        let_go.set()


async def _closing(source: AsyncGenerator[Any, None]) -> None:
    await source.aclose()


async def _end_all(loop: asyncio.AbstractEventLoop, last: Callable[[], Awaitable[None]]) -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await loop.shutdown_asyncgens()
    await last()
    await loop.shutdown_default_executor()


class Blocking(Generic[A]):
    """An async object whose methods are called plainly.

    Args:
        inner: the async object.
        thread: whose loop it lives in.
    """

    def __init__(self, inner: A, thread: LoopThread) -> None:
        self._inner = inner
        self._thread = thread

    def __repr__(self) -> str:
        return repr(self._inner).removeprefix("Async")


def called(
    method: Callable[Concatenate[A, P], Awaitable[R]],
) -> Callable[Concatenate[Blocking[A], P], R]:
    """A coroutine method as a plain one."""

    @functools.wraps(method)
    def call(self: Blocking[A], /, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._thread.call(lambda: method(self._inner, *args, **kwargs))

    return call


def giving(
    method: Callable[Concatenate[A, P], Awaitable[B]], kind: Callable[[B, LoopThread], S]
) -> Callable[Concatenate[Blocking[A], P], S]:
    """A coroutine method that gives an async object, as a plain one that gives a blocking one."""

    @functools.wraps(method)
    def call(self: Blocking[A], /, *args: P.args, **kwargs: P.kwargs) -> S:
        return kind(self._thread.call(lambda: method(self._inner, *args, **kwargs)), self._thread)

    return call


def made(
    method: Callable[Concatenate[A, P], B], kind: Callable[[B, LoopThread], S]
) -> Callable[Concatenate[Blocking[A], P], S]:
    """A plain method that gives an async object, as one that gives a blocking one."""

    @functools.wraps(method)
    def call(self: Blocking[A], /, *args: P.args, **kwargs: P.kwargs) -> S:
        return kind(method(self._inner, *args, **kwargs), self._thread)

    return call


def iterated(
    method: Callable[Concatenate[A, P], AsyncGenerator[R, None]],
) -> Callable[Concatenate[Blocking[A], P], Generator[R, None, None]]:
    """A method that gives an async generator, as one that gives a plain one."""

    @functools.wraps(method)
    def call(self: Blocking[A], /, *args: P.args, **kwargs: P.kwargs) -> Generator[R, None, None]:
        return self._thread.iterate(lambda: method(self._inner, *args, **kwargs))

    return call


def constructed(
    kind: Callable[P, A],
) -> Callable[[Callable[[S, A], None]], Callable[Concatenate[S, P], None]]:
    """Let a constructor take the arguments of another one, and be given what that one made."""

    def decorate(build: Callable[[S, A], None]) -> Callable[Concatenate[S, P], None]:
        def construct(self: S, /, *args: P.args, **kwargs: P.kwargs) -> None:
            build(self, kind(*args, **kwargs))

        return construct

    return decorate
