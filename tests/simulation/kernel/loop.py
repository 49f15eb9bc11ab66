"""An event loop with virtual time and a seeded scheduler.

Time passes only when nothing is ready, and then jumps to the next timer. What asyncio leaves open, the order
of steps of different tasks, is drawn from the seed; callbacks of one process keep their order, as asyncio
promises, and so do the steps of one task.
"""

import asyncio
import heapq
import itertools
import traceback
from asyncio import TimerHandle
from collections.abc import Callable
from contextvars import Context
from random import Random
from typing import Any, Final

from simulation.kernel.errors import DeadlockError, StuckError
from simulation.kernel.processes import CURRENT, Process
from simulation.kernel.trace import Trace

_LONGEST_WORK: Final = 0.002
"""Virtual seconds that work in a thread may take."""


class SimulatedLoop(asyncio.BaseEventLoop):
    """See the module.

    Args:
        random: decides what runs next.
        most_steps: more are taken for a run that does not end.
        most_seconds: the same, of virtual time.

    Attributes:
        trace: what happened.
        listen: lets the running process take connections; given by the network.
        unforeseen: what tasks of living processes raised and nobody took.
    """

    def __init__(
        self, random: Random, *, most_steps: int, most_seconds: float, whole_trace: bool = False
    ) -> None:
        super().__init__()
        self._now = 0.0
        self._random = random
        self._most_steps = most_steps
        self._most_seconds = most_seconds
        self._waiting: dict[Process | None, list[asyncio.Handle]] = {}
        self._order: list[Process | None] = []
        self._numbers = itertools.count()
        self._timers: list[tuple[float, int, TimerHandle]] = []
        self.steps = 0
        self.trace = Trace(self.time, whole=whole_trace)
        self.unforeseen: list[str] = []
        self.listen: Callable[[Any, str], Any] = _nowhere
        self._graveyard: list[object] = []
        self.set_exception_handler(self._unforeseen)
        self.set_task_factory(
            lambda loop, coro, **given: _Task(next(self._numbers), coro, loop=loop, **given)
        )

    def time(self) -> float:
        """Virtual seconds since the simulation began: the monotonic clock of every process."""
        return self._now

    # Processes ----------------------------------------------------------------------------------------

    def kill(self, process: Process) -> None:
        """End a process as ``kill -9`` does."""
        self.trace.note(process.name, "is killed")
        # A dropped coroutine would be closed, and that runs its `finally`: it is kept until the end instead.
        self._graveyard.extend(asyncio.all_tasks(self))
        self._graveyard.extend(self._timers)
        self._graveyard.extend(process.held)
        process.kill()

    def freeze(self, process: Process) -> None:
        """Stop a process as SIGSTOP does."""
        self.trace.note(process.name, "freezes")
        process.frozen = True

    def thaw(self, process: Process) -> None:
        """Let a frozen process go on, as SIGCONT does."""
        if not process.frozen:
            return
        self.trace.note(process.name, "goes on")
        process.frozen = False
        self._ready.extend(process.held)  # type: ignore[attr-defined]
        process.held.clear()

    # The scheduler ------------------------------------------------------------------------------------

    def _run_once(self) -> None:
        self._sort_ready()
        while not self._order:
            self._pass_time()
            self._sort_ready()
        self.steps += 1
        if self.steps > self._most_steps:
            raise StuckError(f"no end after {self.steps} steps, at {self._now:.3f} virtual seconds")
        handle = self._draw()
        process = handle._context.get(CURRENT)  # type: ignore[attr-defined]
        if handle._cancelled or (process is not None and not self._may_run(process, handle)):
            return
        self.trace.step(process.name if process else "-", _name_of(handle))
        handle._run()

    def _sort_ready(self) -> None:
        ready = self._ready  # type: ignore[attr-defined]
        while ready:
            handle = ready.popleft()
            if handle._cancelled:
                continue
            process = handle._context.get(CURRENT)
            if process is not None and not self._may_run(process, handle):
                continue
            waiting = self._waiting.get(process)
            if waiting is None:
                self._waiting[process] = waiting = []
                self._order.append(process)
            waiting.append(handle)

    def _draw(self) -> asyncio.Handle:
        """The next handle of a process drawn by the seed: of a task drawn among those that are ready."""
        order = self._order
        at = self._below(len(order))
        process = order[at]
        waiting = self._waiting[process]
        handle = waiting.pop(self._below_task(waiting) if len(waiting) > 1 else 0)
        if not waiting:
            del self._waiting[process]
            order[at] = order[-1]
            order.pop()
        return handle

    def _below_task(self, waiting: list[asyncio.Handle]) -> int:
        """Which handle of a process is next: steps of tasks change places, but none passes a callback."""
        tasks: dict[object, int] = {}
        for at, handle in enumerate(waiting):
            task = _task_of(handle)
            if task is None:
                break
            tasks.setdefault(task, at)
        return list(tasks.values())[self._below(len(tasks))] if tasks else 0

    def _below(self, count: int) -> int:
        return int(self._random.random() * count) if count > 1 else 0

    def _may_run(self, process: Process, handle: asyncio.Handle) -> bool:
        if not process.alive:
            self._graveyard.append(handle)
            return False
        if process.frozen:
            process.held.append(handle)
            return False
        return True

    def _pass_time(self) -> None:
        while self._timers:
            when, _, timer = heapq.heappop(self._timers)
            if timer.cancelled():
                continue
            process = timer._context.get(CURRENT)  # type: ignore[attr-defined]
            if process is not None and not process.alive:
                self._graveyard.append(timer)
                continue
            self._now = max(self._now, when)
            if self._now > self._most_seconds:
                raise StuckError(f"no end after {self._now:.3f} virtual seconds and {self.steps} steps")
            self._ready.append(timer)  # type: ignore[attr-defined]
            return
        waiting = sorted(task.get_name() for task in asyncio.all_tasks(self))
        raise DeadlockError(f"nothing can ever happen again; these wait: {', '.join(waiting)}")

    # What asyncio asks of a loop ------------------------------------------------------------------------

    def create_future(self) -> asyncio.Future[Any]:
        """A future that sets hold in the same order in every run."""
        return _Future(next(self._numbers), loop=self)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> TimerHandle:
        """Call at a moment; what is due at the same moment comes in the order of these calls."""
        timer = TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, next(self._numbers), timer))
        return timer

    def _timer_handle_cancelled(self, handle: TimerHandle) -> None:
        """Cancelled timers are left where they are until their time has come."""

    def call_soon_threadsafe(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """There are no threads: the same as ``call_soon``."""
        return self.call_soon(callback, *args, context=context)

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        """Do the work of a thread here, a moment later."""
        future = self.create_future()

        def work() -> None:
            if future.cancelled():
                return
            try:
                future.set_result(func(*args))
            except Exception as error:  # noqa: BLE001  (it is the caller's)
                future.set_exception(error)

        self.call_later(self._random.random() * _LONGEST_WORK, work)
        return future

    async def create_server(  # type: ignore[override]
        self, protocol_factory: Any, host: str, port: int, **_: Any
    ) -> Any:
        """Listen on the simulated network, under the name of a service."""
        return self.listen(protocol_factory, host)

    def _process_events(self, event_list: object) -> None:
        """There is no selector."""

    def _write_to_self(self) -> None:
        """There is no selector."""

    def _unforeseen(self, _: asyncio.AbstractEventLoop, told: dict[str, Any]) -> None:
        error = told.get("exception")
        text = f"{told.get('message')}: {_frames(error)}" if error else str(told.get("message"))
        process = CURRENT.get()
        if process is None or process.alive:
            self.trace.note(process.name if process else "-", f"UNFORESEEN {text}")
            self.unforeseen.append(text)


class _Future(asyncio.Future[Any]):
    """A future whose hash is its number, and no address."""

    def __init__(self, number: int, **given: Any) -> None:
        self._number = number
        super().__init__(**given)

    def __hash__(self) -> int:
        return self._number


class _Task(asyncio.Task[Any]):
    """The same for a task: asyncio and services keep them in sets, and go through these."""

    def __init__(self, number: int, coro: Any, **given: Any) -> None:
        self._number = number
        super().__init__(coro, **given)

    def __hash__(self) -> int:
        return self._number


def _task_of(handle: asyncio.Handle) -> object:
    owner = getattr(handle._callback, "__self__", None)  # type: ignore[attr-defined]
    return owner if isinstance(owner, asyncio.Task) else None


def _name_of(handle: asyncio.Handle) -> str:
    callback = handle._callback  # type: ignore[attr-defined]
    task = _task_of(handle)
    if isinstance(task, asyncio.Task):
        return str(getattr(task.get_coro(), "__qualname__", "task"))
    return str(getattr(callback, "__qualname__", type(callback).__name__))


def _frames(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    return f"{error!r} at {', '.join(f'{each.filename}:{each.lineno}' for each in frames)}"


def _nowhere(_: Any, host: str) -> Any:
    raise OSError(f"there is no network to listen on as {host}")
