"""Threads for calls that may hang. They cannot be stopped, so they must not be waited for, either."""

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class DaemonThreads(Executor):
    """Runs calls in threads that no process waits for at its end.

    `ThreadPoolExecutor` joins its threads when the interpreter ends, so that one call that never returns
    keeps its process for ever, and its place in the pool. Here the threads are daemons, and a call that was
    given up (its future was cancelled while it ran) makes room for another: up to `size` of them, lest
    calls that always hang take all memory.

    Args:
        size: how many calls run at once; others wait in line.
        name: what the threads' names begin with.
    """

    def __init__(self, size: int, *, name: str) -> None:
        self._name = name
        self._size = size
        self._lock = threading.Lock()
        self._line: deque[_Call] = deque()
        self._working: set[_Call] = set()
        self._given_up: set[_Call] = set()
        self._threads: set[threading.Thread] = set()
        self._closed = False
        self._made = 0

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call a function in a thread, as soon as there is room.

        Raises:
            RuntimeError: the threads are closed.
        """
        call = _Call(self, lambda: fn(*args, **kwargs))
        with self._lock:
            if self._closed:
                raise RuntimeError("the threads are closed: no call starts any more")
            self._line.append(call)
            self._start_threads()
        return call

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls (see `concurrent.futures.Executor`). `close` is the one with a limit."""
        self._refuse(cancel_waiting=cancel_futures)
        if wait:
            self._join(None)

    def close(self, limit: float) -> int:
        """Take no more calls, drop those that wait, and wait for those at work. Blocks its caller.

        Args:
            limit: seconds to wait at most.

        Returns:
            How many threads are still at work; the process may end without them.
        """
        self._refuse(cancel_waiting=True)
        self._join(time.monotonic() + limit)
        return sum(thread.is_alive() for thread in self._threads)

    def give_up(self, call: "_Call") -> None:
        """Nobody waits for a call any more: let another have its place."""
        with self._lock:
            if call in self._working and len(self._given_up) < self._size:
                self._working.discard(call)
                self._given_up.add(call)
                self._start_threads()

    def _refuse(self, *, cancel_waiting: bool) -> None:
        with self._lock:
            self._closed = True
            dropped = list(self._line) if cancel_waiting else []
            if cancel_waiting:
                self._line.clear()
        for call in dropped:
            call.cancel()

    def _join(self, deadline: float | None) -> None:
        for thread in list(self._threads):
            thread.join(None if deadline is None else max(0.0, deadline - time.monotonic()))

    def _start_threads(self) -> None:
        while self._line and len(self._working) < self._size:
            call = self._line.popleft()
            self._working.add(call)
            self._made += 1
            name = f"{self._name}-{self._made}"
            thread = threading.Thread(target=self._work, args=(call,), name=name, daemon=True)
            self._threads.add(thread)
            thread.start()

    def _work(self, call: "_Call") -> None:
        """Run a call and, as long as there is one, the next in line."""
        following: _Call | None = call
        while following is not None:
            following.run()
            following = self._next(following)

    def _next(self, done: "_Call") -> "_Call | None":
        with self._lock:
            was_given_up = done in self._given_up  # its place is taken by now
            self._working.discard(done)
            self._given_up.discard(done)
            if self._line and not was_given_up:
                following = self._line.popleft()
                self._working.add(following)
                return following
            self._start_threads()
            self._threads.discard(threading.current_thread())
            return None


class _Call(Future[Any]):
    """A call and its result. To cancel it while it runs gives it up."""

    def __init__(self, threads: DaemonThreads, function: Callable[[], object]) -> None:
        super().__init__()
        self._threads = threads
        self._function = function

    def cancel(self) -> bool:
        cancelled = super().cancel()
        if not cancelled and self.running():
            self._threads.give_up(self)
        return cancelled

    def run(self) -> None:
        if not self.set_running_or_notify_cancel():
            return
        try:
            result = self._function()
        except StopIteration as error:  # no future may hold it: whoever waits would wait for ever
            problem = RuntimeError("StopIteration was raised: `next` was called on what had come to its end")
            problem.__cause__ = error
            self.set_exception(problem)
        except BaseException as error:  # noqa: BLE001  (whatever it is, it belongs to whoever waits)
            self.set_exception(error)
        else:
            self.set_result(result)
